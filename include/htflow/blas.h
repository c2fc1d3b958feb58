// SPDX-License-Identifier: BSD-3-Clause
// blas.h: the BLAS library made ready, and how fast it is (room: dense).
//
// Debian's OpenBLAS does not know recent CPUs and then takes kernels of narrow vectors, up
// to five times slower, without a word. htf_blas_start sets one thread and, if the user has
// set nothing, the kernels that fit the CPU's vectors. Results differ in the last bits
// between kernels, so the core's name is kept with every result.
#pragma once

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Call once, first in main, before any thread is made. Raises nothing: whatever could not
// be had shows in htf_blas_core and in doctor.
void htf_blas_start(int threads);
// Name of the kernels in use, such as "SkylakeX", or "unknown".
const char *htf_blas_core(void);
// Name of the kernels that fit this CPU best, or "" if the library's own choice does.
const char *htf_blas_advice(void);
int htf_blas_threads(void); // that BLAS computes with
// "OpenBLAS 0.3.21 ..." as the library calls itself.
const char *htf_blas_library(void);
// Doubles in one vector register of this CPU: 8 (AVX-512), 4 (AVX2), 2.
int htf_blas_vector_width(void);
// The library of small products (dense.h) and the CPU that it compiles them for, such as
// "libxsmm 1.17 for hsw".
const char *htf_blas_small(void);
// Measured rate of a dgemm of this size, in GFLOP/s; takes some 0.1 s. Raises HTF_E_MEMORY.
htf_status htf_blas_rate(int size, double *gflops);

// GFLOP/s that two fused multiply-add units of this vector width give at the CPU's clock,
// which is measured (a chain of dependent additions, 10 ms): what a dgemm can at most
// reach.
double htf_blas_peak(void);

HTF_END_DOOR
