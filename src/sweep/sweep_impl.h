// SPDX-License-Identifier: BSD-3-Clause
// sweep_impl.h: what the files of the sweep room share.
#pragma once

#include <mpi.h>

#include "htflow/sweep.h"

// The communicator of the sweep, a duplicate of the world.
MPI_Comm htf_sweep__world(void);
// HTF_OK, or HTF_E_MPI with MPI's own text.
htf_status htf_sweep__check(int code, const char *what);
// Waits for a request without burning a core: a few tries, then sleeps that grow to a
// millisecond. `idle` is 0 before the first wait.
void htf_sweep__doze(int *idle);
htf_status htf_sweep__wait(MPI_Request *request);
// The messages themselves failed: the others cannot be told, and would wait for ever. Ends
// the job.
void htf_sweep__abandon(htf_status status);

#define HTF_MPI(call) HTF_TRY(htf_sweep__check((call), #call))
