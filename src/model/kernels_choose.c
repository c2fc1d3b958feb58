// SPDX-License-Identifier: BSD-3-Clause
// Which of the kernels' tables this machine can run.
#include <stddef.h>

#include "kernels_impl.h"

const htf_kernels *htf_kernels__table(int i) {
  const htf_kernels *tables[3] = {&htf_kernels__baseline, NULL, NULL};
  int count = 1;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables[count++] = &htf_kernels__avx2;
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    tables[count++] = &htf_kernels__avx512;
  }
#endif
  return i < count ? tables[i] : NULL;
}

const htf_kernels *htf_kernels__best(void) {
  int last = 0;
  while (htf_kernels__table(last + 1) != NULL) {
    last++;
  }
  return htf_kernels__table(last);
}
