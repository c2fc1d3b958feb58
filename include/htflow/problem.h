// SPDX-License-Identifier: BSD-3-Clause
// problem.h: what is to be learnt: measurements of a tensor, held-out ones, and the tensor
// itself where it is known (room: problem; theory.md section 2).
//
// A problem is planted (a target is drawn, or is given whole, and is measured) or made from
// measurements that a file held. It knows no parameters. It does not change once made, but
// that it may forget, and owns all its arrays; what it is made from is copied.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/model.h"
#include "htflow/points.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_problem htf_problem;

// Measurements of a tensor W [D_1, .., D_N] and their values [count]. What is measured is
// told by what is there, one of the three:
//   indices  [count, order] from 0: entries of W
//   inputs   [count, order, D], D the largest of the sizes: <W, x^(1) o ... o x^(N)>, where
//            x^(n) is the first D_n numbers of mode n's row; the rest of it is zero
//   all      every entry of W once, in row-major order
typedef struct htf_samples {
  int64_t count;
  const int64_t *indices;
  const double *values;
  const double *inputs;
  bool all;
} htf_samples;

// Gives back the indices of all samples, when their points have been made.
void htf_problem_forget_indices(htf_problem *problem);

// The points at which the values of a model of this tree are to be taken for these
// measurements (points.h). Raises what creating them raises.
htf_status htf_problem_points(htf_samples samples, const htf_tree *tree,
                              const int64_t *shape, htf_points **points);

// ---- planted --------------------------------------------------------------------------

typedef enum htf_problem_task {
  HTF_PROBLEM_COMPLETION, // distinct entries, drawn
  HTF_PROBLEM_SENSING,    // rank-one measurements, with Gaussian vectors
  HTF_PROBLEM_FULL,       // every entry is trained on, none held out
} htf_problem_task;

// Most entries of a full problem, each of which is kept.
enum { HTF_PROBLEM_FULL_MOST = 1 << 26 };

typedef struct htf_plant {
  htf_problem_task task;
  int order;
  const int64_t *shape; // [order]
  // The target: one whose weights are all drawn from N(0, 1), of a kind and a tree with
  // widths that need not be any model's; or, unless NULL, all entries of one, row-major.
  htf_model_kind kind;
  const htf_tree *tree;
  const double *tensor;
  // Frobenius norm that the target is scaled to. 0: sqrt(number of entries) if it is drawn,
  // as it is if it is given.
  double norm;
  int64_t train, test; // how many measurements; idle in a full problem
  double noise;        // standard deviation of what is added to training values
  double input_std;    // of the numbers in the vectors of sensing; 0: 1/sqrt(D_n)
  uint64_t seed, draw; // streams: (seed, purpose, draw)
} htf_plant;

// Draws target, measurements and noise from three independent streams. Measurements are a
// prefix of one sequence, held-out ones first: in completion of one permutation of all
// entries. So the held-out ones do not change with the number of training samples, and
// fewer training samples are a part of more. Raises HTF_E_CONFIG for more samples than
// entries, or than 2^31 - 1 vectors, no training samples, a full problem of more than
// HTF_PROBLEM_FULL_MOST entries; HTF_E_DATA for a tensor that is not finite or, where a
// norm is asked for, zero; HTF_E_MEMORY.
htf_status htf_problem_plant(const htf_plant *plant, htf_problem **problem);

// The target that htf_problem_plant draws for this plant: its model and weights [parameters
// of the model], both the caller's, and the factor that scales its entries. A plant that is
// given a tensor has none. Raises as planting does.
htf_status htf_problem_draw_target(const htf_plant *plant, htf_model **model,
                                   double **theta, double *scale);

// ---- given ----------------------------------------------------------------------------

// From samples, by indices or inputs, and from the target's entries, row-major, if these
// are known, else NULL. Raises HTF_E_DATA, naming the first offending place ("train",
// "test", "tensor"), for an index out of range, a number that is not finite, inputs beyond
// a mode's size that are not zero, no training samples, a duplicate entry within the
// training samples.
htf_status htf_problem_create(int order, const int64_t *shape, htf_samples train,
                              htf_samples test, const double *tensor,
                              htf_problem **problem);

// Samples of one list, of which some are held out and some trained on.
typedef struct htf_split {
  int order;
  const int64_t *shape; // [order]
  htf_samples all;
  const double *tensor; // the target's entries, or NULL
  int64_t train, test;  // how many; together at most all.count
  uint64_t seed, draw;  // the mask's stream: (seed, purpose, draw)
} htf_split;

// From one list of samples: held out is a prefix of one permutation of it, trained on what
// follows, as in htf_problem_plant. Raises what htf_problem_create raises, of the list.
htf_status htf_problem_split(const htf_split *split, htf_problem **problem);
void htf_problem_destroy(htf_problem **problem);

// ---- queries --------------------------------------------------------------------------

int htf_problem_order(const htf_problem *problem);            // N
const int64_t *htf_problem_shape(const htf_problem *problem); // [order], borrowed
htf_samples htf_problem_train(const htf_problem *problem);    // borrowed
htf_samples htf_problem_test(const htf_problem *problem);     // borrowed
// All entries of the target without noise, row-major, if it is known and has at most
// HTF_PROBLEM_DENSE of them, or all of them are trained on; else NULL. Where it is not NULL
// a reconstruction error is one over all entries. Borrowed.
enum { HTF_PROBLEM_DENSE = 1 << 20 };
const double *htf_problem_tensor(const htf_problem *problem);

HTF_END_DOOR
