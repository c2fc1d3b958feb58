// SPDX-License-Identifier: BSD-3-Clause
// The kernels in vectors of 256 bits.
#define HTF_KERNELS avx2
#include "kernels_body_impl.h"
