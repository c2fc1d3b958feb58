// SPDX-License-Identifier: BSD-3-Clause
// M by the points: with the rows of A = sqrt(c) J, of which there are as many as points,
//     (I + gamma A^T A)^-1 = I - gamma A^T (I + gamma A A^T)^-1 A,
// and nothing left out. A is multiplied by as the tangent and the pullback of an evaluation
// of its own, whose tables stay those at theta.
#include <math.h>
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"
#include "htflow/symmetric.h"

struct htf_gauss_newton__dual {
  htf_evaluation *frozen;
  double *theta;  // [parameters] where its tables are
  double *weight; // [points] sqrt(c) of the points of K's rows
  double *y;      // [points] in the order of the points as given
};

typedef struct htf_gauss_newton__dual dual;

static htf_status make(const htf_gauss_newton *gn, dual **out) {
  htf_status status = HTF_OK;
  const htf_evaluation *e = gn->evaluation;
  dual *d = NULL;
  HTF_NEW(d, 1);
  HTF_TRY(htf_evaluation_create(e->model, e->points, HTF_USE_HESSIAN, &d->frozen));
  HTF_NEW(d->theta, htf_model_parameters(e->model));
  HTF_NEW(d->weight, gn->points);
  HTF_NEW(d->y, gn->points);
  *out = d;
  d = NULL;
done:
  htf_gauss_newton__destroy_dual(&d);
  return status;
}

void htf_gauss_newton__destroy_dual(htf_gauss_newton__dual **out) {
  if (*out != NULL) {
    htf_evaluation_destroy(&(*out)->frozen);
    HTF_FREE((*out)->theta);
    HTF_FREE((*out)->weight);
    HTF_FREE((*out)->y);
    HTF_FREE(*out);
  }
}

htf_status htf_gauss_newton__build_dual(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  int64_t parameters = htf_model_parameters(gn->evaluation->model);
  if (gn->dual == NULL) {
    HTF_TRY(make(gn, &gn->dual));
  }
  memcpy(gn->dual->theta, theta, (size_t)parameters * sizeof *theta);
  memcpy(gn->dual->weight, gn->root_slope, (size_t)gn->points * sizeof *theta);
  htf_evaluation_forward(gn->dual->frozen, gn->dual->theta, gn->dual->y);
  HTF_TRY(htf_gauss_newton__make_kernel(gn, theta, gn->gram));
done:
  return status;
}

void htf_gauss_newton__solve_dual(htf_gauss_newton *gn, const double *r, double *z) {
  dual *d = gn->dual;
  int64_t parameters = htf_model_parameters(gn->evaluation->model);
  htf_evaluation_tangent(d->frozen, d->theta, r, d->y);
  for (int64_t k = 0; k < gn->points; k++) {
    gn->inner[k] = d->weight[k] * d->y[htf_gauss_newton__point_of(gn, k)];
  }
  htf_symmetric_solve(htf_matrix_view(gn->gram, gn->points, gn->points), gn->inner);
  for (int64_t k = 0; k < gn->points; k++) {
    d->y[htf_gauss_newton__point_of(gn, k)] = gn->gamma * d->weight[k] * gn->inner[k];
  }
  htf_evaluation_pullback(d->frozen, d->theta, d->y, z);
  for (int64_t i = 0; i < parameters; i++) {
    z[i] = r[i] - z[i];
  }
}
