// SPDX-License-Identifier: BSD-3-Clause
// filesystem.h: what a directory's file system can do that sweeps rely on (room: store).
#pragma once

#include <stdbool.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_filesystem {
  char type[32];        // "ext4", "nfs", .. or its magic number
  bool renames;         // a file can be renamed over another
  bool locks;           // record locks are granted
  bool links;           // a file can have a second name, as leases (lease.h) are made
  double fsync_seconds; // median of a few
  double free_bytes, free_files;
} htf_filesystem;

// Tries all of that with a file of its own, which it removes. Raises HTF_E_IO if no file
// can be made in the directory.
htf_status htf_filesystem_examine(const char *directory, htf_filesystem *facts);

HTF_END_DOOR
