// SPDX-License-Identifier: BSD-3-Clause
// The kernels for one vector width, included by one source file for each. Each walks over
// blocks of columns so narrow that a block of a row stays in registers, and within a block
// over the rows; the functions named _block are compiled anew for each block width B (in
// vectors) and with or without tangents. HTF_KERNELS is the name of the width, which the
// table gets.
#pragma once

#include "kernels_impl.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(__AVX512F__)
#define LANES 8
#elif defined(__AVX2__)
#define LANES 4
#else
#define LANES 2
#endif

typedef double vec __attribute__((vector_size(LANES * 8)));
typedef double loose __attribute__((vector_size(LANES * 8), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

INLINE vec load(const double *x) {
  return *(const loose *)x;
}

INLINE void store(double *x, vec v) {
  *(loose *)x = v;
}

INLINE double sum_lanes(vec v) {
#if LANES == 8
  v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
#elif LANES == 4
  v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
#endif
  return v[0] + v[1];
}

// Calls block(B, c, ..) with c the first column of each block; width is a multiple of 8.
#define FOR_BLOCKS(width, block, ...)                                                      \
  do {                                                                                     \
    int64_t c = 0;                                                                         \
    for (; c + 8 * LANES <= (width); c += 8 * LANES) {                                     \
      block(8, c, __VA_ARGS__);                                                            \
    }                                                                                      \
    if (c + 4 * LANES <= (width)) {                                                        \
      block(4, c, __VA_ARGS__);                                                            \
      c += 4 * LANES;                                                                      \
    }                                                                                      \
    if (c + 2 * LANES <= (width)) {                                                        \
      block(2, c, __VA_ARGS__);                                                            \
      c += 2 * LANES;                                                                      \
    }                                                                                      \
    if (c + LANES <= (width)) {                                                            \
      block(1, c, __VA_ARGS__);                                                            \
    }                                                                                      \
  } while (0)

// ---- products of gathered rows --------------------------------------------------------

INLINE void multiply_block(const int B, int64_t c, const bool tangent, const htf_factor *f,
                           const int factors, int64_t rows, double *out, int64_t stride) {
  for (int64_t k = 0; k < rows; k++) {
    vec p[8], q[8]; // the product so far and its derivative
    int64_t first = f[0].at[k] * f[0].stride + c;
    UNROLL for (int j = 0; j < B; j++) {
      p[j] = load(f[0].value + first + j * LANES);
      q[j] = tangent ? load(f[0].tangent + first + j * LANES) : p[j];
    }
    for (int i = 1; i < factors; i++) {
      int64_t place = f[i].at[k] * f[i].stride + c;
      UNROLL for (int j = 0; j < B; j++) {
        vec v = load(f[i].value + place + j * LANES);
        if (tangent) {
          q[j] = q[j] * v + p[j] * load(f[i].tangent + place + j * LANES);
        }
        p[j] *= v;
      }
    }
    UNROLL for (int j = 0; j < B; j++) {
      store(out + k * stride + c + j * LANES, tangent ? q[j] : p[j]);
    }
  }
}

static void multiply(const htf_factor *f, int factors, int64_t rows, int64_t width,
                     double *p, int64_t stride) {
  if (factors == 2) {
    FOR_BLOCKS(width, multiply_block, false, f, 2, rows, p, stride);
  } else {
    FOR_BLOCKS(width, multiply_block, false, f, factors, rows, p, stride);
  }
}

static void multiply_tangent(const htf_factor *f, int factors, int64_t rows, int64_t width,
                             double *p, int64_t stride) {
  if (factors == 2) {
    FOR_BLOCKS(width, multiply_block, true, f, 2, rows, p, stride);
  } else {
    FOR_BLOCKS(width, multiply_block, true, f, factors, rows, p, stride);
  }
}

// ---- sums over segments ---------------------------------------------------------------

INLINE void collect_block(const int B, int64_t c, const bool tangent, const htf_segments *s,
                          htf_rows slope, htf_rows x, double *out, int64_t stride) {
  for (int64_t r = 0; r < s->count; r++) {
    vec sum[8] = {{0}}, also[8] = {{0}};
    for (int32_t t = s->start[r]; t < s->start[r + 1]; t++) {
      int64_t from = htf_term_s(s->term[t]) + c, with = htf_term_x(s->term[t]) + c;
      UNROLL for (int j = 0; j < B; j++) {
        vec here = load(slope.value + from + j * LANES);
        vec there = load((tangent ? x.tangent : x.value) + with + j * LANES);
        sum[j] += here * there;
        if (tangent) {
          also[j] +=
              load(slope.tangent + from + j * LANES) * load(x.value + with + j * LANES);
        }
      }
    }
    UNROLL for (int j = 0; j < B; j++) {
      store(out + s->target[r] * stride + c + j * LANES,
            tangent ? sum[j] + also[j] : sum[j]);
    }
  }
}

static void collect(const htf_segments *s, htf_rows slope, htf_rows x, int64_t width,
                    double *out, int64_t stride) {
  FOR_BLOCKS(width, collect_block, false, s, slope, x, out, stride);
}

static void collect_tangent(const htf_segments *s, htf_rows slope, htf_rows x,
                            int64_t width, double *out, int64_t stride) {
  FOR_BLOCKS(width, collect_block, true, s, slope, x, out, stride);
}

// ---- any number of children -----------------------------------------------------------

// With before_i = V_1 .. V_(i-1), the part of child i is S V_n .. V_(i+1) before_i: one way
// up and one way down, no division. work [2, factors, 64]: before_i and its derivative.
INLINE void spread_block(const int B, int64_t c, const bool tangent, const htf_factor *f,
                         int factors, int64_t rows, htf_rows slope, double *work) {
  double *work_tangent = work + 64 * (int64_t)factors;
  for (int64_t k = 0; k < rows; k++) {
    vec p[8], q[8];
    for (int i = 0; i < factors; i++) {
      int64_t place = f[i].at[k] * f[i].stride + c;
      UNROLL for (int j = 0; j < B; j++) {
        vec v = load(f[i].value + place + j * LANES);
        if (tangent) {
          vec d = load(f[i].tangent + place + j * LANES);
          q[j] = i == 0 ? d : q[j] * v + p[j] * d;
          store(work_tangent + (i * 8 + j) * LANES, q[j]);
        }
        p[j] = i == 0 ? v : p[j] * v;
        store(work + (i * 8 + j) * LANES, p[j]);
      }
    }
    UNROLL for (int j = 0; j < B; j++) {
      p[j] = load(slope.value + k * slope.stride + c + j * LANES);
      q[j] = tangent ? load(slope.tangent + k * slope.stride + c + j * LANES) : p[j];
    }
    for (int i = factors - 1; i >= 0; i--) {
      int64_t place = f[i].at[k] * f[i].stride + c;
      double *sum = f[i].sum + f[i].at[k] * f[i].sum_stride + c;
      UNROLL for (int j = 0; j < B; j++) {
        vec part = tangent ? q[j] : p[j];
        if (i > 0) {
          vec before = load(work + ((i - 1) * 8 + j) * LANES);
          part *= before;
          if (tangent) {
            part += p[j] * load(work_tangent + ((i - 1) * 8 + j) * LANES);
          }
        }
        store(sum + j * LANES, load(sum + j * LANES) + part);
        vec v = load(f[i].value + place + j * LANES);
        if (tangent) {
          q[j] = q[j] * v + p[j] * load(f[i].tangent + place + j * LANES);
        }
        p[j] *= v;
      }
    }
  }
}

static void spread(const htf_factor *f, int factors, int64_t rows, int64_t width,
                   htf_rows slope, double *work) {
  FOR_BLOCKS(width, spread_block, false, f, factors, rows, slope, work);
}

static void spread_tangent(const htf_factor *f, int factors, int64_t rows, int64_t width,
                           htf_rows slope, double *work) {
  FOR_BLOCKS(width, spread_block, true, f, factors, rows, slope, work);
}

// ---- transposes -----------------------------------------------------------------------

// Four by four in vectors of four, whatever the width; what is left over one by one.
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));

static void transpose(const double *from, int64_t rows, int64_t cols, double *to) {
  int64_t whole_rows = rows / 4 * 4, whole_cols = cols / 4 * 4;
  for (int64_t i = 0; i < whole_rows; i += 4) {
    for (int64_t j = 0; j < whole_cols; j += 4) {
      const double *x = from + i * cols + j;
      double *y = to + j * rows + i;
      quad a = *(const quad *)x, b = *(const quad *)(x + cols);
      quad c = *(const quad *)(x + 2 * cols), d = *(const quad *)(x + 3 * cols);
      quad ab_even = __builtin_shufflevector(a, b, 0, 4, 2, 6);
      quad ab_odd = __builtin_shufflevector(a, b, 1, 5, 3, 7);
      quad cd_even = __builtin_shufflevector(c, d, 0, 4, 2, 6);
      quad cd_odd = __builtin_shufflevector(c, d, 1, 5, 3, 7);
      *(quad *)y = __builtin_shufflevector(ab_even, cd_even, 0, 1, 4, 5);
      *(quad *)(y + rows) = __builtin_shufflevector(ab_odd, cd_odd, 0, 1, 4, 5);
      *(quad *)(y + 2 * rows) = __builtin_shufflevector(ab_even, cd_even, 2, 3, 6, 7);
      *(quad *)(y + 3 * rows) = __builtin_shufflevector(ab_odd, cd_odd, 2, 3, 6, 7);
    }
  }
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = i < whole_rows ? whole_cols : 0; j < cols; j++) {
      to[j * rows + i] = from[i * cols + j];
    }
  }
}

#include "kernels_root_impl.h"

#define TABLE(name)  JOIN(htf_kernels__, name)
#define JOIN(a, b)   a##b
#define QUOTE(name)  QUOTED(name)
#define QUOTED(name) #name

const htf_kernels TABLE(HTF_KERNELS) = {
    .name = QUOTE(HTF_KERNELS),
    .multiply = multiply,
    .multiply_tangent = multiply_tangent,
    .collect = collect,
    .collect_tangent = collect_tangent,
    .spread = spread,
    .spread_tangent = spread_tangent,
    .root_values = root_values,
    .root_values_tangent = root_values_tangent,
    .root_weigh = root_weigh,
    .root_weigh_tangent = root_weigh_tangent,
    .root_finish = root_finish,
    .root_finish_tangent = root_finish_tangent,
    .panel_values = panel_values,
    .panel_values_tangent = panel_values_tangent,
    .panel_slopes = panel_slopes,
    .panel_slopes_tangent = panel_slopes_tangent,
    .transpose = transpose,
};
