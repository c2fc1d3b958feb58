// SPDX-License-Identifier: BSD-3-Clause
// problem.h: what is to be learnt: samples of a tensor, held-out samples, and the tensor
// itself where it is known (room: problem; theory.md section 2).
//
// A problem is planted (a target factorization of given Frobenius norm is drawn, and
// entries of it are observed) or made from samples that a file held. It knows no
// parameters. It does not change once made and owns all its arrays.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/model.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_problem htf_problem;

// Entries of a tensor: indices [count, order] from 0, values [count].
typedef struct htf_samples {
  int64_t count;
  const int64_t *indices;
  const double *values;
} htf_samples;

// A planted completion problem.
typedef struct htf_plant {
  int order;
  const int64_t *shape; // [order]
  htf_model_kind kind;  // of the target
  const htf_tree *tree; // of the target, with widths
  double norm;          // Frobenius norm of the target; 0: sqrt(number of entries)
  int64_t train, test;  // how many entries
  double noise;         // standard deviation of what is added to training values
  uint64_t seed, draw;  // streams: (seed, purpose, draw)
} htf_plant;

// Draws target, mask and noise from three independent streams. The mask is a prefix of one
// permutation of all entries, held-out entries first: the held-out ones do not change with
// the number of training samples, and fewer training samples are a part of more. Raises
// HTF_E_CONFIG if there are more samples than entries, HTF_E_MEMORY.
htf_status htf_problem_plant(const htf_plant *plant, htf_problem **problem);

// From samples, which are copied. Raises HTF_E_DATA, naming the first offending place
// ("train", "test"), for an index out of range, a value that is not finite, no training
// samples, a duplicate within the training samples.
htf_status htf_problem_create(int order, const int64_t *shape, htf_samples train,
                              htf_samples test, htf_problem **problem);

// Samples of one list, of which some are held out and some trained on.
typedef struct htf_split {
  int order;
  const int64_t *shape; // [order]
  htf_samples all;
  int64_t train, test; // how many; together at most all.count
  uint64_t seed, draw; // the mask's stream: (seed, purpose, draw)
} htf_split;

// From one list of samples: held out is a prefix of one permutation of it, trained on what
// follows, as in htf_problem_plant. Raises what htf_problem_create raises, of the list.
htf_status htf_problem_split(const htf_split *split, htf_problem **problem);
void htf_problem_destroy(htf_problem **problem);

int htf_problem_order(const htf_problem *problem);
const int64_t *htf_problem_shape(const htf_problem *problem); // [order], borrowed
htf_samples htf_problem_train(const htf_problem *problem);    // borrowed
htf_samples htf_problem_test(const htf_problem *problem);     // borrowed
// All entries of the target, row-major, if it is known and has at most HTF_PROBLEM_DENSE of
// them; else NULL. Borrowed.
enum { HTF_PROBLEM_DENSE = 1 << 20 };
const double *htf_problem_tensor(const htf_problem *problem);

HTF_END_DOOR
