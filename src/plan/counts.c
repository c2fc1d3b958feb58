// SPDX-License-Identifier: BSD-3-Clause
// How many samples a run has: counts, fractions of all entries, or what a data file holds.
#include <math.h>
#include <string.h>

#include "plan_impl.h"

int htf_plan__task(const htf_plan *plan, const htf_spec *spec) {
  const htf_plan__file *file = htf_plan__find_file(plan, spec->problem.file);
  int otherwise = file != NULL ? file->is.task : HTF_TASK_COMPLETION;
  return spec->problem.task == HTF_PLAN__OPEN ? otherwise : spec->problem.task;
}

const htf_plan__file *htf_plan__lists(const htf_plan *plan, const htf_spec *spec) {
  const htf_plan__file *file = htf_plan__find_file(plan, spec->problem.file);
  bool lists = file != NULL && file->is.train > 0 && file->is.task != HTF_TASK_FULL &&
               file->is.task == htf_plan__task(plan, spec);
  return lists ? file : NULL;
}

void htf_plan__resolve_shape(const htf_plan *plan, htf_spec *spec) {
  if (spec->problem.file[0] != '\0') {
    const htf_plan__file *file = htf_plan__find_file(plan, spec->problem.file);
    HTF_ASSERT(file != NULL);
    spec->problem.shape = file->is.shape;
  } else if (spec->problem.shape.order == 0) {
    spec->problem.shape = plan->shape_unless;
  }
}

static double entries_of(const htf_shape *shape) {
  double entries = 1;
  for (int i = 0; i < shape->order; i++) {
    entries *= (double)shape->size[i];
  }
  return entries;
}

// A fraction of all, rounded down but for rounding errors; a count as it is; all where
// nothing was asked for.
static double resolve_count(double asked, double all, double otherwise) {
  double share = floor(asked * all * (1 + 1e-12));
  return isnan(asked) ? otherwise : asked < 1 ? share : asked;
}

// `all` entries of `whole`, a shape or a file.
static htf_status check_counts(const htf_spec *spec, double all, const char *whole) {
  htf_status status = HTF_OK;
  double samples = spec->problem.samples, test = spec->problem.test;
  HTF_CHECK(all <= 0x1p62, HTF_E_CONFIG, "a tensor of %g entries cannot be sampled", all);
  HTF_CHECK(samples >= 1, HTF_E_CONFIG, "no training samples: %s has %.15g, %.15g held out",
            whole, all, test);
  HTF_CHECK(samples + test <= all, HTF_E_CONFIG,
            "%.15g training and %.15g held-out samples, but %s has %.15g", samples, test,
            whole, all);
done:
  return status;
}

// `listed` samples of a file, split.
static htf_status count_split(const htf_plan__file *file, double listed, htf_spec *spec) {
  htf_status status = HTF_OK;
  spec->problem.test = resolve_count(spec->problem.test, listed, 0);
  spec->problem.samples =
      resolve_count(spec->problem.samples, listed, listed - spec->problem.test);
  HTF_TRY(check_counts(spec, listed, file->path));
done:
  return status;
}

static htf_status count_listed(const htf_plan__file *file, htf_spec *spec) {
  if (file->is.test == 0) {
    return count_split(file, (double)file->is.train, spec);
  }
  spec->problem.samples = (double)file->is.train;
  spec->problem.test = (double)file->is.test;
  return HTF_OK;
}

// Entries of a planted tensor.
static htf_status count_entries(const htf_plan *plan, htf_spec *spec) {
  htf_status status = HTF_OK;
  char shape[HTF_MAX_TEXT] = "";
  double entries = entries_of(&spec->problem.shape);
  spec->problem.samples =
      resolve_count(spec->problem.samples, entries, plan->samples_unless);
  spec->problem.test = resolve_count(spec->problem.test, entries, plan->test_unless);
  if (spec->problem.samples + spec->problem.test > entries || spec->problem.samples < 1) {
    htf_spec_print(spec, htf_spec_field("problem.shape"), shape, sizeof shape);
  }
  HTF_TRY(check_counts(spec, entries, shape));
done:
  return status;
}

// Measurements are drawn anew, any number of them. (rules.c speaks of fractions.)
static htf_status count_measurements(const htf_plan *plan, htf_spec *spec) {
  htf_status status = HTF_OK;
  if (isnan(spec->problem.samples)) {
    spec->problem.samples = plan->samples_unless;
  }
  if (isnan(spec->problem.test)) {
    spec->problem.test = plan->test_unless;
  }
  HTF_CHECK(spec->problem.samples > 0, HTF_E_CONFIG, "no training samples");
done:
  return status;
}

static htf_status count_all(htf_spec *spec) {
  htf_status status = HTF_OK;
  double entries = entries_of(&spec->problem.shape);
  HTF_CHECK(entries <= 0x1p62, HTF_E_CONFIG,
            "a tensor of %g entries cannot be gone through", entries);
  spec->problem.samples = entries;
  spec->problem.test = 0;
done:
  return status;
}

// In the plan's base NAN stands for counts that were not given, order 0 for a shape.
htf_status htf_plan__resolve_counts(const htf_plan *plan, htf_spec *spec) {
  htf_status status = HTF_OK;
  const htf_plan__file *file = htf_plan__find_file(plan, spec->problem.file);
  htf_plan__resolve_shape(plan, spec);
  spec->problem.task = htf_plan__task(plan, spec);
  if (file != NULL) {
    memcpy(spec->problem.file_digest, file->is.digest, HTF_DIGEST_TEXT);
  } else if (spec->problem.target_norm == 0) {
    spec->problem.target_norm = sqrt(entries_of(&spec->problem.shape));
  }
  if (htf_plan__lists(plan, spec) != NULL) {
    HTF_TRY(count_listed(file, spec));
  } else if (spec->problem.task == HTF_TASK_FULL) {
    HTF_TRY(count_all(spec));
  } else if (spec->problem.task == HTF_TASK_SENSING) {
    HTF_TRY(count_measurements(plan, spec));
  } else if (file != NULL) {
    HTF_TRY(count_split(file, entries_of(&spec->problem.shape), spec));
  } else {
    HTF_TRY(count_entries(plan, spec));
  }
done:
  return status;
}
