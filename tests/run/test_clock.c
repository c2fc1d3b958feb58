// SPDX-License-Identifier: BSD-3-Clause
// Where samples lie: by loss, by given times, by growth.
#include "run_test.h"

// The loss falls by the same factor from sample to sample.
Test(clock, samples_are_even_in_log_of_the_loss) {
  htf_spec spec = small_spec();
  set(&spec, "record.spacing", "loss");
  set(&spec, "record.points", "40");
  htf_record record = run_spec(&spec);
  const double *loss = column(&record, "train_loss");
  cr_assert(record.samples >= 20 && record.samples <= 40, "%d", (int)record.samples);
  double unit = log(loss[0] / loss[1]);
  for (int64_t k = 1; k < record.samples - 1; k++) {
    cr_assert(epsilon_eq(dbl, log(loss[0] / loss[k]), (double)k * unit, 1e-6), "sample %d",
              (int)k);
  }
  htf_record_clear(&record);
}

// A descent whose loss oscillates: sampled where it is lower than ever, step by step.
Test(clock, a_loss_that_rises_again_is_sampled_where_it_is_lowest) {
  htf_spec spec = small_spec();
  set(&spec, "flow.method", "momentum");
  set(&spec, "flow.beta", "0.99");
  set(&spec, "flow.lr", "0.05");
  set(&spec, "init.std", "0.5");
  set(&spec, "stop.steps", "2000");
  set(&spec, "record.spacing", "loss");
  htf_record record = run_spec(&spec);
  const double *loss = column(&record, "train_loss");
  cr_assert(lt(i64, 10, record.samples));
  for (int64_t k = 1; k < record.samples - 1; k++) {
    cr_assert(lt(dbl, loss[k], loss[k - 1]));
  }
  htf_record_clear(&record);
}

Test(clock, samples_lie_at_the_times_asked_for) {
  htf_spec spec = small_spec();
  set(&spec, "record.times", "[30, 0.125, 2, 30, 7.5, 1e30]"); // sorted, each once
  set(&spec, "stop.time", "50");
  set(&spec, "stop.loss", "0");
  htf_record record = run_spec(&spec);
  const double want[] = {0, 0.125, 2, 7.5, 30, 50}, *time = column(&record, "time");
  cr_assert(eq(i64, record.samples, 6));
  for (int k = 0; k < 6; k++) {
    cr_assert(epsilon_eq(dbl, time[k], want[k], 1e-12 * want[k]));
  }
  htf_record_clear(&record);
}

// The largest factor by which one of a node's two largest component norms grows from one
// sample to the next, above the largest norm of the node at the start.
static double fastest(const htf_record *record) {
  const htf_column *norm = htf_record_find(record, "local_component_norm");
  int64_t nodes = norm->dims[1], components = norm->dims[2];
  double most = 1;
  for (int64_t node = 0; node < nodes; node++) {
    double floor = norm->data[node * components];
    for (int64_t k = 1; k < record->samples; k++) {
      for (int64_t c = 0; c < 2; c++) {
        const double *now = norm->data + (k * nodes + node) * components + c;
        double before = fmax(floor, now[-nodes * components]);
        most = fmax(most, now[0] / before);
      }
    }
  }
  return most;
}

// Learning is a burst; from std 0.001 a norm rises by ten orders of magnitude, two or three
// times, and 200 samples are to tell of it. Arc length loses them as the start shrinks.
Test(clock, growth_resolves_every_rise_from_any_start) {
  const char *trees[] = {"((0,1)4,(2,3)4)4;", "(0,1,2,3)4;"};
  const char *stds[] = {"0.1", "0.03", "0.01", "0.003", "0.001"};
  for (int tree = 0; tree < 2; tree++) {
    for (int i = 0; i < 5; i++) {
      htf_spec spec = small_spec();
      set(&spec, "problem.shape", "[4, 4, 4, 4]");
      set(&spec, "problem.samples", "160");
      strcpy(spec.problem.target_tree.newick, "((0,1)2,(2,3)2)2;");
      strcpy(spec.model.tree.newick, trees[tree]);
      set(&spec, "init.std", stds[i]);
      set(&spec, "stop.loss", "1e-3");
      set(&spec, "stop.time", "1e60");
      set(&spec, "stop.steps", "20000");
      set(&spec, "record.spacing", "arc");
      htf_record arc = run_spec(&spec);
      set(&spec, "record.spacing", "growth");
      htf_record growth = run_spec(&spec);
      double by_arc = fastest(&arc), by_growth = fastest(&growth);
      // A unit of s is one e-fold at most, and near the level of the start a little more.
      cr_assert(lt(dbl, by_growth, 4), "%s, std %s: %g", trees[tree], stds[i], by_growth);
      cr_assert(i < 4 || by_arc > 1000, "%s, std %s: %g", trees[tree], stds[i], by_arc);
      cr_assert(le(i64, growth.samples, 200));
      htf_record_clear(&arc);
      htf_record_clear(&growth);
    }
  }
}
