// SPDX-License-Identifier: BSD-3-Clause
#include "hdf5_impl.h"

#include <stdio.h>

#include "htflow/results.h"

void htf_file__hdf5_quiet(void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

typedef struct reasons {
  char deepest[256], call[128];
} reasons;

static herr_t note(unsigned n, const H5E_error2_t *error, void *context) {
  reasons *r = context;
  if (n == 0) {
    snprintf(r->deepest, sizeof r->deepest, "%s", error->desc ? error->desc : "");
  }
  snprintf(r->call, sizeof r->call, "%s: %s", error->func_name ? error->func_name : "?",
           error->desc ? error->desc : "");
  return 0;
}

const char *htf_file__hdf5_text(void) {
  static _Thread_local char text[512];
  reasons r = {"no reason given", ""};
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note, &r);
  snprintf(text, sizeof text, "%s (%s)", r.deepest, r.call);
  return text;
}

htf_status htf_file__close(hid_t *id) {
  htf_status status = HTF_OK;
  hid_t closing = *id;
  *id = -1;
  if (closing >= 0) {
    HDF5_TRY(HTF_E_IO, H5Idec_ref(closing));
  }
done:
  return status;
}

void htf_file__drop(hid_t *id) {
  if (*id >= 0) {
    H5Idec_ref(*id);
    *id = -1;
  }
}

static htf_status put(hid_t object, const char *name, hid_t type, hid_t space, hid_t memory,
                      const void *values) {
  htf_status status = HTF_OK;
  hid_t attribute = -1;
  HDF5_OPEN(HTF_E_IO, attribute,
            H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  HDF5_TRY(HTF_E_IO, H5Awrite(attribute, memory, values));
  HTF_TRY(htf_file__close(&attribute));
done:
  htf_file__drop(&attribute);
  return status;
}

static htf_status put_strings(hid_t object, const char *name, hid_t space,
                              const char *const *texts) {
  htf_status status = HTF_OK;
  hid_t type = -1;
  HDF5_OPEN(HTF_E_IO, type, H5Tcopy(H5T_C_S1));
  HDF5_TRY(HTF_E_IO, H5Tset_size(type, H5T_VARIABLE));
  HDF5_TRY(HTF_E_IO, H5Tset_cset(type, H5T_CSET_UTF8));
  HTF_TRY(put(object, name, type, space, type, texts));
done:
  htf_file__drop(&type);
  return status;
}

htf_status htf_file__put_text(hid_t object, const char *name, const char *text) {
  htf_status status = HTF_OK;
  hid_t space = -1;
  HDF5_OPEN(HTF_E_IO, space, H5Screate(H5S_SCALAR));
  HTF_TRY(put_strings(object, name, space, &text));
done:
  htf_file__drop(&space);
  return status;
}

htf_status htf_file__put_texts(hid_t object, const char *name, int count,
                               const char *const *texts) {
  htf_status status = HTF_OK;
  hid_t space = -1;
  HDF5_OPEN(HTF_E_IO, space, H5Screate_simple(1, &(hsize_t){(hsize_t)count}, NULL));
  HTF_TRY(put_strings(object, name, space, texts));
done:
  htf_file__drop(&space);
  return status;
}

htf_status htf_file__put_number(hid_t object, const char *name, hid_t type, int count,
                                hid_t memory, const void *values) {
  htf_status status = HTF_OK;
  hid_t space = -1;
  HDF5_OPEN(HTF_E_IO, space, H5Screate_simple(1, &(hsize_t){(hsize_t)count}, NULL));
  HTF_TRY(put(object, name, type, space, memory, values));
done:
  htf_file__drop(&space);
  return status;
}

const char *htf_results_library(void) {
  static char text[48];
  unsigned major, minor, release;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
  return text;
}
