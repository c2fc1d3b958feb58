// SPDX-License-Identifier: BSD-3-Clause
// chunks_impl.h: chunks on their way into the file.
//
// A window of chunks that are encoded, here or by helpers, in any order, and written in the
// order they came in: the oldest when room is wanted for another, and all of them at a
// drain. So the bytes of the file depend on what is put and where is drained, and on
// nothing else.
#pragma once

#include <hdf5.h>

#include "encode_impl.h"

typedef struct htf_results__chunks htf_results__chunks;

htf_status htf_results__chunks_create(htf_results__chunks **chunks);
// Waits for what helpers still have.
void htf_results__chunks_destroy(htf_results__chunks **chunks);
// From here on they help; borrowed. NULL for nobody.
void htf_results__chunks_share(htf_results__chunks *chunks,
                               const htf_results_helpers *helpers);

// Room for the next chunk's `bytes`, of elements of `element` bytes; to be filled, and then
// put. Raises HTF_E_IO, HTF_E_MEMORY, what helpers raise.
htf_status htf_results__chunks_next(htf_results__chunks *chunks, size_t bytes,
                                    size_t element, void **raw);
// Puts it: the chunk at `offset` [rank] of an open dataset, which stays open until a drain.
htf_status htf_results__chunks_put(htf_results__chunks *chunks, hid_t dataset, int rank,
                                   const hsize_t *offset);
htf_status htf_results__chunks_drain(htf_results__chunks *chunks);
