// SPDX-License-Identifier: BSD-3-Clause
// The root, which has a column of weights and so no matrix product:
//     y_k = sum_s w_s product over children c of V_c[row, s]
// and its sums back. Two children: fused kernels over segments, no table of the root's m
// rows. More: panels of rows through the kernels of any node.
#include <string.h>

#include "evaluation_impl.h"

// ---- two children ---------------------------------------------------------------------

// Side i of the root: what is summed for child i.
static htf_root_side side_of(const htf_evaluation *e, int i, bool tangent) {
  const htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, e->root, i)];
  const htf_evaluation_node *other = &e->nodes[htf_tree_child(e->tree, e->root, 1 - i)];
  htf_root_side side = {
      .segments = e->nodes[e->root].segments[i],
      .a = child->value,
      .x = other->value,
      .sum = {.value = child->sum, .stride = child->outer},
      .out = tangent ? child->adjoint.tangent : child->adjoint.value,
      .out_stride = child->adjoint.stride,
      .weights = e->weights.value,
      .weights_tangent = e->weights.tangent,
      .weights_sum = i == 0 ? e->weights_sum : NULL,
  };
  return side;
}

static void values_of_two(htf_evaluation *e, double *y, bool tangent) {
  htf_root_side side = side_of(e, 0, tangent);
  int64_t width = e->nodes[e->root].width;
  if (tangent) {
    e->kernels->root_values_tangent(&side, width, y);
  } else {
    e->kernels->root_values(&side, width, y);
  }
}

static void sums_of_two(htf_evaluation *e, const double *slopes,
                        const double *slopes_tangent) {
  for (int i = 0; i < 2; i++) {
    htf_root_side side = side_of(e, i, slopes_tangent != NULL);
    side.e = slopes;
    side.e_tangent = slopes_tangent;
    if (slopes_tangent != NULL) {
      e->kernels->root_collect_tangent(&side, e->nodes[e->root].width);
    } else {
      e->kernels->root_collect(&side, e->nodes[e->root].width);
    }
  }
}

// ---- more than two --------------------------------------------------------------------

// The factors of the root's rows from `start` on.
static const htf_factor *shift_factors(htf_evaluation *e, int64_t start) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  for (int i = 0; i < root->children; i++) {
    e->shifted[i] = root->factors[i];
    e->shifted[i].at += start;
  }
  return e->shifted;
}

// P and, with tangent, P' of the root's rows start .. start + rows - 1.
static void make_panel(htf_evaluation *e, int64_t start, int64_t rows, bool tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  const htf_factor *factors = shift_factors(e, start);
  htf_rows p = e->panel_product;
  e->kernels->multiply(factors, root->children, rows, root->width, p.value, p.stride);
  if (tangent) {
    e->kernels->multiply_tangent(factors, root->children, rows, root->width, p.tangent,
                                 p.stride);
  }
}

// n is a multiple of 8; eight sums, so that they can go side by side.
static double dot(int64_t n, const double *x, const double *y) {
  double sums[8] = {0};
  for (int64_t i = 0; i < n; i += 8) {
    for (int j = 0; j < 8; j++) {
      sums[j] += x[i + j] * y[i + j];
    }
  }
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
         ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

static void values_of_many(htf_evaluation *e, double *y, bool tangent) {
  int64_t width = e->nodes[e->root].width;
  const int64_t *order = htf_points_order(e->points);
  htf_rows p = e->panel_product;
  for (int64_t start = 0; start < e->count; start += HTF_PANEL) {
    int64_t left = e->count - start, rows = left < HTF_PANEL ? left : HTF_PANEL;
    make_panel(e, start, rows, tangent);
    for (int64_t k = 0; k < rows; k++) {
      double *value = &y[order[start + k]];
      if (tangent) {
        *value = dot(width, e->weights.value, p.tangent + k * p.stride) +
                 dot(width, e->weights.tangent, p.value + k * p.stride);
      } else {
        *value = dot(width, e->weights.value, p.value + k * p.stride);
      }
    }
  }
}

// One row: dP = e w and dw += e P; with tangents dP' = e' w + e w', dw += e' P + e P'.
static void slope_row(htf_evaluation *e, int64_t k, double slope, double slope_tangent,
                      bool tangent) {
  const double *w = e->weights.value, *w_tangent = e->weights.tangent;
  const double *p = e->panel_product.value + k * e->panel_product.stride;
  const double *p_tangent = e->panel_product.tangent + k * e->panel_product.stride;
  double *dp = e->panel_slope.value + k * e->panel_slope.stride;
  double *dp_tangent = e->panel_slope.tangent + k * e->panel_slope.stride;
  for (int64_t s = 0; s < e->nodes[e->root].width; s++) {
    dp[s] = slope * w[s];
    if (tangent) {
      dp_tangent[s] = slope_tangent * w[s] + slope * w_tangent[s];
      e->weights_sum[s] += slope_tangent * p[s] + slope * p_tangent[s];
    } else {
      e->weights_sum[s] += slope * p[s];
    }
  }
}

static void sums_of_many(htf_evaluation *e, const double *slopes,
                         const double *slopes_tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  const int64_t *order = htf_points_order(e->points);
  bool tangent = slopes_tangent != NULL;
  memset(e->weights_sum, 0, (size_t)root->width * sizeof *e->weights_sum);
  for (int64_t start = 0; start < e->count; start += HTF_PANEL) {
    int64_t left = e->count - start, rows = left < HTF_PANEL ? left : HTF_PANEL;
    make_panel(e, start, rows, tangent);
    for (int64_t k = 0; k < rows; k++) {
      int64_t point = order[start + k];
      slope_row(e, k, slopes[point], tangent ? slopes_tangent[point] : 0, tangent);
    }
    (tangent ? e->kernels->spread_tangent : e->kernels->spread)(
        e->shifted, root->children, rows, root->width, e->panel_slope, e->work);
  }
}

// ---- either ---------------------------------------------------------------------------

void htf_evaluation__root_values(htf_evaluation *e, double *y, bool tangent) {
  if (e->nodes[e->root].children == 2) {
    values_of_two(e, y, tangent);
  } else {
    values_of_many(e, y, tangent);
  }
}

void htf_evaluation__root_sums(htf_evaluation *e, const double *slopes,
                               const double *slopes_tangent, double *gradient) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  bool tangent = slopes_tangent != NULL;
  htf_evaluation__open_sums(e, e->root, gradient, tangent);
  if (root->children == 2) {
    sums_of_two(e, slopes, slopes_tangent);
  } else {
    sums_of_many(e, slopes, slopes_tangent);
  }
  htf_evaluation__close_sums(e, e->root, gradient, tangent);
  if (root->offset >= 0) {
    memcpy(gradient + root->offset, e->weights_sum, (size_t)root->rows * sizeof *gradient);
  }
}
