// SPDX-License-Identifier: BSD-3-Clause
// The root, which has a column of weights and so no matrix product:
//     y_k = sum_s w_s product over children c of V_c[row, s]
// and its sums back. Two children: fused kernels over segments, no table of the root's m
// rows. More: panels of rows through the kernels of any node. All entries: root_whole.c.
#include <string.h>

#include "evaluation_impl.h"

// ---- two children ---------------------------------------------------------------------

// K and dK of a side.
static void find_rows(const htf_evaluation *e, int i, htf_rows *value, htf_rows *adjoint) {
  const htf_evaluation_side *side = &e->side[i];
  int child = htf_tree_child(e->tree, e->root, side->first);
  *value = side->children == 1 ? e->nodes[child].value : side->value;
  *adjoint = side->children == 1 ? e->nodes[child].adjoint : side->adjoint;
}

htf_root_side htf_evaluation__side(const htf_evaluation *e, int i, bool tangent) {
  htf_rows value, adjoint, others, unused;
  find_rows(e, i, &value, &adjoint);
  find_rows(e, 1 - i, &others, &unused);
  htf_root_side side = {
      .segments = e->nodes[e->root].segments[i],
      .a = value,
      .x = others,
      .sum = {.value = e->side[i].sum, .stride = e->nodes[e->root].width},
      .out = tangent ? adjoint.tangent : adjoint.value,
      .out_stride = adjoint.stride,
      .weights = e->weights.value,
      .weights_tangent = e->weights.tangent,
      .weights_sum = i == 0 ? e->weights_sum : NULL,
  };
  return side;
}

static void values_of_two(htf_evaluation *e, double *y, bool tangent) {
  htf_root_side side = htf_evaluation__side(e, 0, tangent);
  int64_t width = e->nodes[e->root].width;
  if (tangent) {
    e->kernels->root_values_tangent(&side, width, y);
  } else {
    e->kernels->root_values(&side, width, y);
  }
}

// Where the weights are ones, G is dV and there is no dw.
static void sums_of_two(htf_evaluation *e, const double *slopes,
                        const double *slopes_tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  bool tangent = slopes_tangent != NULL, weighted = root->offset >= 0;
  for (int i = 0; i < 2; i++) {
    htf_root_side side = htf_evaluation__side(e, i, tangent);
    side.e = slopes;
    side.e_tangent = slopes_tangent;
    (tangent ? e->kernels->root_weigh_tangent : e->kernels->root_weigh)(&side, root->width);
    if (weighted) {
      (tangent ? e->kernels->root_finish_tangent : e->kernels->root_finish)(&side,
                                                                            root->width);
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

// P and, with tangent, P' of as many of the root's rows from `start` on as a panel holds.
static htf_root_panel make_panel(htf_evaluation *e, int64_t start, bool tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  const htf_factor *factors = shift_factors(e, start);
  int64_t left = e->count - start;
  htf_root_panel panel = {
      .rows = left < HTF_PANEL ? left : HTF_PANEL,
      .point = htf_points_order(e->points) + start,
      .product = e->panel_product,
      .slope = e->panel_slope,
      .weights = e->weights.value,
      .weights_tangent = e->weights.tangent,
      .weights_sum = e->weights_sum,
  };
  e->kernels->multiply(factors, root->children, panel.rows, root->width,
                       panel.product.value, panel.product.stride);
  if (tangent) {
    e->kernels->multiply_tangent(factors, root->children, panel.rows, root->width,
                                 panel.product.tangent, panel.product.stride);
  }
  return panel;
}

static void values_of_many(htf_evaluation *e, double *y, bool tangent) {
  int64_t width = e->nodes[e->root].width;
  for (int64_t start = 0; start < e->count; start += HTF_PANEL) {
    htf_root_panel panel = make_panel(e, start, tangent);
    if (tangent) {
      e->kernels->panel_values_tangent(&panel, width, y);
    } else {
      e->kernels->panel_values(&panel, width, y);
    }
  }
}

static void sums_of_many(htf_evaluation *e, const double *slopes,
                         const double *slopes_tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  const htf_kernels *kernels = e->kernels;
  int64_t width = root->width;
  memset(e->weights_sum, 0, (size_t)width * sizeof *e->weights_sum);
  for (int64_t start = 0; start < e->count; start += HTF_PANEL) {
    htf_root_panel panel = make_panel(e, start, slopes_tangent != NULL);
    panel.e = slopes;
    panel.e_tangent = slopes_tangent;
    if (slopes_tangent != NULL) {
      kernels->panel_slopes_tangent(&panel, width);
      kernels->spread_tangent(e->shifted, root->children, panel.rows, width, panel.slope,
                              e->work);
    } else {
      kernels->panel_slopes(&panel, width);
      kernels->spread(e->shifted, root->children, panel.rows, width, panel.slope, e->work);
    }
  }
}

// ---- any of them ----------------------------------------------------------------------

void htf_evaluation__root_values(htf_evaluation *e, double *y, bool tangent) {
  if (e->whole) {
    htf_evaluation__whole_values(e, y, tangent);
  } else if (e->nodes[e->root].children == 2) {
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
  if (e->whole) {
    htf_evaluation__whole_sums(e, slopes, slopes_tangent);
  } else if (root->children == 2) {
    sums_of_two(e, slopes, slopes_tangent);
  } else {
    sums_of_many(e, slopes, slopes_tangent);
  }
  htf_evaluation__close_sums(e, e->root, gradient, tangent);
  if (root->offset >= 0) {
    memcpy(gradient + root->offset, e->weights_sum, (size_t)root->rows * sizeof *gradient);
  }
}
