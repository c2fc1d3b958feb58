// SPDX-License-Identifier: BSD-3-Clause
// What runs leave: samples, weights, bytes.
#include "run_test.h"

// Multiples of one unit, from zero, the last state at the end.
Test(record, samples_are_even_in_arc_length) {
  htf_spec spec = small_spec();
  set(&spec, "record.spacing", "arc");
  set(&spec, "record.points", "40");
  htf_record record = run_spec(&spec);
  const double *arc = column(&record, "arc_length");
  cr_assert(record.samples >= 20 && record.samples <= 40, "%d", (int)record.samples);
  cr_assert(eq(dbl, arc[0], 0));
  double unit = arc[1];
  for (int64_t k = 1; k < record.samples - 1; k++) {
    cr_assert(epsilon_eq(dbl, arc[k], (double)k * unit, 1e-6 * unit), "sample %d", (int)k);
  }
  cr_assert(arc[record.samples - 1] - arc[record.samples - 2] <= unit * (1 + 1e-6));
  htf_record_clear(&record);
}

Test(record, samples_are_even_in_log_time) {
  htf_spec spec = small_spec();
  set(&spec, "record.spacing", "log");
  set(&spec, "record.points", "60");
  htf_record record = run_spec(&spec);
  const double *time = column(&record, "time");
  cr_assert(record.samples >= 30 && record.samples <= 60);
  double late = time[record.samples - 2] / time[record.samples - 3];
  double early = time[record.samples - 3] / time[record.samples - 4];
  cr_assert(
      epsilon_eq(dbl, late / early, 1, 1e-3)); // 1 + t / t_1 is geometric, t nearly so
  cr_assert(late > 1.05);
  htf_record_clear(&record);
}

Test(record, samples_are_even_in_steps) {
  htf_spec spec = small_spec();
  set(&spec, "record.spacing", "step");
  set(&spec, "record.points", "16");
  htf_record record = run_spec(&spec);
  const double *step = column(&record, "step");
  double unit = step[1];
  cr_assert(unit == 1 || fmod(unit, 2) == 0);
  for (int64_t k = 0; k < record.samples - 1; k++) {
    cr_assert(eq(dbl, step[k], (double)k * unit));
  }
  cr_assert(eq(dbl, step[record.samples - 1], (double)record.steps - 1)); // ends within
  htf_record_clear(&record);
}

// Time and arc length, and where interpolated the loss, do not depend on how many are kept.
Test(record, fewer_points_are_some_of_more) {
  htf_spec spec = small_spec();
  set(&spec, "record.points", "32");
  htf_record few = run_spec(&spec);
  set(&spec, "record.points", "128");
  htf_record many = run_spec(&spec);
  const double *a = column(&few, "arc_length"), *b = column(&many, "arc_length");
  const double *l = column(&few, "train_loss"), *m = column(&many, "train_loss");
  for (int64_t i = 0; i < few.samples; i++) {
    int64_t j = 0;
    while (j < many.samples && b[j] != a[i]) {
      j++;
    }
    cr_assert(j < many.samples && l[i] == m[j], "sample %d", (int)i);
  }
  htf_record_clear(&few);
  htf_record_clear(&many);
}

Test(record, is_the_same_bytes_each_time) {
  htf_spec spec = small_spec();
  uint8_t *bytes[2];
  size_t count[2];
  for (int i = 0; i < 2; i++) {
    htf_record record = run_spec(&spec);
    memset(&record.timing, 0, sizeof record.timing);
    cr_assert(eq(int, htf_record_pack(&record, &bytes[i], &count[i]), HTF_OK));
    htf_record_clear(&record);
  }
  cr_assert(count[0] == count[1] && memcmp(bytes[0], bytes[1], count[0]) == 0);
  htf_memory_release(bytes[0]);
  htf_memory_release(bytes[1]);
}

Test(record, best_weights_are_those_of_the_lowest_held_out_loss) {
  htf_spec spec = small_spec();
  set(&spec, "problem.noise", "0.3"); // so that the held-out loss turns up again
  set(&spec, "stop.steps", "400");
  set(&spec, "record.weights", "best");
  htf_record best = run_spec(&spec);
  const double *test = column(&best, "test_loss");
  int64_t lowest = 0;
  for (int64_t k = 1; k < best.samples; k++) {
    lowest = test[k] < test[lowest] ? k : lowest;
  }
  cr_assert(lowest < best.samples - 1);
  set(&spec, "record.weights", "final");
  htf_record final = run_spec(&spec);
  cr_assert(eq(i64, best.weight_count, final.weight_count));
  cr_assert(
      memcmp(best.weights, final.weights, (size_t)best.weight_count * sizeof(double)) != 0);
  htf_record_clear(&best);
  htf_record_clear(&final);
}

Test(record, carries_the_identity_and_the_tree) {
  htf_spec spec = small_spec();
  htf_digest identity;
  htf_record record = run_spec(&spec);
  cr_assert(eq(int, htf_spec_identity(&spec, &identity), HTF_OK));
  cr_assert(memcmp(&identity, &record.identity, sizeof identity) == 0);
  cr_assert(eq(str, record.tree, "((0,2)6,1)6;"));
  htf_record_clear(&record);
}
