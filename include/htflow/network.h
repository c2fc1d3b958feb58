// SPDX-License-Identifier: BSD-3-Clause
// network.h: where the ranks are, and what lies between them (room: sweep).
//
// All functions but htf_network_here are collective, between htf_sweep_open and _close.
#pragma once

#include <stddef.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

enum { HTF_NETWORK_CORES = 4096 };

// Where a rank is.
typedef struct htf_network_place {
  char host[65];
  int threads;                               // of BLAS, as the caller says
  int sees;                                  // whatever the caller wants to know of a rank
  int count;                                 // of cores it may use
  unsigned char core[HTF_NETWORK_CORES / 8]; // a bit for each
} htf_network_place;

// This rank's own.
void htf_network_here(int threads, htf_network_place *place);
// The cores of a place as text, like "0-3,8".
void htf_network_cores(const htf_network_place *place, char *text, size_t size);
// All ranks' places, on rank 0 only, in the order of ranks; the caller's to HTF_FREE. On
// the others *all is NULL.
htf_status htf_network_gather(const htf_network_place *own, htf_network_place **all);

// Names of what MPI sends by: its components in use of pml, mtl and btl, like
// "pml ob1, btl self tcp vader".
htf_status htf_network_components(char *text, size_t size);

// Messages between rank 0 and another: half a round trip of 8 bytes in seconds, the median
// of many, and bytes a second of 1 MiB messages. Only on those two ranks do they get
// values; all others wait without using their cores.
htf_status htf_network_measure(int other, double *latency, double *rate);

HTF_END_DOOR
