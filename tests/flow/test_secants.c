// SPDX-License-Identifier: BSD-3-Clause
// A preconditioner that products improve: secant conditions, and which of two serves.
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "secants_impl.h"

enum { SIZE = 12 };
static const double GAMMA = 0.7;
// Pairs are in single precision.
static const double ROUNDING = 1e-6;

// M = diag(1 .. SIZE); J = minus a Hilbert matrix and some, so that A = I - gamma J is
// positive definite.
typedef struct scene {
  htf_flow_secants secants;
  htf_flow_system system;
  double more; // of the Hilbert matrix
  double unit; // of J
  int64_t applied;
} scene;

static htf_status divide(void *context, const double *r, double *z) {
  scene *s = context;
  s->applied++;
  for (int i = 0; i < SIZE; i++) {
    z[i] = r[i] / (i + 1);
  }
  return HTF_OK;
}

static const htf_flow_preconditioner DIAGONAL = {.apply = divide};

static void begin(scene *s) {
  *s = (scene){.more = 3,
               .unit = 1,
               .system = {.size = SIZE, .context = s, .preconditioner = &DIAGONAL}};
  cr_assert(eq(int, htf_flow__secants_create(&s->system, &s->secants), HTF_OK));
}

static void end(scene *s) {
  htf_flow__secants_destroy(&s->secants);
}

// ap = A p.
static void multiply(const scene *s, double gamma, const double *p, double *ap) {
  for (int i = 0; i < SIZE; i++) {
    ap[i] = p[i] + gamma * s->unit * i * p[i];
    for (int j = 0; j < SIZE; j++) {
      ap[i] += gamma * s->unit * s->more * p[j] / (i + j + 1);
    }
  }
}

// The k-th of some vectors.
static void vector(int k, double *p) {
  for (int i = 0; i < SIZE; i++) {
    p[i] = sin(1 + 3 * k + i * (k + 0.7));
  }
}

static double dot(const double *x, const double *y) {
  double sum = 0;
  for (int i = 0; i < SIZE; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

static double apart(const double *x, const double *y) {
  double sum = 0;
  for (int i = 0; i < SIZE; i++) {
    sum += (x[i] - y[i]) * (x[i] - y[i]);
  }
  return sqrt(sum / dot(x, x));
}

static void apply(scene *s, double gamma, const double *r, double *z) {
  cr_assert(eq(int, htf_flow__secants_apply(&s->secants, gamma, r, z), HTF_OK));
}

// The first product of a system whose first p is what serves makes of a right-hand side.
static void see(scene *s, int k, double gamma) {
  double r[SIZE], p[SIZE], ap[SIZE];
  vector(k, r);
  apply(s, gamma, r, p);
  multiply(s, gamma, p, ap);
  cr_assert(eq(int, htf_flow__secants_see(&s->secants, gamma, p, ap), HTF_OK));
}

// What the one that serves misses of p.
static double missed(scene *s, int k, double gamma) {
  double r[SIZE], p[SIZE], ap[SIZE], z[SIZE];
  vector(k, r);
  apply(s, gamma, r, p);
  multiply(s, gamma, p, ap);
  apply(s, gamma, ap, z);
  return apart(p, z);
}

static void solve(scene *s, int k, double gamma) {
  double miss = missed(s, k, gamma);
  see(s, k, gamma);
  htf_flow__secants_keep(&s->secants, miss);
}

// |H A p - p| / |p|
static double secant(scene *s, const double *p, double gamma) {
  double ap[SIZE], z[SIZE];
  multiply(s, gamma, p, ap);
  apply(s, gamma, ap, z);
  return apart(p, z);
}

Test(secants, h_is_right_along_the_last_pair_for_any_gamma) {
  scene s;
  double p[SIZE], ap[SIZE];
  begin(&s);
  for (int k = 0; k < 2 * HTF_FLOW_SECANTS; k++) {
    vector(k, p);
    multiply(&s, GAMMA, p, ap);
    cr_assert(eq(int, htf_flow__secants_see(&s.secants, GAMMA, p, ap), HTF_OK));
    htf_flow__secants_keep(&s.secants, 0);
    s.secants.serves = true;
    cr_expect(lt(dbl, secant(&s, p, GAMMA), ROUNDING));
    cr_expect(lt(dbl, secant(&s, p, 100 * GAMMA), 100 * ROUNDING));
    s.secants.serves = false;
    cr_expect(lt(dbl, 0.1, secant(&s, p, GAMMA)), "M alone is not");
  }
  cr_expect(eq(int, s.secants.count, HTF_FLOW_SECANTS));
  end(&s);
}

Test(secants, h_is_right_along_all_pairs_that_are_conjugate) {
  scene s;
  double p[HTF_FLOW_SECANTS][SIZE], ap[SIZE];
  begin(&s);
  for (int k = 0; k < HTF_FLOW_SECANTS; k++) {
    vector(k, p[k]);
    for (int l = 0; l < k; l++) { // A-orthogonal to those before
      multiply(&s, GAMMA, p[l], ap);
      double share = dot(p[k], ap) / dot(p[l], ap);
      for (int i = 0; i < SIZE; i++) {
        p[k][i] -= share * p[l][i];
      }
    }
    multiply(&s, GAMMA, p[k], ap);
    cr_assert(eq(int, htf_flow__secants_see(&s.secants, GAMMA, p[k], ap), HTF_OK));
    htf_flow__secants_keep(&s.secants, 0);
  }
  s.secants.serves = true;
  for (int k = 0; k < HTF_FLOW_SECANTS; k++) {
    cr_expect(lt(dbl, secant(&s, p[k], GAMMA), 100 * ROUNDING));
  }
  end(&s);
}

// H by columns, with pairs that are of no A at all.
Test(secants, h_is_symmetric_and_positive_whatever_the_pairs_are) {
  scene s;
  double p[SIZE], ap[SIZE], h[SIZE][SIZE];
  begin(&s);
  for (int k = 0; k < HTF_FLOW_SECANTS; k++) {
    vector(k, p);
    vector(k + 9, ap);
    for (int i = 0; i < SIZE; i++) {
      ap[i] += (k % 2 == 0 ? 1 : -1) * p[i]; // two of four bend the other way
    }
    cr_assert(eq(int, htf_flow__secants_see(&s.secants, GAMMA, p, ap), HTF_OK));
    htf_flow__secants_keep(&s.secants, 0);
  }
  s.secants.serves = true;
  for (int j = 0; j < SIZE; j++) {
    double unit[SIZE] = {0};
    unit[j] = 1;
    apply(&s, GAMMA, unit, h[j]);
  }
  for (int k = 0; k < 40; k++) {
    double hp[SIZE];
    vector(k, p);
    apply(&s, GAMMA, p, hp);
    cr_expect(lt(dbl, 0, dot(p, hp)));
  }
  for (int i = 0; i < SIZE; i++) {
    for (int j = 0; j < i; j++) {
      cr_expect(lt(dbl, fabs(h[i][j] - h[j][i]), 1e-12 * sqrt(h[i][i] * h[j][j])));
    }
  }
  end(&s);
}

// On plateaus, where gamma is 1e32.
Test(secants, h_is_right_whatever_the_units_of_time_and_length) {
  scene s;
  double p[SIZE], ap[SIZE];
  begin(&s);
  s.unit = 1e-50;
  for (int k = 0; k < HTF_FLOW_SECANTS; k++) {
    vector(k, p);
    for (int i = 0; i < SIZE; i++) {
      p[i] *= 1e-60;
    }
    multiply(&s, 1e50, p, ap);
    cr_assert(eq(int, htf_flow__secants_see(&s.secants, 1e50, p, ap), HTF_OK));
    htf_flow__secants_keep(&s.secants, 0);
    s.secants.serves = true;
    cr_expect(lt(dbl, secant(&s, p, 1e50), ROUNDING));
    s.secants.serves = false;
  }
  end(&s);
}

// Along the first A bends the other way, along the second hardly; the others are beyond all
// numbers.
Test(secants, a_pair_that_tells_nothing_does_nothing) {
  const double lengths[] = {-1, 1e-9, 1e300, 2};
  for (int k = 0; k < 4; k++) {
    scene s;
    double p[SIZE], ap[SIZE], r[SIZE], z[SIZE], m[SIZE];
    begin(&s);
    vector(0, p);
    for (int i = 0; i < SIZE; i++) {
      ap[i] = lengths[k] * p[i] + (k == 1 ? p[(i + 1) % SIZE] : 0);
    }
    if (k == 1) { // p . A p = 1e-9 p . p
      double share = dot(p, ap) / dot(p, p) - lengths[k];
      for (int i = 0; i < SIZE; i++) {
        ap[i] -= share * p[i];
      }
    }
    for (int i = 0; k == 3 && i < SIZE; i++) {
      p[i] *= 1e-200;
      ap[i] *= 1e-200;
    }
    cr_assert(eq(int, htf_flow__secants_see(&s.secants, GAMMA, p, ap), HTF_OK));
    htf_flow__secants_keep(&s.secants, 0);
    s.secants.serves = true;
    vector(3, r);
    apply(&s, GAMMA, r, z);
    divide(&s, r, m);
    cr_expect(eq(dbl, apart(m, z), 0), "pair %d", k);
    end(&s);
  }
}

Test(secants, what_missed_less_of_late_serves) {
  scene s;
  begin(&s);
  double alone = missed(&s, 1, 1);
  for (int k = 0; k < 6; k++) {
    solve(&s, k % 3, 1); // three directions, nearly
  }
  cr_expect(s.secants.serves);
  cr_expect(lt(dbl, missed(&s, 1, 1), alone / 2));
  s.more = 1e-3; // of a sudden M is nearly right, and the pairs are not
  cr_expect(lt(dbl, 0.1, missed(&s, 1, 1)));
  solve(&s, 1, 1);
  cr_expect(not(s.secants.serves));
  cr_expect(lt(dbl, missed(&s, 1, 1), 1e-2));
  end(&s);
}

Test(secants, a_pair_counts_once_the_system_is_solved) {
  scene s;
  double r[SIZE], z[SIZE], again[SIZE];
  begin(&s);
  solve(&s, 0, GAMMA);
  s.secants.serves = true;
  vector(3, r);
  apply(&s, GAMMA, r, z);
  see(&s, 1, GAMMA);
  apply(&s, GAMMA, r, again);
  cr_expect(eq(dbl, apart(z, again), 0));
  htf_flow__secants_keep(&s.secants, 0);
  apply(&s, GAMMA, r, again);
  cr_expect(lt(dbl, 1e-3, apart(z, again)));
  end(&s);
}

Test(secants, nothing_is_left_once_forgotten) {
  scene s;
  double r[SIZE], z[SIZE], m[SIZE];
  begin(&s);
  for (int k = 0; k < 6; k++) {
    solve(&s, k, GAMMA);
  }
  htf_flow__secants_forget(&s.secants);
  vector(3, r);
  apply(&s, GAMMA, r, z);
  divide(&s, r, m);
  cr_expect(eq(dbl, apart(m, z), 0));
  end(&s);
}
