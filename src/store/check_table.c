// SPDX-License-Identifier: BSD-3-Clause
// Columns and texts of the files under check.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

// ---- texts ------------------------------------------------------------------------------

void htf_check__drop_texts(htf_check__texts *texts) {
  for (int64_t i = 0; texts->text != NULL && i < texts->count; i++) {
    if (texts->text[i] != NULL) {
      H5free_memory(texts->text[i]);
    }
  }
  HTF_FREE(texts->text);
  texts->count = 0;
}

const char *htf_check__text(const htf_check__texts *texts, int64_t i) {
  return texts->text[i] != NULL ? texts->text[i] : "";
}

// Room for the texts of `space`, and their type in memory.
static htf_status prepare(hid_t stored, hid_t space, hid_t *memory,
                          htf_check__texts *texts) {
  htf_status status = HTF_OK;
  HTF_CHECK(H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) > 0,
            HTF_E_DATA, "no texts of variable length");
  HDF5_OPEN(HTF_E_DATA, *memory, H5Tcopy(H5T_C_S1));
  HDF5_TRY(HTF_E_DATA, H5Tset_size(*memory, H5T_VARIABLE));
  HDF5_TRY(HTF_E_DATA, H5Tset_cset(*memory, H5Tget_cset(stored)));
  texts->count = (int64_t)H5Sget_simple_extent_npoints(space);
  HTF_NEW(texts->text, texts->count);
done:
  return status;
}

htf_status htf_check__read_texts(const htf_reader__file *file, const char *name,
                                 htf_check__texts *texts) {
  htf_status status = HTF_OK;
  hid_t dataset = -1, type = -1, space = -1, memory = -1;
  hsize_t count = 0;
  HTF_TRY(htf_reader__dataset(file, name, 1, &dataset, &count));
  HTF_TRY(htf_reader__size(file, name, 1, &count));
  HDF5_OPEN(HTF_E_DATA, type, H5Dget_type(dataset));
  HDF5_OPEN(HTF_E_DATA, space, H5Dget_space(dataset));
  HTF_TRY(prepare(type, space, &memory, texts));
  HDF5_TRY(HTF_E_DATA,
           H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts->text));
done:
  htf_file__drop(&memory);
  htf_file__drop(&space);
  htf_file__drop(&type);
  htf_file__drop(&dataset);
  return status;
}

htf_status htf_check__attribute_texts(hid_t object, const char *name,
                                      htf_check__texts *texts) {
  htf_status status = HTF_OK;
  hid_t attribute = -1, type = -1, space = -1, memory = -1;
  HTF_CHECK(H5Aexists(object, name) > 0, HTF_E_DATA, "attribute %s is missing", name);
  HDF5_OPEN(HTF_E_DATA, attribute, H5Aopen(object, name, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, type, H5Aget_type(attribute));
  HDF5_OPEN(HTF_E_DATA, space, H5Aget_space(attribute));
  HTF_TRY(prepare(type, space, &memory, texts));
  HDF5_TRY(HTF_E_DATA, H5Aread(attribute, memory, texts->text));
done:
  htf_file__drop(&memory);
  htf_file__drop(&space);
  htf_file__drop(&type);
  htf_file__drop(&attribute);
  return status;
}

// ---- numbers ----------------------------------------------------------------------------

htf_status htf_check__read_column(const htf_reader__file *file, const char *name,
                                  htf_reader__type type, int64_t count, int64_t *length,
                                  void **values) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t dims = 0;
  double *read = NULL;
  HTF_TRY(htf_reader__dataset(file, name, 1, &dataset, &dims));
  HTF_CHECK(count < 0 || (int64_t)dims == count, HTF_E_DATA,
            "dataset %s has %llu rows, expected %lld", name, (unsigned long long)dims,
            (long long)count);
  HTF_TRY(htf_reader__size(file, name, 1, &dims));
  HTF_NEW(read, dims);
  HTF_TRY(htf_reader__numbers(dataset, name, type, read));
  if (length != NULL) {
    *length = (int64_t)dims;
  }
  *values = read;
  read = NULL;
done:
  HTF_FREE(read);
  htf_file__drop(&dataset);
  return status;
}

// ---- links ------------------------------------------------------------------------------

typedef struct walk {
  htf_status (*each)(void *context, const char *name);
  void *context;
  htf_status status;
} walk;

static herr_t step(hid_t group, const char *name, const H5L_info_t *info, void *context) {
  walk *w = context;
  (void)group;
  (void)info;
  w->status = w->each(w->context, name);
  return w->status == HTF_OK ? 0 : 1;
}

htf_status htf_check__links(hid_t group,
                            htf_status (*each)(void *context, const char *name),
                            void *context) {
  htf_status status = HTF_OK;
  walk w = {each, context, HTF_OK};
  hsize_t at = 0;
  herr_t stopped = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, step, &w);
  HTF_TRY(w.status);
  HDF5_TRY(HTF_E_DATA, stopped);
done:
  return status;
}
