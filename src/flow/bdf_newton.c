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
// none of that. So where conjugate gradients meet a direction that bends the other way, or
// the iterations do not end, the step begins again with that part in J's place: it brings y
// to the floor, where J is positive definite, and from there on J's iterations converge
// quadratically. Where J still bends the part comes once more, and for good the
// MOST_BENDS-th time: then its iterations converge linearly, with what J has besides times
// gamma. The steps that follow begin so too, twice as many each time that this is met again
// soon after.
// In a valley e may stand only where what it lacked before its last iteration is small in
// energy: e' (I - gamma sigma J) e / 2 gamma is by how much the step misses its minimum of
// the loss, which off a floor of curvature c rises by c / 2 times the distance squared.
// Nor does f(p) tell there how fast the flow is: sigma stays in the steps that begin so.
// Problem 5 of tests/bench/evaluations.py ends in such a valley (seed 0, rtol 1e-4): with J
// alone its loss is 0.05 after a minute's computing, in steps fifty times shorter.
#include <math.h>
#include <string.h>

#include "bdf_impl.h"

// The linear systems leave this share of the local error's tolerance. What they leave makes
// the differences of higher order: with 0.02 the steps at a minimum of the loss stay short
// for it, a thousand times over, and weights drift along their orbits. Where steps are
// longer than SHORT tolerances it may be so many times more, up to MOST_LINEAR: problem 4
// of tests/bench/evaluations.py, seed 0, then takes 686 f and J v for 738, at rtol 1e-6
// 1,368 for 1,407. What they leave stays in y whole, however small a share of e the error
// is.
static const double LINEAR = 0.01, MOST_LINEAR = 0.03, SHORT = 50, LEAST_CONSTANT = 0.05;
// Newton's iteration goes on while what it leaves out by taking J for constant over the
// correction x, about |b| |x| / |y| with right-hand side b, is above so many times that.
// With 3 seed 0 of problem 1 of tests/bench/evaluations.py drifts by 8 rtol, with 1 by 5.
static const double MOST_LEFT_OUT = 1;
enum { MOST_ITERATIONS = 3 };
// In a valley what linear systems leave is this share of the way from y_n to p, and in
// energy too; but no less than that share of what it is elsewhere. With 0.03, and changes
// taken for the last that promise the next to be small, weights drift along their orbits by
// 27 rtol where with 0.01 it is 20 (flat runs of jobs/depth-scale.yaml).
static const double OF_THE_WAY = 0.01, LEAST_SHARE = 1e-3;
// In a valley: iterations, until so many times the tolerance of the linear systems is left
// by the Gauss-Newton part, and before the last one so much of the energy of the step from
// y_n.
enum { MOST_VALLEY_ITERATIONS = 9, MOST_BENDS = 3 };
static const double LEFT = 3, ENERGY = 0.01;
// It is given up where a change, or energy, is so many times the one before; and not tried
// again until gamma is as small, or so many times that for each time it has been asked for,
// or so many times one that it went well with.
static const double DIVERGING = 2, RECONSIDERED = 2, HOPEFUL = 8;
// Steps of a valley at most, before J comes first again.
enum { LONGEST_SPAN = 20 };
// f(p) is taken for the speed up to so many times what the history makes of it.
static const double BELIEVED = 2;

double htf_flow__bdf_constant(const htf_flow_reach *reach, int order) {
  return order > 0 ? 1 / (reach->g[order] * reach->psi[order + 1]) : 0;
}

// sigma at p = y with f(p) in z and p' in r, and with it the step in time.
static void set_pace(const htf_flow *flow, const htf_flow_bdf *b, const double *y,
                     htf_flow_trial *t) {
  double ahead, slope;
  int64_t size = flow->system.size;
  double speed = htf_flow__rms(b->z, size), foreseen = htf_flow__rms(b->r, size) / b->pace;
  double pace = b->speed * htf_flow__rms(y, size) / speed;
  bool known = b->avoided == 0 && speed <= BELIEVED * foreseen;
  t->pace = known && pace > 0 && pace < b->pace ? pace : b->pace;
  htf_flow__history_predict_time(&b->history, &t->reach, b->order, &ahead, &slope);
  t->e_time = (t->pace - slope) / t->reach.g[b->order];
  t->length = ahead + t->e_time;
}

// An iteration: its right-hand side b, what e lacked in energy, and the changes of y, in
// this iteration and since y_n; root mean squares all.
typedef struct iteration {
  htf_flow_solved solved;
  double right, energy, change, way;
} iteration;

// The iterations of a step so far.
typedef struct iterations {
  int bends;             // so often J was not positive definite, or of no use
  double energy, change; // of the last one; 0: none, or nothing to be told from it
  bool linear;           // the last one was with the Gauss-Newton part
} iterations;

// Root mean square of x - y, both [size].
static double apart(const double *x, const double *y, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) {
    sum += (x[i] - y[i]) * (x[i] - y[i]);
  }
  return sqrt(sum / (double)size);
}

// y = p + e with the corrected e.
static void move(const htf_flow *flow, htf_flow_bdf *b, double *y, const htf_flow_trial *t,
                 iteration *it) {
  int64_t size = flow->system.size;
  htf_flow__history_predict(&b->history, &t->reach, b->order, flow->state, b->r);
  for (int64_t i = 0; i < size; i++) {
    b->r[i] += b->e[i];
  }
  it->change = apart(b->r, y, size);
  it->way = apart(b->r, flow->state, size);
  memcpy(y, b->r, (size_t)size * sizeof *y);
}

// What may be left of e: of the step's tolerance, the more the longer the way. In a valley
// or soon after one no more than a share of the way too, so that the history of short steps
// is not made of what systems left.
static double linear_tolerance(const htf_flow_bdf *b, const htf_flow_trial *t) {
  bool near = b->avoided > 0 || (b->span > 0 && b->since <= b->span);
  double moving = near ? 1 : t->way / (SHORT * t->tolerance);
  double share = fmin(MOST_LINEAR, fmax(LINEAR, LINEAR * moving));
  double most = share * t->tolerance /
                fmax(LEAST_CONSTANT, htf_flow__bdf_constant(&t->reach, b->order));
  return near ? fmin(most, fmax(OF_THE_WAY * t->way, LEAST_SHARE * most)) : most;
}

// One iteration, from y = p + e.
static htf_status correct(htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t,
                          bool first, iteration *it) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  double gamma = 1 / t->reach.g[b->order], energy = 0;
  HTF_TRY(htf_flow__derivative(flow, y, b->z));
  htf_flow__history_predict_slope(&b->history, &t->reach, b->order, b->r);
  if (first) {
    set_pace(flow, b, y, t);
  }
  for (int64_t i = 0; i < size; i++) {
    b->r[i] = gamma * (t->pace * b->z[i] - b->r[i]) - b->e[i];
  }
  it->right = htf_flow__rms(b->r, size);
  double tolerance = linear_tolerance(b, t), root = sqrt((double)size);
  const htf_flow_linear system = {
      .y = y,
      .matrix = t->matrix,
      .gamma = gamma * t->pace,
      .tolerance = tolerance * root,
      .energy = b->avoided > 0 ? fmax(OF_THE_WAY * t->way, tolerance) * root : INFINITY,
      .valley = b->avoided > 0};
  HTF_TRY(b->gmres != NULL
              ? htf_flow__gmres_solve(b->gmres, y, system.gamma, system.tolerance, b->r,
                                      b->z, b->e, &it->solved)
              : htf_flow__krylov_solve(b->conjugate, &system, b->r, b->z, b->e, &it->solved,
                                       &energy));
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
  double most =
      MOST_LEFT_OUT * linear_tolerance(b, t) * htf_flow__rms(y, flow->system.size);
  return it->right * (first ? it->change : it->right) <= most;
}

// In a valley, after an iteration with the Gauss-Newton part: what is left is as much
// smaller as this change was smaller than the one before. *diverging: it was not.
static bool contracts(htf_flow_bdf *b, double gamma, double tolerance,
                      const iterations *before, const iteration *it, bool *diverging) {
  bool measured = before->linear && before->change > 0;
  if (measured) {
    b->contraction = it->change / before->change / gamma;
  }
  double factor = b->contraction * gamma;
  *diverging = measured && factor > DIVERGING;
  return factor > 0 && factor < 1 && factor * it->change <= LEFT * tolerance;
}

// e = 0, y = p: before the first iteration with `matrix`.
static void begin(const htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t,
                  htf_flow_matrix matrix) {
  int64_t size = flow->system.size;
  t->matrix = matrix;
  memset(b->e, 0, (size_t)size * sizeof *b->e);
  htf_flow__history_predict(&b->history, &t->reach, b->order, flow->state, y);
  t->way = apart(y, flow->state, size);
}

// Of a step in a valley, whether e may stand after an iteration, and with what to go on.
static bool judge_in_valley(htf_flow_bdf *b, htf_flow_trial *t, iterations *before,
                            iteration *it) {
  double tolerance = linear_tolerance(b, t), gamma = t->pace / t->reach.g[b->order];
  bool linear = t->matrix == HTF_FLOW_GAUSS_NEWTON, stands = false, diverging = false;
  bool near = it->energy <= fmax(sqrt(ENERGY) * it->way, tolerance);
  if (it->solved == HTF_FLOW_UNSOLVED) {
    return false;
  }
  bool bends = it->solved == HTF_FLOW_INDEFINITE;
  if (bends) {
    before->bends++;
    it->solved = linear ? HTF_FLOW_UNSOLVED : HTF_FLOW_SOLVED;
  } else if (linear) {
    stands = contracts(b, gamma, tolerance, before, it, &diverging) || it->change == 0;
    stands = stands && near;
  } else {
    stands = it->change <= tolerance && near;
    diverging = !near && before->energy > 0 && it->energy > DIVERGING * before->energy;
  }
  if (diverging) {
    it->solved = HTF_FLOW_UNSOLVED;
  }
  t->matrix =
      bends || before->bends >= MOST_BENDS ? HTF_FLOW_GAUSS_NEWTON : HTF_FLOW_JACOBIAN;
  before->linear = linear;
  before->change = bends ? 0 : it->change;
  before->energy = it->energy;
  return stands;
}

static void enter_valley(htf_flow_bdf *b) {
  int longer = b->since <= b->span ? 2 * b->span : 0;
  b->span = longer < 1 ? 1 : longer < LONGEST_SPAN ? longer : LONGEST_SPAN;
  b->avoided = b->span;
  b->contraction = 0;
}

// Where J came first and bends the other way, or does not settle it: a valley begins. If
// one failed lately with no larger gamma, on with J from what conjugate gradients came to,
// once.
static void turn(const htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t,
                 iterations *before, iteration *it) {
  bool hopeless = t->pace / t->reach.g[b->order] > b->hopeless;
  bool able = b->conjugate != NULL && flow->system.gauss_newton != NULL;
  bool on = before->bends++ == 0 && it->change > 0;
  it->solved = HTF_FLOW_SOLVED;
  if (able && !hopeless) {
    enter_valley(b);
    begin(flow, b, y, t, HTF_FLOW_GAUSS_NEWTON);
  } else if (!on) {
    it->solved = HTF_FLOW_UNSOLVED;
    b->hopeless *= RECONSIDERED;
  }
}

static int most_iterations(const htf_flow_bdf *b) {
  return b->avoided > 0 ? MOST_VALLEY_ITERATIONS : MOST_ITERATIONS;
}

htf_status htf_flow__bdf_solve(htf_flow *flow, htf_flow_bdf *b, double *y,
                               htf_flow_trial *t, bool *settled) {
  htf_status status = HTF_OK;
  iteration it = {.solved = HTF_FLOW_SOLVED};
  iterations before = {.bends = 0};
  *settled = false;
  begin(flow, b, y, t, b->avoided > 0 ? HTF_FLOW_GAUSS_NEWTON : HTF_FLOW_JACOBIAN);
  for (int i = 0; !*settled && it.solved == HTF_FLOW_SOLVED && i < most_iterations(b);
       i++) {
    HTF_TRY(correct(flow, b, y, t, i == 0, &it));
    if (b->avoided > 0) {
      *settled = judge_in_valley(b, t, &before, &it);
    } else if (it.solved != HTF_FLOW_UNSOLVED) {
      bool last = it.solved == HTF_FLOW_INDEFINITE || i == MOST_ITERATIONS - 1;
      *settled = it.solved == HTF_FLOW_SOLVED && stands(flow, b, y, t, &it, i == 0);
      if (last && !*settled) {
        turn(flow, b, y, t, &before, &it);
      }
    }
  }
  if (b->avoided > 0) {
    double gamma = t->pace / t->reach.g[b->order];
    b->hopeless = *settled ? fmax(b->hopeless, HOPEFUL * gamma) : gamma;
  }
done:
  return status;
}

void htf_flow__bdf_leave_behind(htf_flow_bdf *b) {
  b->since = b->avoided > 0 ? 0 : b->since + 1;
  b->avoided -= b->avoided > 0;
}
