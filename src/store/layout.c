// SPDX-License-Identifier: BSD-3-Clause
// The file, its groups and scales.
#include "layout_impl.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chunks_impl.h"
#include "disk_impl.h"
#include "driver_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

struct htf_results__layout {
  htf_results__disk *disk;
  hid_t file, root;
  htf_results__chunks *chunks;
  htf_manifest__list manifest;
};

// ---- the file ---------------------------------------------------------------------------

// Links and attributes keep the order they were made in, and no object keeps the time it
// was made at.
static htf_status track_order(hid_t list) {
  htf_status status = HTF_OK;
  unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  HDF5_TRY(HTF_E_IO, H5Pset_link_creation_order(list, order));
  HDF5_TRY(HTF_E_IO, H5Pset_attr_creation_order(list, order));
  HDF5_TRY(HTF_E_IO, H5Pset_obj_track_times(list, false));
done:
  return status;
}

static htf_status create_file(const char *path, htf_results__disk *disk, hid_t *file) {
  htf_status status = HTF_OK;
  hid_t creation = -1, access = -1;
  HDF5_OPEN(HTF_E_IO, creation, H5Pcreate(H5P_FILE_CREATE));
  HTF_TRY(track_order(creation));
  HDF5_OPEN(HTF_E_IO, access, H5Pcreate(H5P_FILE_ACCESS));
  HDF5_TRY(HTF_E_IO, H5Pset_fclose_degree(access, H5F_CLOSE_STRONG));
  HDF5_TRY(HTF_E_IO, H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18));
  HTF_TRY(htf_results__disk_use(disk, access));
  *file = H5Fcreate(path, H5F_ACC_EXCL, creation, access);
  HTF_TRY(htf_results__disk_check(disk));
  HTF_CHECK(*file >= 0, HTF_E_IO, "HDF5: %s", htf_file__hdf5_text());
done:
  htf_file__drop(&creation);
  htf_file__drop(&access);
  return status;
}

htf_status htf_results__create(const char *path, htf_results__layout **out) {
  htf_status status = HTF_OK;
  htf_results__layout *layout = NULL;
  HTF_NEW(layout, 1);
  layout->file = layout->root = -1;
  HTF_TRY(htf_results__chunks_create(&layout->chunks));
  HTF_TRY(htf_results__disk_create(&layout->disk));
  HTF_TRY(create_file(path, layout->disk, &layout->file));
  HDF5_OPEN(HTF_E_IO, layout->root, H5Gopen2(layout->file, "/", H5P_DEFAULT));
  *out = layout;
  layout = NULL;
done:
  htf_results__destroy(&layout);
  return status;
}

htf_status htf_results__check(const htf_results__layout *layout) {
  return htf_results__disk_check(layout->disk);
}

hid_t htf_results__root(const htf_results__layout *layout) {
  return layout->root;
}

htf_status htf_results__finish(htf_results__layout *layout) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_file__close(&layout->root));
  HDF5_TRY(HTF_E_IO, H5Fflush(layout->file, H5F_SCOPE_LOCAL));
  HTF_TRY(htf_file__close(&layout->file));
  HTF_TRY(htf_results__disk_check(layout->disk));
done:
  return status;
}

void htf_results__destroy(htf_results__layout **layout) {
  htf_results__layout *l = *layout;
  if (l != NULL) {
    htf_results__chunks_destroy(&l->chunks);
    htf_file__drop(&l->root);
    htf_file__drop(&l->file);
    htf_results__disk_destroy(&l->disk);
    htf_manifest__clear(&l->manifest);
    HTF_FREE(*layout);
  }
}

htf_results__chunks *htf_results__in_flight(htf_results__layout *layout) {
  return layout->chunks;
}

htf_manifest__list *htf_results__manifest(htf_results__layout *layout) {
  return &layout->manifest;
}

// ---- groups and scales ------------------------------------------------------------------

htf_status htf_results__group_open(htf_results__layout *layout, const char *path,
                                   bool checked, htf_results__group **out) {
  htf_status status = HTF_OK;
  htf_results__group *group = NULL;
  hid_t creation = -1;
  HTF_NEW(group, 1);
  group->layout = layout;
  group->checked = checked;
  group->id = -1;
  snprintf(group->path, sizeof group->path, "%s", path);
  HDF5_OPEN(HTF_E_IO, creation, H5Pcreate(H5P_GROUP_CREATE));
  HTF_TRY(track_order(creation));
  HDF5_OPEN(HTF_E_IO, group->id,
            H5Gcreate2(layout->file, path, H5P_DEFAULT, creation, H5P_DEFAULT));
  *out = group;
  group = NULL;
done:
  htf_file__drop(&creation);
  htf_results__group_close(&group);
  return status;
}

void htf_results__group_close(htf_results__group **group) {
  htf_results__group *g = *group;
  if (g != NULL) {
    for (int i = 0; i < g->scales; i++) {
      htf_file__drop(&g->scale[i].id);
    }
    htf_file__drop(&g->id);
    HTF_FREE(g->scale);
    HTF_FREE(*group);
  }
}

const htf_results__scale *htf_results__find_scale(const htf_results__group *group,
                                                  const char *name) {
  for (int i = 0; i < group->scales; i++) {
    if (strcmp(group->scale[i].name, name) == 0) {
      return &group->scale[i];
    }
  }
  return NULL;
}

int64_t htf_results__length(const htf_results__group *group, const char *name) {
  const htf_results__scale *scale = htf_results__find_scale(group, name);
  return scale != NULL ? scale->length : 0;
}

htf_status htf_results__add_scale(htf_results__group *group, const char *name, hid_t id,
                                  int64_t length) {
  htf_status status = HTF_OK;
  HTF_RESIZE(group->scale, group->scales + 1);
  htf_results__scale *scale = &group->scale[group->scales];
  snprintf(scale->name, sizeof scale->name, "%s", name);
  HDF5_TRY(HTF_E_IO, H5DSset_scale(id, name));
  HDF5_TRY(HTF_E_IO, H5Iinc_ref(id));
  scale->id = id;
  scale->length = length;
  group->scales++;
done:
  return status;
}

htf_status htf_results__index_scale(htf_results__group *group, const char *name,
                                    const char *long_name, int64_t length) {
  htf_status status = HTF_OK;
  htf_results__array *array = NULL;
  htf_results__about about = {.name = name,
                              .kind = HTF_ARRAY_INTEGER,
                              .rank = 1,
                              .units = "1",
                              .long_name = long_name,
                              .comment = "index from 0"};
  HTF_TRY(htf_results__scale_open(group, &about, length, &array));
  for (int64_t i = 0; i < length; i++) {
    HTF_TRY(htf_results__put_integer(array, i));
  }
  HTF_TRY(htf_results__array_close(&array));
done:
  htf_results__array_drop(&array);
  return status;
}

// ---- a whole file -----------------------------------------------------------------------

htf_status htf_results__write_file(const char *path, htf_results__fill *fill,
                                   const void *what) {
  htf_status status = HTF_OK;
  htf_results__layout *layout = NULL;
  char *part = NULL;
  htf_file__hdf5_quiet();
  HTF_TRY(htf_file__part(path, &part));
  HTF_TRY(htf_results__create(part, &layout));
  HTF_TRY(fill(layout, what));
  HTF_TRY(htf_results__finish(layout));
  HTF_TRY(htf_file__commit(part, path));
done:
  htf_results__destroy(&layout);
  if (status != HTF_OK) {
    htf_error_prefix("%s: ", path);
    if (part != NULL) {
      unlink(part);
    }
  }
  HTF_FREE(part);
  return status;
}
