// SPDX-License-Identifier: BSD-3-Clause
// journal_impl.h: the files of a journal: its lock, and a new database.
#pragma once

#include <stdbool.h>

#include "htflow/digest.h"
#include "htflow/status.h"

// Takes the lock of this path, which is made if missing; *fd -1 where another process holds
// it. Closing the descriptor gives it back. Raises HTF_E_IO.
htf_status htf_journal__try_lock(const char *path, int *fd);
// The same, after waiting a second for another process; then raises HTF_E_IO naming it.
htf_status htf_journal__lock(const char *path, int *fd);

// Makes an empty journal of this path if there is none; the lock is held.
htf_status htf_journal__make(const char *path, const htf_digest *plan);
// Brings one of an older schema up to date.
htf_status htf_journal__upgrade(const char *path, int schema);
// Renames a damaged one, so that it is read and never written again.
htf_status htf_journal__set_aside(const char *path);
