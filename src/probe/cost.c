// SPDX-License-Identifier: BSD-3-Clause
// What a row of observables costs, from shapes alone.
#include <math.h>

#include "probe_impl.h"

// Products that Lanczos is taken to need, each of three gradients' work.
enum { PRODUCTS = 40, GRADIENTS_A_PRODUCT = 3 };

// Matrix products of one evaluation at all entries, each node's table in turn.
static double expansion_flops(const htf_model *model) {
  const htf_tree *tree = htf_model_tree(model);
  double flops = 0;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    const int *modes;
    double tuples = 1;
    int count = htf_tree_modes(tree, node, &modes);
    for (int i = 0; i < count; i++) {
      tuples *= (double)htf_model_shape(model)[modes[i]];
    }
    flops += 2 * tuples * (double)htf_model_rows(model, node) *
             (htf_tree_children(tree, node) > 0 ? (double)htf_model_cols(model, node) : 0);
  }
  return flops;
}

// Singular values and vectors of every node's matricization, of the tensor formed: some 8
// times m^2 n.
static double overlap_flops(const htf_model *model) {
  const htf_tree *tree = htf_model_tree(model);
  double entries = htf_model_entries(model), flops = expansion_flops(model);
  for (int node = 0; node < htf_tree_root(tree); node++) {
    const int *modes;
    double rows = 1;
    int count = htf_tree_modes(tree, node, &modes);
    for (int i = 0; i < count; i++) {
      rows *= (double)htf_model_shape(model)[modes[i]];
    }
    flops += 8 * entries * fmin(rows, entries / rows);
  }
  return flops;
}

// Gram matrices up and down, and those of sensing's measurements.
static double parts_flops(const htf_model *model, const htf_probe_work *work) {
  const htf_tree *tree = htf_model_tree(model);
  double flops = 0, vectors = 0;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    double rows = (double)htf_model_rows(model, node),
           cols = (double)htf_model_cols(model, node);
    flops += 4 * rows * cols * (rows + cols);
  }
  for (int n = 0; n < htf_tree_order(tree); n++) {
    vectors += (double)htf_model_shape(model)[n];
  }
  return flops + (work->sensing ? work->train * work->train * vectors : 0);
}

static bool pays(const htf_probe_options *options, htf_observable_cost cost) {
  bool named = options->observables != 0; // as htf_probe_create takes it
  uint64_t set = options->observables |
                 htf_observable_set(named ? HTF_WHEN_ALWAYS : HTF_WHEN_STANDARD);
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (htf_observable_get_cost(i) == cost && set >> i & 1) {
      return true;
    }
  }
  return false;
}

// A third of a gradient is its forward sweep, whose work is about the samples'.
htf_status htf_probe_cost(const htf_model *model, const htf_probe_options *options,
                          const htf_probe_work *work, double flops[HTF_COSTS],
                          double *total) {
  htf_status status = HTF_OK;
  double weights = (double)htf_model_parameters(model), spectra = 0, cuts = 0;
  double value = work->train > 0 ? work->gradient / 3 / work->train : 0;
  if (options->singular_values > 0 && pays(options, HTF_COST_SPECTRA)) {
    HTF_TRY(htf_spectra_cost(model, &spectra));
  }
  for (int i = 0; i < options->partitions; i++) {
    double one;
    HTF_TRY(htf_spectra_choice_cost(model, options->partition[i], &one));
    cuts += one;
  }
  const double costs[HTF_COSTS] = {
      [HTF_COST_WEIGHTS] = 4 * weights,
      [HTF_COST_COMPONENTS] = 8 * weights,
      [HTF_COST_TEST] = value * work->test,
      [HTF_COST_TENSOR] = work->tensor ? expansion_flops(model) : 0,
      [HTF_COST_SPECTRA] = spectra,
      [HTF_COST_CUTS] = cuts,
      [HTF_COST_ENTRIES] = value * options->entries,
      [HTF_COST_PARTS] = parts_flops(model, work),
      [HTF_COST_OVERLAP] = work->tensor ? overlap_flops(model) : 0,
      [HTF_COST_HESSIAN] = PRODUCTS * (GRADIENTS_A_PRODUCT * work->gradient + 12 * weights),
  };
  *total = 0;
  for (int i = 0; i < HTF_COSTS; i++) {
    flops[i] = pays(options, (htf_observable_cost)i) ? costs[i] : 0;
    *total += flops[i];
  }
done:
  return status;
}
