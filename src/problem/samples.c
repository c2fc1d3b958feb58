// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/problem.h"

htf_status htf_problem_points(htf_samples samples, const htf_tree *tree,
                              const int64_t *shape, htf_points **points) {
  if (samples.all) {
    return htf_points_create_all(tree, shape, points);
  }
  if (samples.inputs != NULL) {
    return htf_points_create_vectors(tree, shape, samples.count, samples.inputs, points);
  }
  return htf_points_create(tree, shape, samples.count, samples.indices, points);
}
