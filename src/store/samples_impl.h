// SPDX-License-Identifier: BSD-3-Clause
// samples_impl.h: the readers and the writer of problem files, and what they share.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/files.h"

// The largest mode that a file may have: what comes after allocates by it. And how many
// tasks there are, with their names in htf_task's order.
enum { HTF_FILE_MODE = INT32_MAX, HTF_FILE_TASKS = 3 };
extern const char *const htf_file__tasks[HTF_FILE_TASKS];

// A regular file that can be read; a device or a pipe could go on for ever. Raises
// HTF_E_IO.
htf_status htf_file__regular(const char *path);
// Whether a path ends so, and in more than that.
bool htf_file__ends(const char *path, const char *ending);

// Each fills an emptied `data`; on failure the caller clears it.
htf_status htf_file__read_hdf5(const char *path, htf_file_data *data);
htf_status htf_file__read_tns(const char *path, htf_file_data *data);

// Finds two equal rows of indices [count, order]: the first row that repeats an earlier
// one, and that one; -1 where there are none. Cost: count. Raises HTF_E_MEMORY.
htf_status htf_file__find_duplicate(int order, int64_t count, const int64_t *indices,
                                    int64_t *row, int64_t *earlier);
// A row of indices, each raised by `from`, as "(0, 3, 1)"; cut where it is too long.
void htf_file__print_row(int order, const int64_t *row, int64_t from, char *text,
                         size_t size);
