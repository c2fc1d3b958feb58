// SPDX-License-Identifier: BSD-3-Clause
// How many samples a run has: counts, fractions of all entries, or what a data file holds.
#include <math.h>
#include <string.h>

#include "plan_impl.h"

const htf_plan__file *htf_plan__find_file(const htf_plan *plan, const char *path) {
  for (int i = 0; i < plan->files; i++) {
    if (strcmp(plan->file[i].path, path) == 0) {
      return &plan->file[i];
    }
  }
  return NULL;
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

// In the plan's base NAN stands for counts that were not given, order 0 for a shape.
static htf_status count_file(const htf_plan__file *file, htf_spec *spec) {
  htf_status status = HTF_OK;
  double listed = (double)file->is.train;
  spec->problem.shape = file->is.shape;
  memcpy(spec->problem.file_digest, file->is.digest, HTF_DIGEST_TEXT);
  if (file->is.test > 0) {
    spec->problem.samples = listed;
    spec->problem.test = (double)file->is.test;
    return status;
  }
  spec->problem.test = resolve_count(spec->problem.test, listed, 0);
  spec->problem.samples =
      resolve_count(spec->problem.samples, listed, listed - spec->problem.test);
  HTF_TRY(check_counts(spec, listed, file->path));
done:
  return status;
}

static htf_status count_planted(htf_spec *spec) {
  htf_status status = HTF_OK;
  char shape[HTF_MAX_TEXT] = "";
  if (spec->problem.shape.order == 0) {
    const htf_field *field = htf_spec_field("problem.shape");
    HTF_TRY(htf_spec_set(spec, field, field->initial));
  }
  double entries = entries_of(&spec->problem.shape);
  double samples = 0, test = 0;
  htf_spec_read_number(htf_spec_field("problem.samples")->initial, &samples);
  htf_spec_read_number(htf_spec_field("problem.test")->initial, &test);
  spec->problem.samples = resolve_count(spec->problem.samples, entries, samples);
  spec->problem.test = resolve_count(spec->problem.test, entries, test);
  if (spec->problem.samples < 1 || spec->problem.samples + spec->problem.test > entries) {
    htf_spec_print(spec, htf_spec_field("problem.shape"), shape, sizeof shape);
  }
  HTF_TRY(check_counts(spec, entries, shape));
  if (spec->problem.target_norm == 0) {
    spec->problem.target_norm = sqrt(entries);
  }
done:
  return status;
}

htf_status htf_plan__resolve_counts(const htf_plan *plan, htf_spec *spec) {
  if (spec->problem.file[0] == '\0') {
    return count_planted(spec);
  }
  const htf_plan__file *file = htf_plan__find_file(plan, spec->problem.file);
  HTF_ASSERT(file != NULL);
  return count_file(file, spec);
}
