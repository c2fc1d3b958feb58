// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/blas.h"

Test(blas, takes_the_kernels_that_fit_unless_told_otherwise) {
  unsetenv("OPENBLAS_CORETYPE");
  htf_blas_start(1);
  cr_assert(eq(str, (char *)htf_blas_advice(), ""));
  cr_assert(eq(int, htf_blas_threads(), 1));
}

Test(blas, leaves_the_users_choice_alone) {
  char before[64];
  setenv("OPENBLAS_CORETYPE", "whatever", 1);
  strcpy(before, htf_blas_core());
  htf_blas_start(1);
  cr_assert(eq(str, (char *)htf_blas_core(), before));
}

Test(blas, knows_its_library) {
  cr_assert(ne(ptr, strstr(htf_blas_library(), "OpenBLAS"), NULL));
  cr_assert(ne(str, (char *)htf_blas_core(), "unknown"));
  cr_assert(eq(ptr, strstr(htf_blas_small(), "libxsmm "), (char *)htf_blas_small()));
}

// Not a timed test: a rate is a positive number, and no kernel beats its units by much (the
// clock may rise between the two measurements).
Test(blas, measures_a_rate_below_the_peak) {
  double rate;
  cr_assert(eq(int, htf_blas_rate(128, &rate), HTF_OK));
  cr_assert(rate > 0.1 && rate < 2 * htf_blas_peak());
}
