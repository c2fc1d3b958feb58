// SPDX-License-Identifier: BSD-3-Clause
// secants_impl.h: a preconditioner M of A = I - gamma J, improved by what the last products
// told of A.
//
// Each pair (s, A s) kept is a secant condition, H A s = s, by which M^-1 is updated to H:
// BFGS with limited memory (Nocedal, Math. Comp. 35, 1980), as Morales and Nocedal (SIAM J.
// Optim. 10, 2000) use it for a sequence of systems. It takes no product, as conjugate
// gradients have made them: J s is kept, of which A s is made for the gammas that follow. H
// is symmetric and positive definite if M is, whatever the pairs are worth, so that single
// precision does for them. They stay when M is prepared anew: without them, forgotten then,
// problem 4 of tests/bench/evaluations.py takes 1,406 for 1,368 at rtol 1e-6.
//
// H knows of the part of J that M leaves out, and of what J has become since M was
// prepared. Where J changes too fast, pairs tell what is wrong by now. So at each system
// what both miss of one vector is measured, |p - H A p| and |p - M^-1 A p|, and the one
// that missed less of late serves.
#pragma once

#include "flow_impl.h"

enum { HTF_FLOW_SECANTS = 4 };

typedef struct htf_flow_secants {
  const htf_flow_system *system;
  int count, next;                    // the pairs kept; where the next one goes
  float *s[HTF_FLOW_SECANTS + 1];     // [size], of length 1
  float *u[HTF_FLOW_SECANTS + 1];     // [size], J s / |J s|
  double js[HTF_FLOW_SECANTS + 1];    // |J s|
  double su[HTF_FLOW_SECANTS + 1];    // s . u
  double share[HTF_FLOW_SECANTS + 1]; // of s, from before M^-1 to after it
  double *q;                          // [size]
  bool serves;                        // H, in place of M^-1
  double other;                       // what the one that does not serve missed; 0: unknown
  double gain; // running mean of log(what H misses / what M^-1 misses)
} htf_flow_secants;

// For a system that has a preconditioner, and outlives it.
htf_status htf_flow__secants_create(const htf_flow_system *system,
                                    htf_flow_secants *secants);
void htf_flow__secants_destroy(htf_flow_secants *secants);
// All pairs: M^-1 serves.
void htf_flow__secants_forget(htf_flow_secants *secants);
// z = M^-1 r or H r, whichever serves; r and z [size], not the same.
htf_status htf_flow__secants_apply(htf_flow_secants *secants, double gamma, const double *r,
                                   double *z);
// The first product of a system, A p in ap, both [size], ap spoilt: what the one that does
// not serve misses of p, and the next pair. H stays what it is until the system is solved.
htf_status htf_flow__secants_see(htf_flow_secants *secants, double gamma, const double *p,
                                 double *ap);
// The system is done with: the pair seen counts, and what missed less serves, the one that
// did having missed `miss` (0: unknown).
void htf_flow__secants_keep(htf_flow_secants *secants, double miss);
