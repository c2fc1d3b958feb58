// SPDX-License-Identifier: BSD-3-Clause
// The kernels in vectors of 512 bits.
#define HTF_KERNELS avx512
#include "kernels_body_impl.h"
