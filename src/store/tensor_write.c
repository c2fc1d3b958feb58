// SPDX-License-Identifier: BSD-3-Clause
// Dense tensors written by all ranks: one makes the file with nothing in it, so that there
// is no metadata to be written together, and each fills in its entries.
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk_impl.h"
#include "hdf5_impl.h"
#include "htflow/files.h"
#include "htflow/memory.h"
#include "samples_impl.h"
#include "tensor_impl.h"

// ---- one rank ---------------------------------------------------------------------------

static htf_status check_request(const char *path, const htf_shape *shape) {
  htf_status status = HTF_OK;
  double bytes = 8;
  char *parent = NULL;
  struct statvfs facts;
  HTF_CHECK(htf_file__ends(path, ".h5") || htf_file__ends(path, ".hdf5"), HTF_E_DATA,
            "%s: the name of a file to write ends in .h5 or .hdf5", path);
  for (int i = 0; i < shape->order; i++) {
    bytes *= (double)shape->size[i];
  }
  HTF_TRY(htf_file__parent(path, &parent));
  HTF_CHECK(statvfs(parent, &facts) == 0, HTF_E_IO, "%s: %s", parent, strerror(errno));
  double free_bytes = (double)facts.f_bavail * (double)facts.f_frsize;
  HTF_CHECK(bytes <= free_bytes, HTF_E_IO,
            "%s: the tensor has %.15g bytes, its file system %.15g free", path, bytes,
            free_bytes);
  HTF_CHECK(shape->order <= H5S_MAX_RANK, HTF_E_DATA,
            "a dense tensor of %d modes; HDF5 has at most %d dimensions", shape->order,
            H5S_MAX_RANK);
done:
  HTF_FREE(parent);
  return status;
}

// A dataset whose bytes have their place in the file, and are not written.
static htf_status put(hid_t file, const char *name, hid_t type, int rank,
                      const hsize_t *size, const int64_t *values) {
  htf_status status = HTF_OK;
  hid_t list = -1, space = -1, dataset = -1;
  HDF5_OPEN(HTF_E_IO, list, H5Pcreate(H5P_DATASET_CREATE));
  HDF5_TRY(HTF_E_IO, H5Pset_obj_track_times(list, false));
  HDF5_TRY(HTF_E_IO, H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY));
  HDF5_TRY(HTF_E_IO, H5Pset_fill_time(list, H5D_FILL_TIME_NEVER));
  HDF5_OPEN(HTF_E_IO, space, H5Screate_simple(rank, size, NULL));
  HDF5_OPEN(HTF_E_IO, dataset,
            H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT));
  if (values != NULL) {
    HDF5_TRY(HTF_E_IO,
             H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  }
  HTF_TRY(htf_file__close(&dataset));
done:
  htf_file__drop(&dataset);
  htf_file__drop(&space);
  htf_file__drop(&list);
  return status;
}

static htf_status make_file(const char *part, const htf_shape *shape) {
  htf_status status = HTF_OK;
  hid_t file = -1;
  hsize_t size[H5S_MAX_RANK], order = (hsize_t)shape->order;
  for (int i = 0; i < shape->order; i++) {
    size[i] = (hsize_t)shape->size[i];
  }
  HDF5_OPEN(HTF_E_IO, file, H5Fcreate(part, H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT));
  HTF_TRY(htf_file__put_text(file, "kind", "problem"));
  HTF_TRY(htf_file__put_text(file, "task", htf_file__tasks[HTF_TASK_FULL]));
  HTF_TRY(put(file, "shape", H5T_STD_I64LE, 1, &order, shape->size));
  HTF_TRY(put(file, "tensor", H5T_IEEE_F64LE, shape->order, size, NULL));
  HTF_TRY(htf_file__close(&file));
done:
  htf_file__drop(&file);
  return status;
}

htf_status htf_tensor_begin(const char *path, const htf_shape *shape, char **out) {
  htf_status status = HTF_OK;
  char *part = NULL;
  htf_file__hdf5_quiet();
  HTF_TRY(check_request(path, shape));
  HTF_TRY(htf_file__part(path, &part));
  status = make_file(part, shape);
  if (status != HTF_OK) {
    htf_error_prefix("%s: cannot be written: ", path);
    unlink(part);
    goto done;
  }
  *out = part;
  part = NULL;
done:
  HTF_FREE(part);
  return status;
}

htf_status htf_tensor_finish(const char *part, const char *path) {
  return htf_file__commit(part, path);
}

void htf_tensor_discard(const char *part) {
  unlink(part);
}

// ---- all ranks --------------------------------------------------------------------------

static htf_status make(htf_tensor **out) {
  htf_status status = HTF_OK;
  htf_tensor *tensor = NULL;
  htf_file__hdf5_quiet();
  HTF_NEW(tensor, 1);
  tensor->file.at = tensor->dataset = tensor->space = -1;
  *out = tensor;
done:
  return status;
}

static htf_status join(const char *part, htf_tensor *tensor) {
  htf_status status = HTF_OK;
  hid_t access = -1;
  HDF5_OPEN(HTF_E_IO, access, H5Pcreate(H5P_FILE_ACCESS));
  HDF5_TRY(HTF_E_IO, H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL));
  HDF5_OPEN(HTF_E_IO, tensor->file.at, H5Fopen(part, H5F_ACC_RDWR, access));
  tensor->file.bytes = HUGE_VAL; // of a file of ours
  HTF_TRY(htf_tensor__dataset(tensor));
done:
  htf_file__drop(&access);
  return status;
}

// Whoever opened it must not close it before all have: ranks agree first.
htf_status htf_tensor_join(const char *part, htf_tensor_agreement agree, htf_tensor **out) {
  htf_status status = HTF_OK;
  htf_tensor *tensor = NULL;
  HTF_TRY(agree(make(&tensor)));
  HTF_TRY(agree(join(part, tensor)));
  *out = tensor;
  tensor = NULL;
done:
  htf_tensor__drop(&tensor);
  return status;
}

static htf_status write_box(htf_tensor *tensor, hid_t memory, double *entries) {
  htf_status status = HTF_OK;
  HDF5_TRY(HTF_E_IO, H5Dwrite(tensor->dataset, H5T_NATIVE_DOUBLE, memory, tensor->space,
                              H5P_DEFAULT, entries));
done:
  return status;
}

htf_status htf_tensor_write(htf_tensor *tensor, int64_t first, int64_t count,
                            const double *entries) {
  return htf_tensor__boxes(tensor, first, count, (double *)entries, write_box);
}

htf_status htf_tensor_leave(htf_tensor **tensor) {
  htf_status status = HTF_OK;
  if (*tensor != NULL) {
    htf_file__drop(&(*tensor)->space);
    HTF_TRY(htf_file__close(&(*tensor)->dataset));
    HTF_TRY(htf_file__close(&(*tensor)->file.at));
  }
done:
  htf_tensor__drop(tensor);
  return status;
}
