// SPDX-License-Identifier: BSD-3-Clause
// The numbers of an axis: evenly spaced, or drawn.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/random.h"
#include "plan_impl.h"

enum { MOST_VALUES = 1000000 };

// ---- spaced ----------------------------------------------------------------------------

// To 15 digits of itself, so that a decade is a round number.
static double round_digits(long double value) {
  char text[HTF_NUMBER_TEXT];
  snprintf(text, sizeof text, "%.15Lg", value);
  return strtod(text, NULL);
}

// To 15 digits of the largest, so that -0.1 + 0.1 is 0 and 0.1 + 0.2 is 0.3.
static double round_places(long double value, double largest) {
  char text[512];
  int places = largest == 0 ? 0 : 14 - (int)floor(log10(largest));
  snprintf(text, sizeof text, "%.*Lf", places < 0 ? 0 : places, value);
  return strtod(text, NULL) + 0.0; // and no negative zero
}

static double number_at(htf_plan__form form, const double *argument, int64_t i, int64_t n) {
  long double a = argument[0], b = argument[1], step = argument[2];
  double largest = fmax(fabs(argument[0]), fabs(argument[1]));
  long double part = n == 1 ? 0 : (long double)i / (long double)(n - 1);
  switch (form) {
  case HTF_PLAN__LOG:
    return round_digits(a * powl(b / a, part));
  case HTF_PLAN__LINEAR:
    return round_places(a + part * (b - a), largest);
  default:
    return round_places(a + (long double)i * step, largest);
  }
}

static void space(htf_plan__axis *axis) {
  for (int64_t i = 0; i < axis->count; i++) {
    axis->number[i] = number_at(axis->form, axis->argument, i, axis->count);
  }
  axis->number[0] = axis->argument[0];
  if (axis->form != HTF_PLAN__RANGE) {
    axis->number[axis->count - 1] = axis->argument[1];
  }
}

// ---- drawn -----------------------------------------------------------------------------

// Whole numbers are drawn for what must be whole: integers, and counts that are no
// fractions.
static bool is_whole(const htf_plan__axis *axis) {
  return axis->field->type == HTF_FIELD_INTEGER ||
         (axis->field->type == HTF_FIELD_COUNT && axis->argument[0] >= 1 &&
          axis->argument[1] >= 1);
}

// A number of [a, b], or of {a, .., b}, where u is uniform in [0, 1).
static double spread(const htf_plan__axis *axis, double u) {
  double a = axis->argument[0], b = axis->argument[1];
  bool logarithmic = axis->form == HTF_PLAN__LOGUNIFORM, whole = is_whole(axis);
  if (whole && !logarithmic) {
    return fmin(floor(a + (b - a + 1) * u), b);
  }
  double value = logarithmic ? round_digits(a * powl((long double)b / a, u))
                             : round_digits(a + ((long double)b - a) * u);
  value = whole ? round(value) : value;
  return fmin(fmax(value, a), b) + 0.0;
}

// The stream is the key's own: neither other axes nor the number of draws change a draw.
static htf_status draw(htf_plan__axis *axis, int64_t seed) {
  htf_status status = HTF_OK;
  htf_digest digest;
  uint64_t index;
  HTF_TRY(htf_digest_of(axis->key, strlen(axis->key), &digest));
  memcpy(&index, digest.bytes, sizeof index);
  htf_random stream = htf_random_open((uint64_t)seed, HTF_RANDOM_AXIS, index);
  for (int64_t i = 0; i < axis->count; i++) {
    axis->number[i] = spread(axis, htf_random_uniform(&stream));
  }
done:
  return status;
}

// ---- any -------------------------------------------------------------------------------

bool htf_plan__is_drawn(htf_plan__form form) {
  return form == HTF_PLAN__UNIFORM || form == HTF_PLAN__LOGUNIFORM;
}

// How many numbers; 0 if the arguments make no sense.
static int64_t count_numbers(htf_plan__form form, const double *argument) {
  double a = argument[0], b = argument[1], n = argument[2];
  if (form == HTF_PLAN__RANGE) {
    // The end counts if it is hit to rounding.
    n = n == 0 ? 0 : floor((b - a) / n + 1e-9) + 1;
  } else if (n != floor(n) || (n == 1 && a != b && !htf_plan__is_drawn(form))) {
    n = 0;
  }
  bool positive = a > 0 && b > 0, ordered = a <= b;
  if (((form == HTF_PLAN__LOG || form == HTF_PLAN__LOGUNIFORM) && !positive) ||
      (htf_plan__is_drawn(form) && !ordered)) {
    n = 0;
  }
  return n >= 1 && n <= MOST_VALUES ? (int64_t)n : 0;
}

htf_status htf_plan__generate(htf_plan__axis *axis, const htf_plan__reader *reader) {
  static const char *const wanted[] = {
      [HTF_PLAN__LINEAR] = "linear wants [a, b, n] with n from 2 to 1000000",
      [HTF_PLAN__LOG] = "log wants [a, b, n] with a > 0, b > 0 and n from 2 to 1000000",
      [HTF_PLAN__RANGE] =
          "range wants [a, b, step] with at least one and at most 1000000 numbers",
      [HTF_PLAN__UNIFORM] = "uniform wants [a, b, n] with a <= b and n from 1 to 1000000",
      [HTF_PLAN__LOGUNIFORM] =
          "loguniform wants [a, b, n] with 0 < a <= b and n from 1 to 1000000"};
  htf_status status = HTF_OK;
  int64_t n = count_numbers(axis->form, axis->argument);
  HTF_CHECK(n > 0, HTF_E_CONFIG, "%s", wanted[axis->form]);
  HTF_CHECK(n <= reader->most, HTF_E_CONFIG, "%lld numbers are more than %lld points",
            (long long)n, (long long)reader->most);
  HTF_NEW(axis->number, n);
  axis->count = n;
  if (htf_plan__is_drawn(axis->form)) {
    HTF_TRY(draw(axis, reader->seed));
  } else {
    space(axis);
  }
done:
  return status;
}
