// SPDX-License-Identifier: BSD-3-Clause
// samples_impl.h: the readers of problem files, and what they share.
#pragma once

#include <stdint.h>

#include "htflow/files.h"

// The largest mode that a file may have: what comes after allocates by it.
enum { HTF_FILE_MODE = INT32_MAX };

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
