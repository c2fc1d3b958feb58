// SPDX-License-Identifier: BSD-3-Clause
// Each dataset of a results file by itself: what its type, scales and attributes are, and
// what content_checksum says of all of them together.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check_impl.h"
#include "disk_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

// Bytes of a block that is read to be digested; one row at least.
enum { BLOCK_BYTES = 1 << 20, TEXT_ROWS = 1024, ATTRIBUTE_BYTES = 4096 };

// The file's datasets, by path.
typedef struct list {
  int64_t count, room;
  char **path; // [count], absolute
} list;

// A dataset under check.
typedef struct dataset {
  const htf_check__state *state;
  const char *path;
  hid_t id;
  char kind; // its letter in the manifest; 0 for none of them
  int rank;
  hsize_t dims[H5S_MAX_RANK];
  int64_t row; // elements of a row
} dataset;

// ---- finding them -----------------------------------------------------------------------

static htf_status add(list *l, const char *name) {
  htf_status status = HTF_OK;
  if (l->count == l->room) {
    int64_t room = l->room > 0 ? 2 * l->room : 64;
    HTF_RESIZE(l->path, room);
    l->room = room;
  }
  HTF_TRY(htf_file__format(&l->path[l->count], "/%s", name));
  l->count++;
done:
  return status;
}

static herr_t visit(hid_t root, const char *name, const H5O_info_t *info, void *context) {
  (void)root;
  return info->type == H5O_TYPE_DATASET && add(context, name) != HTF_OK ? 1 : 0;
}

static htf_status find_datasets(hid_t file, list *l) {
  htf_status status = HTF_OK;
  herr_t stopped = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, l, H5O_INFO_BASIC);
  HTF_CHECK(stopped <= 0, HTF_E_MEMORY, "no memory for the names of datasets");
  HDF5_TRY(HTF_E_DATA, stopped);
done:
  return status;
}

// ---- type and attributes ----------------------------------------------------------------

static htf_status find_kind(dataset *d) {
  htf_status status = HTF_OK;
  hid_t type = -1;
  HDF5_OPEN(HTF_E_DATA, type, H5Dget_type(d->id));
  H5T_class_t class = H5Tget_class(type);
  bool text = class == H5T_STRING && H5Tis_variable_str(type) > 0 &&
              H5Tget_cset(type) == H5T_CSET_UTF8 && d->rank == 1;
  d->kind = class == H5T_FLOAT ? 'f' : class == H5T_INTEGER ? 'i' : text ? 's' : '\0';
  HTF_CHECK(d->kind != '\0', HTF_E_DATA,
            "neither numbers nor UTF-8 texts of variable length in one dimension");
done:
  htf_file__drop(&type);
  return status;
}

static htf_status check_texts(const dataset *d) {
  static const char *const names[] = {"long_name", "units", "comment"};
  htf_status status = HTF_OK;
  char text[ATTRIBUTE_BYTES];
  for (int i = 0; i < 3; i++) {
    status = htf_reader__text(d->id, "its", names[i], text, sizeof text);
    if (status == HTF_OK && text[0] == '\0') {
      htf_check__say(d->state, HTF_CHECK_ERROR, d->path, "its attribute %s is empty",
                     names[i]);
    }
    HTF_TRY(htf_check__absorb(d->state, d->path, status));
  }
done:
  return status;
}

// Missing numbers are NAN, and say so.
static htf_status check_fill(const dataset *d) {
  htf_status status = HTF_OK;
  hid_t attribute = -1, space = -1;
  double fill = 0;
  if (d->kind != 'f') {
    return HTF_OK;
  }
  if (H5Aexists(d->id, "_FillValue") > 0) {
    HDF5_OPEN(HTF_E_DATA, attribute, H5Aopen(d->id, "_FillValue", H5P_DEFAULT));
    HDF5_OPEN(HTF_E_DATA, space, H5Aget_space(attribute));
    HTF_CHECK(H5Sget_simple_extent_npoints(space) == 1, HTF_E_DATA,
              "its attribute _FillValue is not one number");
    HDF5_TRY(HTF_E_DATA, H5Aread(attribute, H5T_NATIVE_DOUBLE, &fill));
  }
  HTF_CHECK(isnan(fill), HTF_E_DATA, "its attribute _FillValue is not NaN");
done:
  htf_file__drop(&space);
  htf_file__drop(&attribute);
  return status;
}

// ---- scales -----------------------------------------------------------------------------

typedef struct scale {
  const dataset *of;
  hsize_t length;
  bool beside; // in the same group
} scale;

static herr_t look_at_scale(hid_t id, unsigned axis, hid_t scale_id, void *context) {
  scale *s = context;
  char path[1024] = "";
  hid_t space = H5Dget_space(scale_id);
  (void)id;
  (void)axis;
  if (space >= 0 && H5Sget_simple_extent_ndims(space) == 1) {
    H5Sget_simple_extent_dims(space, &s->length, NULL);
  }
  htf_file__drop(&space);
  H5Iget_name(scale_id, path, sizeof path);
  const char *own = strrchr(s->of->path, '/'), *other = strrchr(path, '/');
  s->beside = other != NULL && own - s->of->path == other - path &&
              strncmp(path, s->of->path, (size_t)(other - path)) == 0;
  return 0;
}

static htf_status check_axis(const dataset *d, unsigned axis) {
  htf_status status = HTF_OK;
  scale s = {.of = d};
  int scales = H5DSget_num_scales(d->id, axis);
  HTF_CHECK(scales == 1, HTF_E_DATA, "axis %u has %d dimension scales, expected one", axis,
            scales < 0 ? 0 : scales);
  HDF5_TRY(HTF_E_DATA, H5DSiterate_scales(d->id, axis, NULL, look_at_scale, &s));
  HTF_CHECK(s.length == d->dims[axis], HTF_E_DATA,
            "axis %u is %llu long, its dimension scale %llu", axis,
            (unsigned long long)d->dims[axis], (unsigned long long)s.length);
  HTF_CHECK(s.beside, HTF_E_DATA, "axis %u has its dimension scale in another group", axis);
done:
  return status;
}

static htf_status check_scales(const dataset *d) {
  htf_status status = HTF_OK;
  if (H5DSis_scale(d->id) > 0) {
    HTF_CHECK(d->rank == 1, HTF_E_DATA, "a dimension scale of %d dimensions", d->rank);
    return HTF_OK;
  }
  for (int axis = 0; axis < d->rank; axis++) {
    HTF_TRY(htf_check__absorb(d->state, d->path, check_axis(d, (unsigned)axis)));
  }
done:
  return status;
}

// ---- content_checksum -------------------------------------------------------------------

static htf_status feed_block(const dataset *d, hid_t space, int64_t row, int64_t rows,
                             void *block, htf_digester *digester) {
  htf_status status = HTF_OK;
  hid_t memory = -1, type = -1;
  hsize_t start[H5S_MAX_RANK] = {(hsize_t)row}, count[H5S_MAX_RANK];
  memcpy(count, d->dims, sizeof count);
  count[0] = (hsize_t)rows;
  HDF5_OPEN(HTF_E_DATA, type,
            H5Tcopy(d->kind == 'f'   ? H5T_NATIVE_DOUBLE
                    : d->kind == 'i' ? H5T_NATIVE_INT64
                                     : H5T_C_S1));
  if (d->kind == 's') {
    HDF5_TRY(HTF_E_DATA, H5Tset_size(type, H5T_VARIABLE));
    HDF5_TRY(HTF_E_DATA, H5Tset_cset(type, H5T_CSET_UTF8));
  }
  HDF5_OPEN(HTF_E_DATA, memory, H5Screate_simple(d->rank, count, NULL));
  HDF5_TRY(HTF_E_DATA,
           H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
  HDF5_TRY(HTF_E_DATA, H5Dread(d->id, type, memory, space, H5P_DEFAULT, block));
  if (d->kind == 's') {
    status = htf_manifest__feed_texts(digester, rows, block);
    H5Dvlen_reclaim(type, memory, H5P_DEFAULT, block);
    HTF_TRY(status);
  } else {
    if (d->kind == 'f') {
      htf_manifest__copy_reals(rows * d->row, block, block);
    }
    HTF_TRY(htf_digester_feed(digester, block, (size_t)(rows * d->row * 8)));
  }
done:
  htf_file__drop(&memory);
  htf_file__drop(&type);
  return status;
}

static htf_status digest_elements(const dataset *d, htf_digest *digest) {
  htf_status status = HTF_OK;
  htf_digester *digester = NULL;
  hid_t space = -1;
  char *block = NULL;
  int64_t all = d->rank > 0 ? (int64_t)d->dims[0] : 0;
  int64_t rows = d->kind == 's' ? TEXT_ROWS : BLOCK_BYTES / (d->row * 8 + 1) + 1;
  rows = rows < all ? rows : all;
  HTF_TRY(htf_digester_create(&digester));
  HDF5_OPEN(HTF_E_DATA, space, H5Dget_space(d->id));
  HTF_NEW(block, rows * d->row * 8);
  for (int64_t row = 0; row < all; row += rows) {
    int64_t left = all - row;
    HTF_TRY(feed_block(d, space, row, left < rows ? left : rows, block, digester));
  }
  HTF_TRY(htf_digester_finish(digester, digest));
done:
  HTF_FREE(block);
  htf_file__drop(&space);
  htf_digester_destroy(&digester);
  return status;
}

// ---- all of them ------------------------------------------------------------------------

static htf_status measure(dataset *d) {
  htf_status status = HTF_OK;
  hid_t space = -1;
  HDF5_OPEN(HTF_E_DATA, d->id, H5Dopen2(d->state->file.at, d->path, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, space, H5Dget_space(d->id));
  d->rank = H5Sget_simple_extent_ndims(space);
  HTF_CHECK(d->rank > 0, HTF_E_DATA, "a dataset of no dimension");
  HDF5_TRY(HTF_E_DATA, H5Sget_simple_extent_dims(space, d->dims, NULL));
  HTF_TRY(htf_reader__size(&d->state->file, d->path, d->rank, d->dims));
  d->row = 1;
  for (int i = 1; i < d->rank; i++) {
    d->row *= (int64_t)d->dims[i];
  }
done:
  htf_file__drop(&space);
  return status;
}

// Looks at one dataset; *whole tells whether it went into the manifest, or needs not to.
static htf_status check_one(dataset *d, htf_manifest__list *manifest, bool *whole) {
  htf_status status = HTF_OK;
  htf_digest digest;
  *whole = false;
  HTF_TRY(measure(d));
  HTF_TRY(find_kind(d));
  HTF_TRY(check_texts(d));
  HTF_TRY(htf_check__absorb(d->state, d->path, check_fill(d)));
  HTF_TRY(htf_check__absorb(d->state, d->path, check_scales(d)));
  HTF_TRY(digest_elements(d, &digest));
  if (strncmp(d->path, "/timings/", strlen("/timings/")) != 0) {
    HTF_TRY(htf_manifest__enter(manifest, d->path, d->kind, d->rank, d->dims, &digest));
  }
  *whole = true;
done:
  htf_file__drop(&d->id);
  return status;
}

static htf_status compare_checksum(const htf_check__state *state,
                                   htf_manifest__list *manifest, bool whole) {
  htf_status status = HTF_OK;
  htf_digest digest;
  char own[HTF_DIGEST_TEXT], stored[128];
  if (H5Aexists(state->file.at, "content_checksum") <= 0) {
    return HTF_OK; // said of the root already
  }
  HTF_TRY(
      htf_reader__text(state->file.at, "root", "content_checksum", stored, sizeof stored));
  HTF_TRY(htf_manifest__checksum(manifest, &digest));
  htf_digest_text(&digest, own);
  HTF_CHECK(whole, HTF_E_DATA,
            "content_checksum cannot be compared: not all datasets can be read");
  HTF_CHECK(strcmp(own, stored) == 0, HTF_E_DATA,
            "root attribute content_checksum is %s, the content's is %s", stored, own);
done:
  return status;
}

htf_status htf_check__layout(const htf_check__state *state) {
  htf_status status = HTF_OK;
  list l = {0};
  htf_manifest__list manifest = {0};
  bool all = true;
  HTF_TRY(find_datasets(state->file.at, &l));
  for (int64_t i = 0; i < l.count; i++) {
    bool whole = false;
    dataset d = {.state = state, .path = l.path[i], .id = -1};
    HTF_TRY(htf_check__absorb(state, l.path[i], check_one(&d, &manifest, &whole)));
    all &= whole;
  }
  HTF_TRY(htf_check__absorb(state, "/", compare_checksum(state, &manifest, all)));
done:
  for (int64_t i = 0; i < l.count; i++) {
    HTF_FREE(l.path[i]);
  }
  HTF_FREE(l.path);
  htf_manifest__clear(&manifest);
  return status;
}
