// SPDX-License-Identifier: BSD-3-Clause
// The theory's laws in one run's samples (theory.md section 3): the exponent of the growth
// of local components, the residual of the exact law, and in which order components were
// learnt.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_law_impl.h"
#include "htflow/memory.h"

// Points are balanced enough for the power law where the unbalancedness is below this share
// of sigma^(2/K); a fit wants so many points over so much of a range of log sigma.
static const double BALANCED = 0.1, RANGE = 2.302585092994046;
enum { POINTS = 5 };
// A component is learnt when its norm passes this share of its last; it counts if that is
// at least the other share of the largest at its node.
static const double LEARNT = 0.5, COUNTS = 0.1;
// How far a fit may be off: the power law is off by about BALANCED^2 where it is used.
static const double EXPONENT = 0.1, FACTOR = 0.1;

static int64_t place(const htf_check__samples *s, int64_t sample, int node, int64_t r) {
  return (sample * s->nodes + node) * s->components + r;
}

// ---- the exponent ---------------------------------------------------------------------

// Least squares of y = log(rate / drive) against x = log sigma, and the mean distance from
// the law's line, log K + (2 - 2/K) x.
typedef struct sums {
  int64_t count;
  double x, y, xx, xy, least, most, off;
} sums;

static void add_point(sums *t, double x, double y, double line) {
  t->least = t->count == 0 ? x : fmin(t->least, x);
  t->most = t->count == 0 ? x : fmax(t->most, x);
  t->count++;
  t->x += x;
  t->y += y;
  t->xx += x * x;
  t->xy += x * y;
  t->off += y - line;
}

static void add_sample(const htf_check__samples *s, int64_t sample, int node, int vectors,
                       sums *t) {
  double exponent = 2 - 2. / vectors;
  for (int64_t r = 0; r < s->components; r++) {
    int64_t at = place(s, sample, node, r);
    double sigma = s->norm[at], ratio = s->rate[at] / s->drive[at];
    if (sigma > 0 && ratio > 0 && isfinite(ratio) &&
        s->unbalancedness[sample] <= BALANCED * pow(sigma, 2. / vectors)) {
      double x = log(sigma);
      add_point(t, x, log(ratio), log(vectors) + exponent * x);
    }
  }
}

// Of one node; NAN where it is not defined.
static htf_check_fit fit_node(const htf_check__samples *s, int node, int vectors) {
  htf_check_fit fit = {
      .node = node, .exponent = NAN, .expected = 2 - 2. / vectors, .factor = NAN};
  sums t = {.count = 0};
  for (int64_t i = 0; i < s->count; i++) {
    add_sample(s, i, node, vectors, &t);
  }
  double n = (double)t.count;
  fit.points = t.count;
  if (t.count >= POINTS && t.most - t.least >= RANGE) {
    fit.exponent = (n * t.xy - t.x * t.y) / (n * t.xx - t.x * t.x);
    fit.factor = exp(t.off / n);
  }
  return fit;
}

static bool can_fit(const htf_check__samples *s) {
  return s->norm != NULL && s->rate != NULL && s->drive != NULL &&
         s->unbalancedness != NULL;
}

// ---- the order ------------------------------------------------------------------------

static int earlier(const void *left, const void *right) {
  const htf_check_learnt *a = left, *b = right;
  int order = (a->sample > b->sample) - (a->sample < b->sample);
  order = order != 0 ? order : (a->norm < b->norm) - (a->norm > b->norm);
  order = order != 0 ? order : (a->node > b->node) - (a->node < b->node);
  return order != 0 ? order : (a->component > b->component) - (a->component < b->component);
}

// The first sample from which the component's norm has passed its share of the last.
static int64_t when_learnt(const htf_check__samples *s, int node, int64_t r, double last) {
  int64_t i = 0;
  while (s->norm[place(s, i, node, r)] < LEARNT * last) {
    i++;
  }
  return i;
}

static void list_learnt(const htf_check__samples *s, htf_check_learnt *learnt, int *count) {
  int64_t end = s->count - 1;
  *count = 0;
  for (int node = 0; node < s->nodes; node++) {
    double largest = s->norm[place(s, end, node, 0)];
    for (int64_t r = 0; r < s->components; r++) {
      double last = s->norm[place(s, end, node, r)];
      if (last > 0 && last >= COUNTS * largest && isfinite(last)) {
        int64_t i = when_learnt(s, node, r, last);
        learnt[(*count)++] = (htf_check_learnt){
            .node = node,
            .component = (int)r,
            .sample = i,
            .norm = last,
            .time = s->time != NULL ? s->time[i] : NAN,
            .arc_length = s->arc_length != NULL ? s->arc_length[i] : NAN};
      }
    }
  }
  qsort(learnt, (size_t)*count, sizeof *learnt, earlier);
}

// ---- the residual ---------------------------------------------------------------------

// The largest | d sigma/dt | of a sample, 0 where none is known.
static double fastest(const htf_check__samples *s, int64_t sample) {
  double largest = 0;
  for (int64_t k = 0; k < s->nodes * s->components; k++) {
    largest = fmax(largest, fabs(s->rate[sample * s->nodes * s->components + k]));
  }
  return largest;
}

// How large a sample is of what the law is relative to: its rates, or else its gradient.
static double scale_of(const htf_check__samples *s, int64_t sample) {
  return s->rate != NULL            ? fastest(s, sample)
         : s->gradient_norm != NULL ? s->gradient_norm[sample]
                                    : 0;
}

// On a plateau the terms of a rate cancel, and what is left of it may be rounding: the law
// holds to some eps of the largest rates of the run (measured: 10 eps), not of the sample.
// The gradient's norm tells of these less well, where they are not recorded.
static void check_residual(const htf_check__samples *s, htf_check_law *law,
                           htf_check__tally *broken) {
  double largest = 0, rounding = s->rate != NULL ? 1e-13 : 1e-9;
  law->residual = NAN;
  for (int64_t i = 0; s->residual != NULL && i < s->count; i++) {
    largest = fmax(largest, scale_of(s, i));
  }
  for (int64_t i = 0; s->residual != NULL && i < s->count; i++) {
    double r = s->residual[i], scale = scale_of(s, i);
    double room = scale > 0 ? 1e-8 + rounding * largest / scale : 1e-6;
    law->residual = isnan(law->residual) || r > law->residual ? r : law->residual;
    if (r > room) {
      htf_check__note(
          broken,
          "law_residual of run %lld is %.3g at sample %lld, where the law is an "
          "identity",
          (long long)s->run, r, (long long)i);
    }
  }
}

static void check_fit(const htf_check__samples *s, const htf_check_fit *fit,
                      htf_check__tally *broken) {
  if (!isnan(fit->exponent) &&
      (fabs(fit->exponent - fit->expected) > EXPONENT || fabs(log(fit->factor)) > FACTOR)) {
    htf_check__note(broken,
                    "the rates of run %lld at interior node %d grow as %.3g times K "
                    "sigma^%.4g, expected 1 and %.4g",
                    (long long)s->run, fit->node, fit->factor, fit->exponent,
                    fit->expected);
  }
}

// ---- a run ----------------------------------------------------------------------------

htf_status htf_check__laws(const htf_check__samples *s, htf_check__law_rules *rules,
                           htf_check_law *law) {
  htf_status status = HTF_OK;
  *law = (htf_check_law){.run = s->run, .drift = s->drift, .exponent_off = NAN};
  HTF_NEW(law->fit, s->nodes);
  HTF_NEW(law->learnt, (int64_t)s->nodes * s->components);
  check_residual(s, law, &rules->residual);
  for (int node = 0; can_fit(s) && node < s->nodes; node++) {
    htf_check_fit fit = fit_node(s, node, s->vectors[node]);
    double off = fabs(fit.exponent - fit.expected);
    check_fit(s, &fit, &rules->exponent);
    law->fit[law->fits++] = fit;
    if (!isnan(off) && !(off <= law->exponent_off)) {
      law->exponent_off = off;
    }
  }
  if (s->norm != NULL && s->count > 0) {
    list_learnt(s, law->learnt, &law->learnt_count);
  }
done:
  return status;
}

void htf_check__drop_law(htf_check_law *law) {
  HTF_FREE(law->fit);
  HTF_FREE(law->learnt);
}
