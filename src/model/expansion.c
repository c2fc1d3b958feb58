// SPDX-License-Identifier: BSD-3-Clause
// The whole end tensor, which is an evaluation at all entries.
#include "htflow/evaluation.h"
#include "htflow/memory.h"

struct htf_expansion {
  htf_points *points;
  htf_evaluation *evaluation;
};

htf_status htf_expansion_create(const htf_model *model, htf_expansion **out) {
  htf_status status = HTF_OK;
  htf_expansion *x = NULL;
  HTF_NEW(x, 1);
  HTF_TRY(htf_points_create_all(htf_model_tree(model), htf_model_shape(model), &x->points));
  HTF_TRY(htf_evaluation_create(model, x->points, HTF_USE_VALUES, &x->evaluation));
  *out = x;
  x = NULL;
done:
  htf_expansion_destroy(&x);
  return status;
}

void htf_expansion_destroy(htf_expansion **out) {
  htf_expansion *x = *out;
  if (x != NULL) {
    htf_evaluation_destroy(&x->evaluation);
    htf_points_destroy(&x->points);
    HTF_FREE(*out);
  }
}

void htf_expansion_apply(htf_expansion *x, const double *theta, double *tensor) {
  htf_evaluation_forward(x->evaluation, theta, tensor);
}
