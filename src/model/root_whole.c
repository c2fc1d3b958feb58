// SPDX-License-Identifier: BSD-3-Clause
// The root over all entries. With K_i [n_i, R] the tuples of the rows of side i's children,
// multiplied, and Y, E [n_1, n_2] the entries and their slopes:
//     Y = K_1 diag(w) K_2^T;  G_1 = E K_2;  G_2 = E^T K_1;  dK_i = G_i diag(w);
//     dw = sum over rows of K_1 * G_1
// three matrix products of n_1 n_2 R and no table of the root's rows. Where the entries lie
// in another order than the sides' rows, panels of Y and E are moved on their way.
#include "evaluation_impl.h"

static int64_t panel_rows(const htf_evaluation *e, int64_t start) {
  int64_t left = e->side[0].n - start;
  return e->entries == NULL || left < HTF_WHOLE_PANEL ? left : HTF_WHOLE_PANEL;
}

// Rows of Y or E: those of `data`, or room for them.
static htf_matrix panel_of(const htf_evaluation *e, const double *data, int64_t start) {
  int64_t cols = e->side[1].n;
  return htf_matrix_view(e->entries == NULL ? data + start * cols : e->entries,
                         panel_rows(e, start), cols);
}

static htf_matrix read_panel(const htf_evaluation *e, const double *data, int64_t start) {
  htf_matrix panel = panel_of(e, data, start);
  const int64_t *place1 = htf_points_place(e->points, 1);
  for (int64_t i = 0; e->entries != NULL && i < panel.rows; i++) {
    const double *from = data + htf_points_place(e->points, 0)[start + i];
    for (int64_t j = 0; j < panel.cols; j++) {
      panel.data[i * panel.cols + j] = from[place1[j]];
    }
  }
  return panel;
}

static void write_panel(const htf_evaluation *e, htf_matrix panel, int64_t start,
                        double *data) {
  const int64_t *place1 = htf_points_place(e->points, 1);
  for (int64_t i = 0; e->entries != NULL && i < panel.rows; i++) {
    double *to = data + htf_points_place(e->points, 0)[start + i];
    for (int64_t j = 0; j < panel.cols; j++) {
      to[place1[j]] = panel.data[i * panel.cols + j];
    }
  }
}

// Some rows of K, of w K, or of what is summed.
static htf_matrix rows_of(const htf_evaluation *e, const double *data, int64_t stride,
                          int64_t start, int64_t rows) {
  return htf_evaluation__view(data + start * stride, rows, e->nodes[e->root].rows, stride);
}

// ---- values ---------------------------------------------------------------------------

// K, or K', of sides with several children.
static void multiply_children(htf_evaluation *e, bool tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  for (int i = 0; i < 2; i++) {
    const htf_evaluation_side *side = &e->side[i];
    if (side->children > 1) {
      (tangent ? e->kernels->multiply_tangent : e->kernels->multiply)(
          root->factors + side->first, side->children, side->n, root->width,
          tangent ? side->value.tangent : side->value.value, side->value.stride);
    }
  }
}

// K_2 diag(w), or its derivative: rows of K_2 times the one row of weights.
static void scale_rows(htf_evaluation *e, htf_rows k, bool tangent) {
  const int32_t *each = e->nodes[e->root].segments[1].target; // 0, 1, ..
  const htf_factor factors[2] = {
      {.value = k.value, .tangent = k.tangent, .stride = k.stride, .at = each},
      {.value = e->weights.value, .tangent = e->weights.tangent, .stride = 0, .at = each},
  };
  (tangent ? e->kernels->multiply_tangent : e->kernels->multiply)(
      factors, 2, e->side[1].n, e->nodes[e->root].width,
      tangent ? e->scaled.tangent : e->scaled.value, e->scaled.stride);
}

void htf_evaluation__whole_values(htf_evaluation *e, double *y, bool tangent) {
  multiply_children(e, tangent);
  htf_root_side side = htf_evaluation__side(e, 0, tangent);
  scale_rows(e, side.x, tangent);
  int64_t n2 = e->side[1].n;
  htf_matrix wk = rows_of(e, e->scaled.value, e->scaled.stride, 0, n2);
  for (int64_t start = 0; start < e->side[0].n; start += panel_rows(e, start)) {
    htf_matrix panel = panel_of(e, y, start);
    htf_matrix k = rows_of(e, side.a.value, side.a.stride, start, panel.rows);
    if (tangent) {
      htf_matrix k_tangent = rows_of(e, side.a.tangent, side.a.stride, start, panel.rows);
      htf_matrix wk_tangent = rows_of(e, e->scaled.tangent, e->scaled.stride, 0, n2);
      htf_dense_multiply(HTF_PLAIN, k_tangent, HTF_TRANSPOSED, wk, 0, panel);
      htf_dense_multiply(HTF_PLAIN, k, HTF_TRANSPOSED, wk_tangent, 1, panel);
    } else {
      htf_dense_multiply(HTF_PLAIN, k, HTF_TRANSPOSED, wk, 0, panel);
    }
    write_panel(e, panel, start, y);
  }
}

// ---- sums -----------------------------------------------------------------------------

// G_1 = E K_2 + beta G_1 and G_2 = E^T K_1 + beta G_2, with K' for K if asked.
static void weigh(htf_evaluation *e, const htf_root_side side[2], const double *slopes,
                  bool tangent, double beta) {
  htf_matrix k[2], g2 = rows_of(e, side[1].out, side[1].out_stride, 0, e->side[1].n);
  for (int64_t start = 0; start < e->side[0].n; start += panel_rows(e, start)) {
    htf_matrix panel = read_panel(e, slopes, start);
    for (int i = 0; i < 2; i++) {
      k[i] = rows_of(e, tangent ? side[i].a.tangent : side[i].a.value, side[i].a.stride,
                     i == 0 ? start : 0, i == 0 ? panel.rows : e->side[1].n);
    }
    htf_dense_multiply(HTF_PLAIN, panel, HTF_PLAIN, k[1], beta,
                       rows_of(e, side[0].out, side[0].out_stride, start, panel.rows));
    htf_dense_multiply(HTF_TRANSPOSED, panel, HTF_PLAIN, k[0], start > 0 ? 1 : beta, g2);
  }
}

// dK, or dK', of sides with several children into these.
static void sum_children(htf_evaluation *e, bool tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  for (int i = 0; i < 2; i++) {
    const htf_evaluation_side *side = &e->side[i];
    if (side->children > 1) {
      (tangent ? e->kernels->spread_tangent
               : e->kernels->spread)(root->factors + side->first, side->children, side->n,
                                     root->width, side->adjoint, e->work);
    }
  }
}

void htf_evaluation__whole_sums(htf_evaluation *e, const double *slopes,
                                const double *slopes_tangent) {
  bool tangent = slopes_tangent != NULL;
  htf_root_side side[2] = {htf_evaluation__side(e, 0, tangent),
                           htf_evaluation__side(e, 1, tangent)};
  weigh(e, side, tangent ? slopes_tangent : slopes, false, 0);
  if (tangent) {
    weigh(e, side, slopes, true, 1);
  }
  for (int i = 0; i < 2; i++) {
    (tangent ? e->kernels->root_finish_tangent
             : e->kernels->root_finish)(&side[i], e->nodes[e->root].width);
  }
  sum_children(e, tangent);
}
