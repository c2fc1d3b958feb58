// SPDX-License-Identifier: BSD-3-Clause
// flow.h: integrates y' = f(y), one accepted step at a time (room: flow).
//
// Knows no tensor: the system is a callback, autonomous; for a gradient flow f = -g, g the
// gradient. Methods that follow the solution, the local error of a step kept below half of
// rtol times the root mean square of y, the same for every component: better for the
// conserved quantities than component by component, and what conjugate gradients need
// (theory.md section 5d):
//   bdf   backward differentiation of order 1 to 5 in variable steps, ours
//         (src/flow/bdf.c), with an inexact Newton iteration whose linear systems (I -
//         gamma J) x = b are solved matrix-free, by GMRES or, for symmetric J, conjugate
//         gradients, with the system's preconditioner if it has one (src/flow/krylov.c says
//         when it is prepared anew); in narrow curved valleys with the Gauss-Newton part of
//         J, if the system has one, first. Its independent variable is the path while the
//         flow accelerates and time where it slows down, so that a wait of ten decades and
//         the burst after it cost some hundred steps. Below rtol 1e-6 its local error is
//         kept below less than that share, so that the error in the end falls as rtol does.
//         The one for stiff systems; needs the exact product of J with a vector.
//   adams variable-order (to 12), variable-step Adams-Moulton (CVODE, Hindmarsh et al.
//         2005) with functional iteration.
//   erk   an explicit Runge-Kutta pair with error control (ARKODE), or with a fixed step.
//         Of SUNDIALS' tables those that its stepper follows rightly (version 6.4.1).
// Methods that descend, in the arithmetic of PyTorch's float64, element by element:
//   gd    y+ = y + lr f: gradient descent, the explicit Euler step.
//   momentum      v+ = beta v + f,  y+ = y + lr v+  (v = 0 at first).
//   grouprmsprop  s+ = a s + (1 - a) |f|^2,  y+ = y + lr f / (sqrt(s+ / (1 - a^k)) + 1e-6),
//         with one s for all of y (0 at first), a = 0.99, k = 1, 2, ... (theory.md section
//         2; Razin et al. 2022).
//   adam  m+ = b1 m + (1 - b1) f,  v+ = b2 v + (1 - b2) f^2, by component (0 at first),
//         y+ = y + lr m^ / (sqrt(v^) + 1e-8),  m^ = m+ / (1 - b1^k),  v^ = v+ / (1 - b2^k),
//         b1 = 0.9, b2 = 0.999, k = 1, 2, ... (Kingma and Ba 2015).
// The length of their steps, so that time tells how far along the flow they are: the factor
// that multiplies f, lr for gd and lr / (sqrt(s+ / (1 - a^k)) + 1e-6) for grouprmsprop;
// lr / (1 - beta) for momentum, the step of the flow it approximates; for adam, which
// follows no flow of f, merely lr.
//
// Time. The equation is autonomous, and learning is a burst late on a long clock (theory.md
// section 5e), so no method looks at a clock: it yields step lengths, and these are summed
// in double-double arithmetic. Time is the unevaluated sum of two doubles and moves on
// where, in one double, t + h would equal t.
//
// Segments. After every `segment_steps` accepted steps the method starts anew: what follows
// depends on the state, the length of the last step and what the method carries on (carry:
// momenta; of bdf the last states it needs, so that a boundary costs it no more than a
// preconditioner) only. At such a boundary, and only there, a flow can be left and taken up
// later by another one with the same options, to the same bits (`start`).
//
// Arc length is the sum of |y_n+1 - y_n| over accepted steps, Euclidean; within a step it
// is carried on as |y(t) - y_n| along the method's own interpolant.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// M ~ I - gamma J, symmetric and positive definite. Its callbacks get the system's context
// and fail like the system's.
typedef struct htf_flow_preconditioner {
  // Looks at J at y [size], at what matters of it with this gamma.
  htf_status (*prepare)(void *context, const double *y, double gamma);
  // Makes M for this gamma of what was last prepared.
  htf_status (*scale)(void *context, double gamma);
  // z = M^-1 r, both [size].
  htf_status (*apply)(void *context, const double *r, double *z);
  // What the next prepare will cost, in products of J: the same after the same calls.
  double (*cost)(void *context);
  // What was prepared is not used again, and the cost is that of the first prepare. NULL:
  // nothing depends on what was before.
  void (*forget)(void *context);
} htf_flow_preconditioner;

// The system. Each callback may fail with HTF_E_NUMERIC (a value not finite): the method
// then tries a smaller step. Any other failure ends the step and is forwarded.
typedef struct htf_flow_system {
  int64_t size;
  void *context;
  // dy = f(y), both [size].
  htf_status (*derivative)(void *context, const double *y, double *dy);
  // product = (df/dy at y) v. May be NULL for methods that need none.
  htf_status (*jacobian)(void *context, const double *y, const double *v, double *product);
  // For bdf with conjugate gradients; borrowed. NULL: none.
  const htf_flow_preconditioner *preconditioner;
  // product = (G at y) v, G symmetric with no eigenvalue above 0, and J - G small where J
  // is stiff: of a gradient flow of a sum of squares the Gauss-Newton part. For bdf with
  // conjugate gradients, where J is of no use. May be NULL.
  htf_status (*gauss_newton)(void *context, const double *y, const double *v,
                             double *product);
} htf_flow_system;

typedef enum htf_flow_method {
  HTF_FLOW_BDF,
  HTF_FLOW_GD,
  HTF_FLOW_ADAMS,
  HTF_FLOW_ERK,
  HTF_FLOW_MOMENTUM,
  HTF_FLOW_GROUPRMSPROP,
  HTF_FLOW_ADAM
} htf_flow_method;
typedef enum htf_flow_krylov { HTF_FLOW_GMRES, HTF_FLOW_PCG } htf_flow_krylov;
// Explicit Runge-Kutta pairs; order of the solution (of the error estimate), stages.
typedef enum htf_flow_table {
  HTF_FLOW_DORMAND_PRINCE,   // 5(4), 7, the last one the next step's first
  HTF_FLOW_CASH_KARP,        // 5(4), 6
  HTF_FLOW_BOGACKI_SHAMPINE, // 3(2), 4, the last one the next step's first
  HTF_FLOW_FEHLBERG,         // 5(4), 6
  HTF_FLOW_ZONNEVELD         // 4(3), 5
} htf_flow_table;

// A time, high + low exactly, |low| <= half an ulp of high.
typedef struct htf_flow_time {
  double high, low;
} htf_flow_time;

typedef struct htf_flow_counts {
  int64_t steps;       // accepted
  int64_t derivatives; // calls of f by the method
  int64_t products;    // calls of J v
  int64_t prepared;    // calls of `prepare`
  int64_t segments;    // begun: restarts + 1
  int64_t rejected;    // steps undone: error test or solver failures
} htf_flow_counts;

// Where a flow begins: all zero, or what an earlier one said at a boundary.
typedef struct htf_flow_start {
  htf_flow_time time;
  double arc;
  double last_step; // 0: the method chooses its first step itself
  // [htf_flow_carry_size], what htf_flow_carry said; NULL: nothing yet, all zero.
  const double *carry;
  htf_flow_counts counts; // those of this flow come on top
} htf_flow_start;

typedef struct htf_flow_options {
  htf_flow_method method;
  double rtol;            // bdf, adams, erk: in [1e-13, 0.1]
  htf_flow_krylov krylov; // bdf: gmres, or pcg where J is symmetric
  int krylov_dimension;   // bdf: the most Krylov vectors of one solve
  htf_flow_table table;   // erk
  double fixed_step;      // erk: the length of every step, rtol being idle; 0: by error
  double lr;              // descents: the learning rate
  double beta;            // momentum: in [0, 1)
  int64_t segment_steps;  // 0: the default of the method; bdf, adams: at least 50
  htf_flow_start start;
} htf_flow_options;

// Why no step could be made.
typedef enum htf_flow_failure {
  HTF_FLOW_NO_FAILURE,
  HTF_FLOW_STEP_SIZE,   // the error asks for a step shorter than the shortest
  HTF_FLOW_CONVERGENCE, // its equations could not be solved, however short the step
  HTF_FLOW_NOT_FINITE   // a value is not, there or wherever the method went from here
} htf_flow_failure;

typedef struct htf_flow htf_flow;

// At y [size] and options->start. Copies y and what start carries; borrows the system's
// context. Raises HTF_E_MEMORY, HTF_E_CONFIG for options out of range, HTF_E_NUMERIC for a
// y or a carry not finite.
htf_status htf_flow_create(const htf_flow_system *system, const htf_flow_options *options,
                           const double *y, htf_flow **flow);
void htf_flow_destroy(htf_flow **flow);

// One accepted step. Raises HTF_E_NUMERIC, with what the method ran into, where none can be
// made: the state is then the last good one, and another step would restart from it. A
// solution that blows up ends so: its steps shrink without bound (bdf, erk: below 1e-40,
// adams: 1e-24) or run against where the callbacks fail (more than 10 + segment_steps / 10
// times a segment). Descents and fixed steps try no smaller step. The longest step is 1e50,
// that of adams 1e24.
htf_status htf_flow_step(htf_flow *flow);

// Why the last step raised HTF_E_NUMERIC, if it did.
htf_flow_failure htf_flow_get_failure(const htf_flow *flow);

// After a step: state [size] (borrowed until the next step), time, arc length at its end,
// and the length of the step just made.
const double *htf_flow_state(const htf_flow *flow);
htf_flow_time htf_flow_now(const htf_flow *flow);
double htf_flow_arc(const htf_flow *flow);
double htf_flow_last_step(const htf_flow *flow);
// What the method carries from step to step besides state and last step, borrowed until the
// next step, and how many doubles that is: for bdf six times size and some, for momentum v
// [size], for grouprmsprop s and k, for adam m [size], v [size] and k, for adams and erk
// nothing.
const double *htf_flow_carry(const htf_flow *flow);
int64_t htf_flow_carry_size(htf_flow_method method, int64_t size);
// Whether the next step begins a segment.
bool htf_flow_at_boundary(const htf_flow *flow);
// What the flow has done so far.
htf_flow_counts htf_flow_get_counts(const htf_flow *flow);

// Inside the step just made: the state a fraction of the step after its beginning, in
// [0, 1]. Of the order of the method; of descents the chord. y [size]. Raises
// HTF_E_INTERNAL where there is no such step: before the first, after a failure; and
// whatever f raises, which erk calls once a step looked into.
htf_status htf_flow_interpolate(htf_flow *flow, double fraction, double *y,
                                htf_flow_time *time, double *arc);
// The fraction of the step at which the arc length, or the time, has the given value, which
// must lie within the step. Raises HTF_E_INTERNAL if it does not. y [size]: room for a
// state.
htf_status htf_flow_find_arc(htf_flow *flow, double arc, double *y, double *fraction);
htf_status htf_flow_find_time(htf_flow *flow, htf_flow_time time, double *fraction);

// A root of a scalar in a bracket, at whose ends it has opposite signs (at most one zero):
// the first x met where |scalar| <= tolerance, else the better end of what is left, 2e-15
// wide. Superlinear where the scalar is smooth. Raises HTF_E_INTERNAL if there is no change
// of sign, HTF_E_NUMERIC for a NAN, whatever the scalar raises. Source: Chandrupatla 1997.
typedef htf_status htf_flow_scalar(void *context, double x, double *value);
typedef struct htf_flow_bracket {
  double low, high, at_low, at_high;
} htf_flow_bracket;
htf_status htf_flow_find_root(htf_flow_bracket bracket, double tolerance,
                              htf_flow_scalar *scalar, void *context, double *root);

// Double-double sums, and which of two times is later (-1, 0, 1).
htf_flow_time htf_flow_time_add(htf_flow_time time, double seconds);
int htf_flow_time_compare(htf_flow_time a, htf_flow_time b);

// The integrators' library and its version.
const char *htf_flow_library(void);

HTF_END_DOOR
