// SPDX-License-Identifier: BSD-3-Clause
// class_impl.h: the runs of one tree, which share the groups /trajectories/<class> and
// /weights/<class>. A first pass over the records enters them and finds how large
// everything is; a second one writes them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/model.h"
#include "htflow/record.h"
#include "htflow/results.h"
#include "layout_impl.h"

typedef struct htf_results__class {
  char name[16], newick[HTF_MAX_NEWICK];
  htf_tree *tree;
  int interior;        // interior nodes
  int64_t runs;        // with columns
  int64_t samples;     // most of a run
  int64_t *extent;     // [variables, HTF_VARIABLE_DIMS], the most; 0 if no run has it
  int64_t weighted;    // runs with weights
  htf_shape shape;     // largest mode sizes of those
  bool root_is_weight; // in one of those at least
} htf_results__class;

// What a run's record has, in bits.
typedef enum htf_results__holds {
  HTF_HOLDS_COLUMNS = 1,
  HTF_HOLDS_WEIGHTS = 2
} htf_results__holds;

typedef struct htf_results__classes {
  int count;
  htf_results__class *class; // [count]
  int32_t *of;               // [runs], -1 for a run in none
  uint8_t *holds;            // [runs], htf_results__holds
} htf_results__classes;

htf_status htf_results__classes_create(int64_t runs, htf_results__classes **classes);
void htf_results__classes_destroy(htf_results__classes **classes);

// Enters a run's record. Of a run with columns, *trajectory is its class's name, borrowed
// until the next entry, and *row its index there; "" and -1 of others. Raises
// HTF_E_INTERNAL for a column that does not fit its descriptor.
htf_status htf_results__enter_run(htf_results__classes *classes,
                                  const htf_results_source *source, int64_t run,
                                  const htf_record *record, const char **trajectory,
                                  int64_t *row);

// Writes the groups /trajectories and /weights with all classes.
htf_status htf_results__write_classes(const htf_results__classes *classes,
                                      const htf_results_source *source,
                                      htf_results__layout *layout);

// The model whose parameters a record's weights are. Raises HTF_E_DATA.
htf_status htf_results__weights_model(const htf_tree *tree, const htf_shape *shape,
                                      int64_t weights, htf_model **model);
// The dimension `run` of a class's group: `length` runs, those of the class that hold
// `what`.
htf_status htf_results__run_scale(const htf_results__classes *classes, int index,
                                  htf_results__holds what, int64_t runs, int64_t length,
                                  htf_results__group *group);
// The next run from `run` on that is of the class and holds `what`; `runs` if there is
// none.
int64_t htf_results__next_run(const htf_results__classes *classes, int index,
                              htf_results__holds what, int64_t runs, int64_t run);
// Makes a class's group below `parent` ("/weights"), with its attributes.
htf_status htf_results__class_group(const htf_results__class *class, const char *parent,
                                    htf_results__layout *layout,
                                    htf_results__group **group);
// Writes /weights/<class>.
htf_status htf_results__write_weights(const htf_results__classes *classes, int index,
                                      const htf_results_source *source,
                                      htf_results__layout *layout);
