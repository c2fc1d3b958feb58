// SPDX-License-Identifier: BSD-3-Clause
// hdf5_impl.h: HDF5 calls as statuses. Every id is closed by htf_file__close where it
// matters whether that worked (it may write), and by htf_file__drop in `done:`.
#pragma once

#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdbool.h>

#include "htflow/status.h"

// Calls HDF5, or raises `code` with HDF5's own text.
#define HDF5_TRY(code, call)                                                               \
  HTF_CHECK((call) >= 0, (code), "HDF5: %s", htf_file__hdf5_text())
// The same where the call makes an id.
#define HDF5_OPEN(code, id, call)                                                          \
  do {                                                                                     \
    (id) = (call);                                                                         \
    HTF_CHECK((id) >= 0, (code), "HDF5: %s", htf_file__hdf5_text());                       \
  } while (0)

// Stops HDF5 from printing its errors: they go into messages. Every function of a door that
// uses HDF5 begins with this.
void htf_file__hdf5_quiet(void);
// What HDF5 says went wrong in the last call that failed: the deepest place, where the
// reason is, and the call itself. Borrowed until the next call on this thread.
const char *htf_file__hdf5_text(void);
// Closes an id of any kind and sets it to -1; fine with -1. Raises HTF_E_IO.
htf_status htf_file__close(hid_t *id);
void htf_file__drop(hid_t *id);

// A scalar attribute of UTF-8 text of any length, an array of such texts, or one number.
htf_status htf_file__put_text(hid_t object, const char *name, const char *text);
htf_status htf_file__put_texts(hid_t object, const char *name, int count,
                               const char *const *texts);
htf_status htf_file__put_number(hid_t object, const char *name, hid_t type, int count,
                                hid_t memory, const void *values);
