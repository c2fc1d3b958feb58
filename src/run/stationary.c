// SPDX-License-Identifier: BSD-3-Clause
// Whether a run has come to rest.
//
// The state is rounded, and so its gradient is known no better than to eps |H| |theta|,
// weight by weight. That is measured as
//     nu_i = eps (mean over random signs s of (H (s theta))_i^2)^(1/2),
// which no cancellation hides. At a minimum, where the gradient is small because residuals
// cancel, nu is as large as ever; on a plateau, where it is small because weights are, nu
// is smaller by eps. So weights that wait to rise are told from weights at rest.
//
// A step h carries h nu into every direction in which the loss is flat, always the same
// way. After a step h by d to theta, a run is at rest where
//     h |nu| >= SHOWS rtol |theta|   rounding begins to show; no curvature is below about
//                                    -1 / h, or the step's systems were not solved;
//     |d| <= ALL h |nu|              nothing else moves, not the weights as a whole
//     |d_i| <= EACH h nu_i           nor any of them (but for its last bits).
// Found at minima: |d| from 0.1 to 5, the largest d_i from 0.3 to 400 of these; ten steps
// before, 1e3 and 1e4.
#include <float.h>
#include <math.h>

#include "flight_impl.h"
#include "htflow/memory.h"
#include "htflow/random.h"

enum { DRAWS = 3 };
static const double SHOWS = 0.01, ALL = 10, EACH = 1e4;
// A gradient is good for far less than this share of the loss over |theta|: a flow with a
// speed |d| / h above it needs no measurement.
static const double FAST = 1e-9;

typedef struct rest {
  htf_flight *flight;
  int64_t n;
  const double *theta;
  double h;
  double *d, *signed_theta, *product, *square; // [n]; square: h^2 nu^2
} rest;

// square += what `draws` draws say. The signs are those of this step: a run taken up again
// finds the same.
static void measure(rest *s, htf_random *stream, int draws) {
  double share = s->h * DBL_EPSILON / sqrt(DRAWS);
  for (int draw = 0; draw < draws; draw++) {
    for (int64_t i = 0; i < s->n; i++) {
      bool minus = (htf_random_bits(stream) & 1) != 0;
      s->signed_theta[i] = minus ? -s->theta[i] : s->theta[i];
    }
    htf_objective__product(s->flight->objective, s->theta, s->signed_theta, s->product);
    for (int64_t i = 0; i < s->n; i++) {
      s->square[i] += share * share * s->product[i] * s->product[i];
    }
  }
}

static bool each_rests(const rest *s) {
  bool all = true;
  for (int64_t i = 0; i < s->n; i++) {
    double last_bits = 4 * DBL_EPSILON * fabs(s->theta[i]);
    all &= fabs(s->d[i]) <= EACH * sqrt(s->square[i]) + last_bits;
  }
  return all;
}

// One draw tells the norm of nu well enough to leave it at that.
static bool look(rest *s) {
  int64_t steps = htf_flow_get_counts(s->flight->flow).steps;
  htf_random stream = htf_random_open(0, HTF_RANDOM_SIGNS, (uint64_t)steps);
  double tolerance = s->flight->tolerance * htf_objective__norm(s->theta, s->n);
  measure(s, &stream, 1);
  double rounding = 0;
  for (int64_t i = 0; i < s->n; i++) {
    rounding += DRAWS * s->square[i];
  }
  rounding = sqrt(rounding);
  if (rounding < SHOWS * tolerance || htf_objective__norm(s->d, s->n) > ALL * rounding) {
    return false;
  }
  measure(s, &stream, DRAWS - 1);
  return each_rests(s);
}

htf_status htf_flight__rests(htf_flight *r, bool *rests) {
  htf_status status = HTF_OK;
  double *work = NULL, arc;
  htf_flow_time time;
  rest s = {r,
            htf_model_parameters(r->scene.model),
            htf_flow_state(r->flow),
            htf_flow_last_step(r->flow),
            r->scene.theta,
            NULL,
            NULL,
            NULL};
  *rests = false;
  if (r->spec->flow.method != HTF_METHOD_BDF || htf_flow_get_counts(r->flow).steps == 0) {
    return HTF_OK;
  }
  HTF_TRY(htf_flow_interpolate(r->flow, 0, s.d, &time, &arc));
  for (int64_t i = 0; i < s.n; i++) {
    s.d[i] = s.theta[i] - s.d[i];
  }
  double speed = htf_objective__norm(s.d, s.n) / s.h;
  if (speed * htf_objective__norm(s.theta, s.n) <= FAST * r->scale) {
    HTF_NEW(work, 3 * s.n);
    s.signed_theta = work;
    s.product = work + s.n;
    s.square = work + 2 * s.n;
    *rests = look(&s);
  }
done:
  HTF_FREE(work);
  return status;
}
