// SPDX-License-Identifier: BSD-3-Clause
#include "secants_impl.h"

#include <math.h>
#include <string.h>

#include "htflow/memory.h"

enum { PLACES = HTF_FLOW_SECANTS + 1 };
// What one system weighs in the mean, and below what H serves.
static const double NEWS = 0.3, WORTH = -0.1, MOST_GAIN = 5;
// Of |s| |A s|: a pair that bends less tells nothing.
static const double LEAST_CURVATURE = 1e-4;

typedef htf_flow_secants secants;

// ---- life -----------------------------------------------------------------------------

htf_status htf_flow__secants_create(const htf_flow_system *system, secants *k) {
  htf_status status = HTF_OK;
  k->system = system;
  HTF_NEW(k->q, system->size);
  for (int i = 0; i < PLACES; i++) {
    HTF_NEW(k->s[i], system->size);
    HTF_NEW(k->u[i], system->size);
  }
done:
  return status;
}

void htf_flow__secants_destroy(secants *k) {
  HTF_FREE(k->q);
  for (int i = 0; i < PLACES; i++) {
    HTF_FREE(k->s[i]);
    HTF_FREE(k->u[i]);
  }
}

void htf_flow__secants_forget(secants *k) {
  k->count = k->next = 0;
  k->other = k->gain = 0;
  k->serves = false;
}

// ---- H --------------------------------------------------------------------------------

// Where the pair is that was kept `back` pairs before the last.
static int place(const secants *k, int back) {
  return (k->next + PLACES - 1 - back) % PLACES;
}

// s . A s of pair i; 0, and then the pair does nothing, where A hardly bends along s, bends
// the other way, or is out of the range of numbers.
static double curvature(const secants *k, int i, double gamma) {
  double b = gamma * k->js[i], along = 1 - b * k->su[i];
  return along > LEAST_CURVATURE * (1 + b) ? along : 0;
}

// q [size] before M^-1, the last pair first.
static void before(secants *k, double gamma, double *q) {
  int64_t n = k->system->size;
  for (int back = 0; back < k->count; back++) {
    int i = place(k, back);
    const float *s = k->s[i], *u = k->u[i];
    double bend = curvature(k, i, gamma), b = gamma * k->js[i], along = 0;
    if (bend > 0) {
      for (int64_t j = 0; j < n; j++) {
        along += s[j] * q[j];
      }
      k->share[i] = along / bend;
      for (int64_t j = 0; j < n; j++) {
        q[j] -= k->share[i] * (s[j] - b * u[j]);
      }
    }
  }
}

// z [size] after it, the last pair last.
static void after(const secants *k, double gamma, double *z) {
  int64_t n = k->system->size;
  for (int back = k->count - 1; back >= 0; back--) {
    int i = place(k, back);
    const float *s = k->s[i], *u = k->u[i];
    double bend = curvature(k, i, gamma), b = gamma * k->js[i], along = 0;
    if (bend > 0) {
      for (int64_t j = 0; j < n; j++) {
        along += (s[j] - b * u[j]) * z[j];
      }
      double share = k->share[i] - along / bend;
      for (int64_t j = 0; j < n; j++) {
        z[j] += share * s[j];
      }
    }
  }
}

static htf_status apply_m(const secants *k, const double *r, double *z) {
  return k->system->preconditioner->apply(k->system->context, r, z);
}

// z may be r.
static htf_status apply_h(secants *k, double gamma, const double *r, double *z) {
  htf_status status = HTF_OK;
  memcpy(k->q, r, (size_t)k->system->size * sizeof *k->q);
  before(k, gamma, k->q);
  HTF_TRY(apply_m(k, k->q, z));
  after(k, gamma, z);
done:
  return status;
}

htf_status htf_flow__secants_apply(secants *k, double gamma, const double *r, double *z) {
  return k->serves ? apply_h(k, gamma, r, z) : apply_m(k, r, z);
}

// ---- pairs ----------------------------------------------------------------------------

// gamma J p = p - A p.
static void note(secants *k, double gamma, const double *p, const double *ap) {
  int64_t n = k->system->size;
  float *s = k->s[k->next], *u = k->u[k->next];
  double pp = 0, dd = 0, su = 0;
  for (int64_t j = 0; j < n; j++) {
    pp += p[j] * p[j];
    dd += (p[j] - ap[j]) * (p[j] - ap[j]);
  }
  double length = sqrt(pp), reach = sqrt(dd);
  for (int64_t j = 0; j < n; j++) {
    s[j] = (float)(p[j] / length);
    u[j] = reach > 0 ? (float)((p[j] - ap[j]) / reach) : 0;
    su += (double)s[j] * u[j];
  }
  k->js[k->next] = reach / length / gamma;
  k->su[k->next] = su;
}

static htf_status compare(secants *k, double gamma, const double *p, double *ap) {
  htf_status status = HTF_OK;
  const double *made = k->serves ? k->q : ap;
  double left = 0, all = 0;
  k->other = 0;
  if (k->count > 0) {
    HTF_TRY(k->serves ? apply_m(k, ap, k->q) : apply_h(k, gamma, ap, ap));
    for (int64_t j = 0; j < k->system->size; j++) {
      left += (p[j] - made[j]) * (p[j] - made[j]);
      all += p[j] * p[j];
    }
    k->other = sqrt(left / all);
  }
done:
  return status;
}

htf_status htf_flow__secants_see(secants *k, double gamma, const double *p, double *ap) {
  note(k, gamma, p, ap);
  return compare(k, gamma, p, ap);
}

void htf_flow__secants_keep(secants *k, double miss) {
  if (k->other > 0 && miss > 0) {
    double gain = log(k->serves ? miss / k->other : k->other / miss);
    gain = fmin(MOST_GAIN, fmax(-MOST_GAIN, gain));
    k->gain += NEWS * (gain - k->gain);
    k->serves = k->gain < WORTH;
  }
  k->other = 0;
  k->next = (k->next + 1) % PLACES;
  k->count += k->count < HTF_FLOW_SECANTS;
}
