// SPDX-License-Identifier: BSD-3-Clause
// The kernels in vectors any machine of the architecture has.
#define HTF_KERNELS baseline
#include "kernels_body_impl.h"
