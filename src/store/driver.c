// SPDX-License-Identifier: BSD-3-Clause
#include "driver_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hdf5_impl.h"
#include "htflow/memory.h"

// Bytes that are not in the file. The list is in the order of writing.
typedef struct lost {
  struct lost *next;
  haddr_t at;
  size_t size;
  unsigned char bytes[];
} lost;

struct htf_results__disk {
  H5FD_t base; // HDF5's part; it must come first
  hid_t driver;
  int descriptor; // -1 while closed
  int error;      // errno of the first failure, 0 if none
  const char *what;
  haddr_t allocated, end; // HDF5's idea of the file's size, and the file's own
  lost *first, *last;
};

// HDF5 copies this, so the disk is behind a pointer.
typedef struct access_info {
  htf_results__disk *disk;
} access_info;

static htf_results__disk *disk_of(const H5FD_t *file) {
  return (htf_results__disk *)(void *)(uintptr_t)file;
}

static void note(htf_results__disk *disk, const char *what) {
  if (disk->error == 0) {
    disk->error = errno != 0 ? errno : EIO;
    disk->what = what;
  }
}

// ---- the driver's calls -----------------------------------------------------------------

// Called a first time without leave to create, to see whether the file is there.
static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t most) {
  const access_info *info = H5Pget_driver_info(access);
  htf_results__disk *disk = info->disk;
  int how = O_RDWR | O_CLOEXEC | (flags & H5F_ACC_CREAT ? O_CREAT : 0) |
            (flags & H5F_ACC_EXCL ? O_EXCL : 0);
  (void)most;
  disk->descriptor = open(name, how, 0666);
  if (disk->descriptor < 0) {
    if (flags & H5F_ACC_CREAT) {
      note(disk, "created");
    }
    return NULL;
  }
  disk->allocated = disk->end = 0;
  return &disk->base;
}

static herr_t close_file(H5FD_t *file) {
  htf_results__disk *disk = disk_of(file);
  if (close(disk->descriptor) != 0) {
    note(disk, "closed");
  }
  disk->descriptor = -1;
  return 0;
}

static int compare(const H5FD_t *a, const H5FD_t *b) {
  return (a > b) - (a < b);
}

static herr_t query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
           H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA |
           H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t get_allocated(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return disk_of(file)->allocated;
}

static herr_t set_allocated(H5FD_t *file, H5FD_mem_t type, haddr_t size) {
  (void)type;
  disk_of(file)->allocated = size;
  return 0;
}

static haddr_t get_end(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return disk_of(file)->end;
}

static void recall(const htf_results__disk *disk, haddr_t at, size_t size,
                   unsigned char *bytes) {
  for (const lost *l = disk->first; l != NULL; l = l->next) {
    haddr_t from = at > l->at ? at : l->at;
    haddr_t to = at + size < l->at + l->size ? at + size : l->at + l->size;
    if (from < to) {
      memcpy(bytes + (from - at), l->bytes + (from - l->at), to - from);
    }
  }
}

static herr_t read_file(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at,
                        size_t size, void *buffer) {
  htf_results__disk *disk = disk_of(file);
  unsigned char *bytes = buffer;
  size_t done = 0;
  ssize_t count = 1;
  (void)type;
  (void)transfer;
  while (done < size && count > 0) {
    count = pread(disk->descriptor, bytes + done, size - done, (off_t)(at + done));
    if (count < 0 && errno == EINTR) {
      count = 1;
    } else if (count > 0) {
      done += (size_t)count;
    }
  }
  if (count < 0) {
    note(disk, "read back");
  }
  memset(bytes + done, 0, size - done); // beyond the end there are zeros
  recall(disk, at, size, bytes);
  return 0;
}

// Without memory for it the bytes are gone; HDF5 may then fail to close, no more.
static void keep(htf_results__disk *disk, haddr_t at, size_t size, const void *bytes) {
  lost *l = htf_memory_get(sizeof *l + size, 1);
  if (l != NULL) {
    l->at = at;
    l->size = size;
    memcpy(l->bytes, bytes, size);
    if (disk->last != NULL) {
      disk->last->next = l;
    } else {
      disk->first = l;
    }
    disk->last = l;
  }
}

static herr_t write_file(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at,
                         size_t size, const void *buffer) {
  htf_results__disk *disk = disk_of(file);
  const unsigned char *bytes = buffer;
  size_t done = 0;
  (void)type;
  (void)transfer;
  while (done < size && disk->error == 0) {
    ssize_t count = pwrite(disk->descriptor, bytes + done, size - done, (off_t)(at + done));
    if (count > 0) {
      done += (size_t)count;
    } else if (count == 0 || errno != EINTR) {
      note(disk, "written");
    }
  }
  if (done < size) {
    keep(disk, at + done, size - done, bytes + done);
  }
  disk->end = at + size > disk->end ? at + size : disk->end;
  return 0;
}

static herr_t truncate_file(H5FD_t *file, hid_t transfer, hbool_t closing) {
  htf_results__disk *disk = disk_of(file);
  (void)transfer;
  (void)closing;
  if (disk->allocated != disk->end) {
    if (disk->error == 0 && ftruncate(disk->descriptor, (off_t)disk->allocated) != 0) {
      note(disk, "cut to its size");
    }
    disk->end = disk->allocated;
  }
  return 0;
}

static const H5FD_class_t driver_class = {
    .name = "htflow",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(access_info),
    .open = open_file,
    .close = close_file,
    .cmp = compare,
    .query = query,
    .get_eoa = get_allocated,
    .set_eoa = set_allocated,
    .get_eof = get_end,
    .read = read_file,
    .write = write_file,
    .truncate = truncate_file,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

// ---- the room's calls -------------------------------------------------------------------

htf_status htf_results__disk_create(htf_results__disk **out) {
  htf_status status = HTF_OK;
  htf_results__disk *disk = NULL;
  HTF_NEW(disk, 1);
  disk->descriptor = -1;
  HDF5_OPEN(HTF_E_INTERNAL, disk->driver, H5FDregister(&driver_class));
  *out = disk;
  disk = NULL;
done:
  HTF_FREE(disk);
  return status;
}

void htf_results__disk_destroy(htf_results__disk **disk) {
  htf_results__disk *d = *disk;
  if (d != NULL) {
    H5FDunregister(d->driver);
    for (lost *l = d->first; l != NULL;) {
      lost *next = l->next;
      htf_memory_release(l);
      l = next;
    }
    HTF_FREE(*disk);
  }
}

htf_status htf_results__disk_use(htf_results__disk *disk, hid_t access) {
  htf_status status = HTF_OK;
  access_info info = {disk};
  HDF5_TRY(HTF_E_INTERNAL, H5Pset_driver(access, disk->driver, &info));
done:
  return status;
}

htf_status htf_results__disk_check(const htf_results__disk *disk) {
  htf_status status = HTF_OK;
  HTF_CHECK(disk->error == 0, HTF_E_IO, "cannot be %s: %s", disk->what,
            strerror(disk->error));
done:
  return status;
}
