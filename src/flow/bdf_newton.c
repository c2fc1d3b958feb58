// SPDX-License-Identifier: BSD-3-Clause
// The equation of a step of bdf, by Newton's iteration from the prediction p.
//
// With the exact Jacobian what the first iterate leaves is quadratic in e, which is of the
// size of the tolerance, so that it nearly always stands:
//     (I - gamma sigma J(p)) e = gamma (sigma f(p) - p'),   gamma = 1 / g_q.
// It goes on where J changes too much over e: nothing damps what that leaves out where f is
// flat, and conserved quantities drift by it.
//
// Valleys. Where the solution creeps along the floor of a narrow, curved valley, p is off
// the floor by no more than the tolerance, and yet J(p) another matrix: the residuals,
// which the floor keeps small, come times the second derivatives, and I - gamma sigma J(p)
// need not be positive definite for any step worth making. The Gauss-Newton part of J has
// none of that. So where conjugate gradients meet a direction that bends the other way, and
// do so again where they have come to, the step begins again with that part in J's place,
// and so do the next steps: its iterations converge linearly, with what J has besides times
// gamma, which is small where J is stiff. And e may stand only where what it lacked before
// its last iteration is small in energy: e' (I - gamma sigma J) e / 2 gamma is by how much
// the step misses its minimum of the loss, which off a floor of curvature c rises by c / 2
// times the distance squared. Problem 5 of tests/bench/evaluations.py
// ends in such a valley: after a minute's computing at rtol 1e-4 (seed 0) its loss is
// 0.005, and with J alone, whose steps are fifty times shorter there, 0.051.
#include <math.h>
#include <string.h>

#include "bdf_impl.h"

// The linear systems leave this share of the local error's tolerance. What they leave makes
// the differences of higher order: with 0.02 the steps at a minimum of the loss stay short
// for it, a thousand times over, and weights drift along their orbits.
// What they leave stays in y whole, however small a share of e the error is.
static const double LINEAR = 0.01, LEAST_CONSTANT = 0.05;
// Newton's iteration goes on while what it leaves out by taking J for constant over the
// correction x, about |b| |x| / |y| with right-hand side b, is above so many times that.
static const double MOST_LEFT_OUT = 8;
// And while the local error is above this share of its tolerance: then the first iterate,
// whose systems are solved by trust in the preconditioner, is looked at once more.
static const double FIRST = 0.5;
enum { MOST_ITERATIONS = 3 };
// With the Gauss-Newton part: iterations, until so many times the tolerance of the linear
// systems is left, and before the last one so much of the energy of the step from y_n.
enum { MOST_LINEAR_ITERATIONS = 7 };
static const double LEFT = 3, ENERGY = 0.01;
// It is given up where a change is so many times the one before; and not tried again until
// gamma is as small, or so many times that for each time it has been asked for.
static const double DIVERGING = 2, RECONSIDERED = 2;
// Steps with it before J itself is tried again.
enum { AVOIDED = 20 };

double htf_flow__bdf_constant(const htf_flow_reach *reach, int order) {
  return order > 0 ? 1 / (reach->g[order] * reach->psi[order + 1]) : 0;
}

// sigma at p = y with f(p) in z, and with it the step in time.
static void set_pace(const htf_flow *flow, const htf_flow_bdf *b, const double *y,
                     htf_flow_trial *t) {
  double ahead, slope;
  int64_t size = flow->system.size;
  double pace = b->speed * htf_flow__rms(y, size) / htf_flow__rms(b->z, size);
  t->pace = pace > 0 && pace < b->pace ? pace : b->pace;
  htf_flow__history_predict_time(&b->history, &t->reach, b->order, &ahead, &slope);
  t->e_time = (t->pace - slope) / t->reach.g[b->order];
  t->length = ahead + t->e_time;
}

// An iteration: its right-hand side b, what e lacked in energy, and the changes of y, in
// this iteration and since y_n; root mean squares all.
typedef struct iteration {
  htf_flow_solved solved;
  double right, energy, change, way;
  int bends; // so often in this step J was not positive definite
} iteration;

// y = p + e with the corrected e.
static void move(const htf_flow *flow, htf_flow_bdf *b, double *y, const htf_flow_trial *t,
                 iteration *it) {
  int64_t size = flow->system.size;
  double change = 0, way = 0;
  htf_flow__history_predict(&b->history, &t->reach, b->order, flow->state, b->r);
  for (int64_t i = 0; i < size; i++) {
    double now = b->r[i] + b->e[i], from_y = now - y[i], from_start = now - flow->state[i];
    change += from_y * from_y;
    way += from_start * from_start;
    y[i] = now;
  }
  it->change = sqrt(change / (double)size);
  it->way = sqrt(way / (double)size);
}

// What a linear system may leave of e.
static double linear_tolerance(const htf_flow_bdf *b, const htf_flow_trial *t) {
  return LINEAR * t->tolerance /
         fmax(LEAST_CONSTANT, htf_flow__bdf_constant(&t->reach, b->order));
}

// One iteration, from y = p + e.
static htf_status correct(htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t,
                          bool first, iteration *it) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  double gamma = 1 / t->reach.g[b->order], energy = 0;
  double most = linear_tolerance(b, t) * sqrt((double)size);
  HTF_TRY(htf_flow__derivative(flow, y, b->z));
  if (first) {
    set_pace(flow, b, y, t);
  }
  htf_flow__history_predict_slope(&b->history, &t->reach, b->order, b->r);
  for (int64_t i = 0; i < size; i++) {
    b->r[i] = gamma * (t->pace * b->z[i] - b->r[i]) - b->e[i];
  }
  it->right = htf_flow__rms(b->r, size);
  gamma *= t->pace;
  HTF_TRY(
      b->gmres != NULL
          ? htf_flow__gmres_solve(b->gmres, y, gamma, most, b->r, b->z, b->e, &it->solved)
          : htf_flow__krylov_solve(b->conjugate, t->matrix, y, gamma, most, b->r, b->z,
                                   b->e, &it->solved, &energy));
  it->energy = sqrt(energy / (double)size);
  if (it->solved != HTF_FLOW_UNSOLVED) {
    move(flow, b, y, t, it);
  }
done:
  return status;
}

// Whether e may stand after an iteration with J. Changes after the first are taken for as
// large as b, which bounds them.
static bool stands(const htf_flow *flow, const htf_flow_bdf *b, const double *y,
                   const htf_flow_trial *t, const iteration *it, bool first) {
  double tolerance = linear_tolerance(b, t);
  double most = MOST_LEFT_OUT * tolerance * htf_flow__rms(y, flow->system.size);
  double change = first ? it->change : it->right;
  return it->right * change <= most && LINEAR * change <= FIRST * tolerance;
}

// After one with its part: what is left is as much smaller as this change was smaller than
// the one before.
static bool converges(htf_flow_bdf *b, htf_flow_trial *t, iteration *it) {
  double tolerance = linear_tolerance(b, t), before = t->change;
  double gamma = t->pace / t->reach.g[b->order];
  bool near = it->energy <= fmax(sqrt(ENERGY) * it->way, tolerance);
  t->change = it->change;
  if (before > 0) {
    b->contraction = it->change / before / gamma;
  }
  double factor = b->contraction * gamma;
  bool known = factor > 0;
  if (before > 0 && factor > DIVERGING) {
    it->solved = HTF_FLOW_UNSOLVED;
  }
  return known && near && factor < 1 && factor * it->change <= LEFT * tolerance;
}

// e = 0, y = p: before the first iteration with `matrix`.
static void begin(const htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t,
                  htf_flow_matrix matrix) {
  t->matrix = matrix;
  t->change = 0;
  memset(b->e, 0, (size_t)flow->system.size * sizeof *b->e);
  htf_flow__history_predict(&b->history, &t->reach, b->order, flow->state, y);
}

static int most_iterations(const htf_flow_bdf *b) {
  return b->avoided > 0 ? MOST_LINEAR_ITERATIONS : MOST_ITERATIONS;
}

// Where J bends the other way: on with it from what conjugate gradients came to, once, and
// else with its part from the beginning, unless that failed lately with no larger gamma.
static void turn(const htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t,
                 iteration *it) {
  double gamma = t->pace / t->reach.g[b->order];
  it->solved = HTF_FLOW_SOLVED;
  if (it->bends++ > 0 || it->change == 0) {
    if (flow->system.gauss_newton == NULL || gamma > b->hopeless) {
      it->solved = HTF_FLOW_UNSOLVED;
      b->hopeless *= RECONSIDERED;
    } else {
      b->avoided = AVOIDED;
      b->contraction = 0;
      begin(flow, b, y, t, HTF_FLOW_GAUSS_NEWTON);
    }
  }
}

htf_status htf_flow__bdf_solve(htf_flow *flow, htf_flow_bdf *b, double *y,
                               htf_flow_trial *t, bool *settled) {
  htf_status status = HTF_OK;
  iteration it = {.solved = HTF_FLOW_SOLVED};
  *settled = false;
  begin(flow, b, y, t, b->avoided > 0 ? HTF_FLOW_GAUSS_NEWTON : HTF_FLOW_JACOBIAN);
  for (int i = 0; !*settled && it.solved == HTF_FLOW_SOLVED && i < most_iterations(b);
       i++) {
    HTF_TRY(correct(flow, b, y, t, i == 0, &it));
    bool exact = t->matrix == HTF_FLOW_JACOBIAN;
    if (it.solved == HTF_FLOW_SOLVED) {
      *settled = exact ? stands(flow, b, y, t, &it, i == 0) : converges(b, t, &it);
    } else if (it.solved == HTF_FLOW_INDEFINITE && exact) {
      turn(flow, b, y, t, &it);
    }
  }
  if (!*settled && t->matrix == HTF_FLOW_GAUSS_NEWTON) {
    b->hopeless = t->pace / t->reach.g[b->order];
  }
done:
  return status;
}
