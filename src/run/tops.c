// SPDX-License-Identifier: BSD-3-Clause
#include "tops_impl.h"

#include <math.h>
#include <stdlib.h>

#include "htflow/memory.h"

struct htf_tops {
  const htf_model *model;
  int interior, count;
  double *norms2; // [vectors]
  double *logs;   // [widest]
  double *top;    // [interior, count]
};

htf_status htf_tops__create(const htf_spec *spec, const htf_model *model, htf_tops **out) {
  htf_status status = HTF_OK;
  htf_tops *t = NULL;
  const htf_tree *tree = htf_model_tree(model);
  int64_t widest = 0;
  HTF_NEW(t, 1);
  t->model = model;
  t->interior = htf_tree_nodes(tree) - htf_tree_order(tree);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t rows = htf_tree_children(tree, node) > 0 ? htf_model_rows(model, node) : 0;
    widest = rows > widest ? rows : widest;
  }
  t->count = (int)(widest < spec->record.components ? widest : spec->record.components);
  HTF_NEW(t->norms2, htf_model_vector_count(model));
  HTF_NEW(t->logs, widest);
  HTF_NEW(t->top, htf_tops__size(t));
  *out = t;
  t = NULL;
done:
  htf_tops__destroy(&t);
  return status;
}

void htf_tops__destroy(htf_tops **out) {
  htf_tops *t = *out;
  if (t != NULL) {
    HTF_FREE(t->norms2);
    HTF_FREE(t->logs);
    HTF_FREE(t->top);
    HTF_FREE(*out);
  }
}

int64_t htf_tops__size(const htf_tops *t) {
  return (int64_t)t->interior * t->count;
}

int htf_tops__count(const htf_tops *t) {
  return t->count;
}

static int descending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

// log sigma is half the sum of the logs of its vectors' squared norms.
static void sort_node(htf_tops *t, int64_t width, int vectors, const double *norms2,
                      double *top) {
  for (int64_t r = 0; r < width; r++, norms2 += vectors) {
    t->logs[r] = 0;
    for (int i = 0; i < vectors; i++) {
      t->logs[r] += 0.5 * log(norms2[i]);
    }
  }
  qsort(t->logs, (size_t)width, sizeof *t->logs, descending);
  for (int k = 0; k < t->count; k++) {
    top[k] = k < width ? t->logs[k] : -INFINITY;
  }
}

const double *htf_tops__measure(htf_tops *t, const double *theta) {
  const htf_tree *tree = htf_model_tree(t->model);
  const double *norms2 = t->norms2;
  double *top = t->top;
  htf_model_vector_norms2(t->model, theta, t->norms2);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) > 0) {
      int64_t width = htf_model_rows(t->model, node);
      int vectors = htf_model_component_vectors(t->model, node);
      sort_node(t, width, vectors, norms2, top);
      norms2 += width * vectors;
      top += t->count;
    }
  }
  return t->top;
}
