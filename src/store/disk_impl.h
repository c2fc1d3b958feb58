// SPDX-License-Identifier: BSD-3-Clause
// disk_impl.h: paths, and files that appear whole or not at all.
#pragma once

#include "htflow/door.h"
#include "htflow/status.h"

// A formatted text of its own; the caller's to HTF_FREE. Raises HTF_E_MEMORY.
htf_status htf_file__format(char **text, const char *format, ...) HTF_PRINTF(2, 3);
// The directory part of a path ("." if there is none); the caller's to HTF_FREE.
htf_status htf_file__parent(const char *path, char **parent);
// The temporary name of a file while it is written: beside it, this process's own. What an
// earlier process of that name left there is removed.
htf_status htf_file__part(const char *path, char **part);
// Syncs the file `part`, gives it the name `path`, and syncs the directory, so that after a
// power loss `path` is the old file or the whole new one. Raises HTF_E_IO.
htf_status htf_file__commit(const char *part, const char *path);
// Makes what happened to names in this directory durable. Raises HTF_E_IO.
htf_status htf_file__sync_directory(const char *directory);
