// SPDX-License-Identifier: BSD-3-Clause
// The loops of an evaluation that are no matrix products: gathering rows and multiplying
// them, summing them back, and the root (theory.md section 6). kernels_body_impl.h is
// compiled once for each vector width; each compilation is one table of these functions.
//
// All rows are `width` long, a multiple of 8, zero beyond the columns that mean something;
// strides and widths count doubles. A primed letter is the derivative along a direction:
// where a kernel takes `tangent` pointers it computes the derivative of what it computes
// without them. No pointer needs alignment.
#pragma once

#include <stdint.h>

// A table whose rows are gathered: row k of what is made uses row at[k].
typedef struct htf_factor {
  const double *value, *tangent; // V and V' [.., width]; V' NULL where not used
  int64_t stride;                // of both
  const int32_t *at;             // [rows]
  double *sum;                   // where `spread` adds this child's part, rows at[k]
  int64_t sum_stride;
} htf_factor;

// A term of a sum: where its row of S begins, in doubles from the first of S, and where
// that of X does; for a root over two children its point instead of a row of S. Both in one
// number, since these loops are bound by loads: S in the upper half.
typedef uint64_t htf_term;

static inline htf_term htf_term_of(uint32_t s, uint32_t x) {
  return (htf_term)s << 32 | x;
}

static inline int64_t htf_term_s(htf_term term) {
  return (int64_t)(term >> 32);
}

static inline int64_t htf_term_x(htf_term term) {
  return (int64_t)(uint32_t)term;
}

// A sum over segments: row r of what is made is the sum of terms j = start[r] ..
// start[r + 1] - 1, with S the parent's table and X the other child's; the result goes to
// row target[r].
typedef struct htf_segments {
  int64_t count;
  const int32_t *start;  // [count + 1]
  const htf_term *term;  // [terms]
  const int32_t *target; // [count]
} htf_segments;

// Rows with a tangent beside them.
typedef struct htf_rows {
  double *value, *tangent;
  int64_t stride;
} htf_rows;

// The root over two children: A belongs to the side that is summed for, X to the other.
typedef struct htf_root_side {
  htf_segments segments;
  htf_rows a, x; // A by target[r], X_j by term j
  htf_rows sum;  // G_r = sum_j e_j X_j, e_j of term j's point, by r; may be NULL
  double *out;   // dV = w * G, by target[r]
  int64_t out_stride;
  const double *e, *e_tangent;             // slopes
  const double *weights, *weights_tangent; // w, w' [width]
  double *weights_sum;                     // dw = sum_r A_r * G_r; NULL: leave out
} htf_root_side;

// Rows of the root over any number of children: P and dP [rows, width]; row k is of point
// point[k].
typedef struct htf_root_panel {
  int64_t rows;
  const int64_t *point;
  htf_rows product, slope;
  const double *e, *e_tangent;
  const double *weights, *weights_tangent;
  double *weights_sum; // dw, added to
} htf_root_panel;

typedef struct htf_kernels {
  const char *name;
  // P_k = product over factors V_at[k]; with tangents P'_k = the sum over factors of V'
  // times the others' V. [rows, width]. factors >= 1.
  void (*multiply)(const htf_factor *f, int factors, int64_t rows, int64_t width, double *p,
                   int64_t stride);
  void (*multiply_tangent)(const htf_factor *f, int factors, int64_t rows, int64_t width,
                           double *p, int64_t stride);
  // out_target[r] = sum_j S_j * X_j elementwise; with tangents
  // sum_j S' * X + S * X'.
  void (*collect)(const htf_segments *s, htf_rows slope, htf_rows x, int64_t width,
                  double *out, int64_t stride);
  void (*collect_tangent)(const htf_segments *s, htf_rows slope, htf_rows x, int64_t width,
                          double *out, int64_t stride);
  // Row by row and for any number of factors: sum_at[k] += S_k * product of the other V;
  // with tangents the derivative of that. work [2, factors, 64] holds products of the
  // first factors.
  void (*spread)(const htf_factor *f, int factors, int64_t rows, int64_t width,
                 htf_rows slope, double *work);
  void (*spread_tangent)(const htf_factor *f, int factors, int64_t rows, int64_t width,
                         htf_rows slope, double *work);
  // y of term j's point = < w * A_r, X_j > for each term of each segment; with tangents
  // < (w * A)', X > + < w * A, X' >.
  void (*root_values)(const htf_root_side *side, int64_t width, double *y);
  void (*root_values_tangent)(const htf_root_side *side, int64_t width, double *y);
  // G into `out`; with tangents G'_r = sum_j e' X + e X'.
  void (*root_weigh)(const htf_root_side *side, int64_t width);
  void (*root_weigh_tangent)(const htf_root_side *side, int64_t width);
  // With G in `out`: G into `sum`, out and dw as said at htf_root_side; with G' in `out`:
  // out = w' * G + w * G', dw = sum_r A' * G + A * G', reading G.
  void (*root_finish)(const htf_root_side *side, int64_t width);
  void (*root_finish_tangent)(const htf_root_side *side, int64_t width);
  // y[point[k]] = < w, P_k >; with tangents < w, P' > + < w', P >.
  void (*panel_values)(const htf_root_panel *panel, int64_t width, double *y);
  void (*panel_values_tangent)(const htf_root_panel *panel, int64_t width, double *y);
  // dP_k = e[point[k]] w, dw += sum_k e P_k; with tangents dP again, dP' = e' w + e w' and
  // dw += sum_k e' P + e P'.
  void (*panel_slopes)(const htf_root_panel *panel, int64_t width);
  void (*panel_slopes_tangent)(const htf_root_panel *panel, int64_t width);
  // to [cols, rows] = from [rows, cols] transposed.
  void (*transpose)(const double *from, int64_t rows, int64_t cols, double *to);
} htf_kernels;

extern const htf_kernels htf_kernels__baseline;
#ifdef __x86_64__
extern const htf_kernels htf_kernels__avx2;
extern const htf_kernels htf_kernels__avx512;
#endif

// The i-th table this machine can run, the slowest first; NULL beyond the last.
const htf_kernels *htf_kernels__table(int i);
// The fastest.
const htf_kernels *htf_kernels__best(void);
