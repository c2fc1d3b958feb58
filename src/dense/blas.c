// SPDX-License-Identifier: BSD-3-Clause
// OpenBLAS chooses its kernels when it is loaded, before main, by the CPU's family; a
// family it has not heard of gets old ones. The choice can be made again: with the wish in
// the environment, its two (exported) dynamic-architecture functions are called once more.
#include "htflow/blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/clock.h"
#include "htflow/dense.h"
#include "htflow/memory.h"

typedef void (*procedure)(void);
typedef char *(*describe)(void);
typedef void (*set_threads)(int);
typedef int (*get_threads)(void);

// POSIX lets a data pointer from dlsym be used as a function pointer; ISO C does not say
// so.
static procedure find(const char *name) {
  void *symbol = dlsym(RTLD_DEFAULT, name);
  procedure found = NULL;
  memcpy(&found, &symbol, sizeof found);
  return found;
}

const char *htf_blas_core(void) {
  describe core = (describe)find("openblas_get_corename");
  return core != NULL ? core() : "unknown";
}

const char *htf_blas_library(void) {
  describe config = (describe)find("openblas_get_config");
  return config != NULL ? config() : "unknown BLAS";
}

int htf_blas_threads(void) {
  get_threads threads = (get_threads)find("openblas_get_num_threads");
  return threads != NULL ? threads() : 0;
}

int htf_blas_vector_width(void) {
  if (__builtin_cpu_supports("avx512f")) {
    return 8;
  }
  return __builtin_cpu_supports("avx2") ? 4 : 2;
}

// Doubles in a vector of these kernels; of OpenBLAS 0.3.21's x86-64 cores.
static int core_width(const char *core) {
  static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
  static const char *const middle[] = {"Haswell", "Zen", "Sandybridge"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(core, wide[i]) == 0) {
      return 8;
    }
    if (strcmp(core, middle[i]) == 0) {
      return 4;
    }
  }
  return 2;
}

const char *htf_blas_advice(void) {
  const char *core = htf_blas_core();
  int width = htf_blas_vector_width();
  if (strcmp(core, "unknown") == 0 || core_width(core) >= width) {
    return "";
  }
  return width == 8 ? "SkylakeX" : "Haswell";
}

void htf_blas_start(int threads) {
  const char *advice = htf_blas_advice();
  procedure quit = find("gotoblas_dynamic_quit"), init = find("gotoblas_dynamic_init");
  if (advice[0] != '\0' && getenv("OPENBLAS_CORETYPE") == NULL && quit != NULL &&
      init != NULL) {
    setenv("OPENBLAS_CORETYPE", advice, 1);
    quit();
    init();
  }
  set_threads set = (set_threads)find("openblas_set_num_threads");
  if (set != NULL) {
    set(threads);
  }
}

htf_status htf_blas_rate(int size, double *gflops) {
  htf_status status = HTF_OK;
  double *data = NULL;
  int64_t n = size, area = n * n;
  HTF_NEW(data, 3 * area);
  for (int64_t i = 0; i < 2 * area; i++) {
    data[i] = 1.0 / (double)(1 + i % 97);
  }
  htf_matrix a = htf_matrix_view(data, n, n), b = htf_matrix_view(data + area, n, n);
  htf_matrix c = htf_matrix_view(data + 2 * area, n, n);
  htf_dense_multiply(HTF_PLAIN, a, HTF_PLAIN, b, 0, c);
  double flops = 2.0 * (double)n * (double)n * (double)n, best = 0, start = htf_clock_now();
  do { // the fastest block of at least a millisecond, over a tenth of a second
    double begin = htf_clock_now(), elapsed;
    int times = 0;
    do {
      htf_dense_multiply(HTF_PLAIN, a, HTF_PLAIN, b, 0, c);
      times++;
      elapsed = htf_clock_now() - begin;
    } while (elapsed < 1e-3);
    double rate = times * flops / elapsed * 1e-9;
    best = rate > best ? rate : best;
  } while (htf_clock_now() - start < 0.1);
  *gflops = best;
done:
  HTF_FREE(data);
  return status;
}

// One pass of a chain of 1000 additions, each waiting for the one before: a cycle each.
static void add_chain(long passes) {
  unsigned long x = 0;
  for (long i = 0; i < passes; i++) {
    __asm__ volatile(".rept 1000\n\tadd $1, %0\n\t.endr" : "+r"(x));
  }
}

double htf_blas_peak(void) {
  double best = 0;
  for (int block = 0; block < 10; block++) {
    enum { PASSES = 3000 };
    double begin = htf_clock_now();
    add_chain(PASSES);
    double clock = 1e3 * PASSES / (htf_clock_now() - begin);
    best = clock > best ? clock : best;
  }
  return best * 4 * htf_blas_vector_width() * 1e-9;
}
