// SPDX-License-Identifier: BSD-3-Clause
// A kernel is compiled for one shape. The one size that differs from run to run is how many
// distinct rows the samples have, so that it is cut into pieces of powers of two: seven
// kernels serve all of them, and memory does not grow with the number of runs. A piece is a
// piece of rows in A B, and in A^T B a piece of the sum.
//
// libxsmm counts columns first; its product B^T A^T of the transposes is ours, row by row.
// Its kernels leave the upper halves of the vector registers as they were, after which the
// narrow instructions of other code are slow once (130 ns on a Zen 3): they are cleared.
#include "small_impl.h"

#include <libxsmm.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "htflow/blas.h"

#ifdef __x86_64__
__attribute__((target("avx"))) static void clear_upper_halves(void) {
  __builtin_ia32_vzeroupper();
}
#else
static void clear_upper_halves(void) {
}
#endif

const char *htf_blas_small(void) {
  static char text[64];
  snprintf(text, sizeof text, "libxsmm %s for %s", LIBXSMM_VERSION,
           libxsmm_get_target_arch());
  return text;
}

// Rows of the longest piece, and how many lengths there are: 1, 2, .. 64.
enum { LONGEST = 64, LENGTHS = 7 };
// Where these kernels win (the table in dense.h): elements of B in A B, of C in A^T B.
enum { MOST = 128 * 128 };

// What a kernel is compiled for, but for its piece's length.
typedef union form {
  struct {
    int flipped, cols; // A^T B; columns of C
    union {
      int rows, depth; // of C in A^T B; the sum's length in A B
    };
    int a, b, c; // strides
  };
  uint64_t key[3];
} form;

// Kernels of a form by piece, of [1] those that add to C.
typedef struct kernels {
  form form;
  unsigned ready; // the pieces that are here, a bit each: a piece of 1 is bit 0
  libxsmm_dmmfunction run[2][LENGTHS];
} kernels;

// Those met last, by a hash of the form; libxsmm's own look-up takes 60 ns, as long as a
// product of 4 x 16 x 16.
enum { KEPT = 256 };
static _Thread_local kernels kept[KEPT];

static kernels *find(const form *f) {
  uint64_t h = f->key[0] * 0x9E3779B97F4A7C15u ^ f->key[1] * 0xC2B2AE3D27D4EB4Fu ^
               f->key[2] * 0x165667B19E3779F9u;
  kernels *k = &kept[h >> 56];
  if (k->form.key[0] != f->key[0] || k->form.key[1] != f->key[1] ||
      k->form.key[2] != f->key[2]) {
    memset(k, 0, sizeof *k);
    k->form = *f;
  }
  return k;
}

static libxsmm_dmmfunction compile(const form *f, bool add, int piece) {
  if (libxsmm_get_target_archid() < LIBXSMM_X86_AVX) {
    return NULL;
  }
  int prefetch = LIBXSMM_GEMM_PREFETCH_NONE, cols = f->cols, a = f->a, b = f->b, c = f->c;
  int flags = f->flipped ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  double alpha = 1, beta = add;
  return libxsmm_dmmdispatch(cols, f->flipped ? f->rows : piece,
                             f->flipped ? piece : f->depth, &b, &a, &c, &alpha, &beta,
                             &flags, &prefetch);
}

// Whether these pieces can be had.
static bool have(kernels *k, unsigned pieces) {
  for (int bit = 0; bit < LENGTHS; bit++) {
    if ((pieces & ~k->ready & 1u << bit) != 0) {
      for (int add = 0; add < 2; add++) {
        k->run[add][bit] = compile(&k->form, add != 0, 1 << bit);
        if (k->run[add][bit] == NULL) {
          return false;
        }
      }
      k->ready |= 1u << bit;
    }
  }
  return true;
}

static void run_all(const kernels *k, int64_t count, const double *a, const double *b,
                    double *c, bool add) {
  int64_t b_on = k->form.flipped ? k->form.b : 0, c_on = k->form.flipped ? 0 : k->form.c;
  for (int bit = LENGTHS - 1; count > 0; bit--) {
    for (int64_t piece = 1 << bit; count >= piece; count -= piece) {
      k->run[add][bit](b, a, c);
      a += piece * k->form.a;
      b += piece * b_on;
      c += piece * c_on;
      add = add || k->form.flipped;
    }
  }
}

bool htf_dense__multiply_small(htf_transpose op_a, htf_matrix a, htf_transpose op_b,
                               htf_matrix b, double beta, htf_matrix c) {
  bool flipped = op_a == HTF_TRANSPOSED;
  int64_t size = a.cols * b.cols, strides = a.stride | b.stride | c.stride;
  if (op_b != HTF_PLAIN || size > MOST || size == 0 || a.rows == 0 || strides > INT32_MAX) {
    return false;
  }
  form f = {.flipped = flipped,
            .cols = (int)b.cols,
            .depth = (int)a.cols,
            .a = (int)a.stride,
            .b = (int)b.stride,
            .c = (int)c.stride};
  kernels *k = find(&f);
  unsigned pieces = (unsigned)(a.rows % LONGEST) | (a.rows >= LONGEST ? LONGEST : 0);
  if ((pieces & ~k->ready) != 0 && !have(k, pieces)) {
    return false;
  }
  run_all(k, a.rows, a.data, b.data, c.data, beta != 0);
  clear_upper_halves();
  return true;
}
