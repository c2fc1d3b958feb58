// SPDX-License-Identifier: BSD-3-Clause
// Singular values of matricizations: the life of a spectra object, and which way each goes.
#include "htflow/spectra.h"

#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "spectra_impl.h"

// A chosen partition.
typedef struct chosen {
  uint64_t modes;
  htf_spectra__cut *cut; // NULL where the tensor is formed
  int64_t count;
  double *values; // [count]
} chosen;

struct htf_spectra {
  const htf_model *model;
  const htf_tree *tree;
  int root;
  htf_spectra__shape *shape;     // [nodes]
  htf_spectra__factors *factors; // one of the two
  htf_spectra__whole *whole;
  double **values; // [nodes]
  int chosen_count;
  chosen *chosen;
};

// ---- sets of modes --------------------------------------------------------------------

double htf_spectra__tuples(const htf_model *model, uint64_t modes) {
  double tuples = 1;
  for (int n = 0; n < htf_tree_order(htf_model_tree(model)); n++) {
    tuples *= modes >> n & 1 ? (double)htf_model_shape(model)[n] : 1;
  }
  return tuples;
}

uint64_t htf_spectra__modes(const htf_tree *tree, int node) {
  const int *modes;
  uint64_t set = 0;
  int count = htf_tree_modes(tree, node, &modes);
  for (int i = 0; i < count; i++) {
    set |= UINT64_C(1) << modes[i];
  }
  return set;
}

// ---- life -----------------------------------------------------------------------------

htf_status htf_spectra__create_as(const htf_model *model, bool whole, htf_spectra **out) {
  htf_status status = HTF_OK;
  htf_spectra *s = NULL;
  const htf_tree *tree = htf_model_tree(model);
  HTF_NEW(s, 1);
  s->model = model;
  s->tree = tree;
  s->root = htf_tree_root(tree);
  HTF_NEW(s->shape, s->root + 1);
  HTF_NEW(s->values, s->root + 1);
  htf_spectra__shapes(model, s->shape);
  for (int v = 0; v < s->root; v++) {
    HTF_NEW(s->values[v], htf_spectra_count(s, v));
  }
  if (whole) {
    HTF_TRY(htf_spectra__whole_create(model, &s->whole));
  } else {
    HTF_TRY(htf_spectra__factors_create(model, s->shape, &s->factors));
  }
  *out = s;
  s = NULL;
done:
  htf_spectra_destroy(&s);
  return status;
}

static htf_status shapes_of(const htf_model *model, htf_spectra__shape **shape) {
  htf_status status = HTF_OK;
  HTF_NEW(*shape, htf_tree_nodes(htf_model_tree(model)));
  htf_spectra__shapes(model, *shape);
done:
  return status;
}

htf_status htf_spectra_create(const htf_model *model, htf_spectra **spectra) {
  htf_status status = HTF_OK;
  htf_spectra__shape *shape = NULL;
  HTF_TRY(shapes_of(model, &shape));
  HTF_TRY(htf_spectra__create_as(model, htf_spectra__prefers_whole(model, shape), spectra));
done:
  HTF_FREE(shape);
  return status;
}

htf_status htf_spectra_cost(const htf_model *model, double *flops) {
  htf_status status = HTF_OK;
  htf_spectra__shape *shape = NULL;
  HTF_TRY(shapes_of(model, &shape));
  *flops = htf_spectra__prefers_whole(model, shape)
               ? htf_spectra__whole_flops(model)
               : htf_spectra__factored_flops(model, shape);
done:
  HTF_FREE(shape);
  return status;
}

void htf_spectra_destroy(htf_spectra **out) {
  htf_spectra *s = *out;
  if (s == NULL) {
    return;
  }
  for (int v = 0; s->values != NULL && v <= s->root; v++) {
    HTF_FREE(s->values[v]);
  }
  for (int i = 0; i < s->chosen_count; i++) {
    htf_spectra__cut_destroy(&s->chosen[i].cut);
    HTF_FREE(s->chosen[i].values);
  }
  htf_spectra__factors_destroy(&s->factors);
  htf_spectra__whole_destroy(&s->whole);
  HTF_FREE(s->chosen);
  HTF_FREE(s->values);
  HTF_FREE(s->shape);
  HTF_FREE(*out);
}

static htf_status check_modes(const htf_model *model, uint64_t modes) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(model);
  uint64_t all = htf_spectra__modes(tree, htf_tree_root(tree));
  HTF_CHECK(modes != 0 && modes != all && (modes & ~all) == 0, HTF_E_CONFIG,
            "a partition needs some of the %d modes on either side", htf_tree_order(tree));
done:
  return status;
}

htf_status htf_spectra_choice_cost(const htf_model *model, uint64_t modes, double *flops) {
  htf_status status = HTF_OK;
  htf_spectra__shape *shape = NULL;
  HTF_TRY(check_modes(model, modes));
  HTF_TRY(shapes_of(model, &shape));
  if (htf_spectra__prefers_whole(model, shape)) {
    double rows = htf_spectra__tuples(model, modes);
    *flops = htf_spectra__svd_flops(rows, htf_model_entries(model) / rows);
  } else {
    htf_spectra__need need = htf_spectra__cut_need(model, shape, modes);
    HTF_TRY(htf_spectra__cut_check(model, modes, need));
    *flops = need.flops;
  }
done:
  HTF_FREE(shape);
  return status;
}

htf_status htf_spectra_choose(htf_spectra *s, uint64_t modes) {
  htf_status status = HTF_OK;
  chosen new = {.modes = modes};
  uint64_t all = htf_spectra__modes(s->tree, s->root);
  HTF_TRY(check_modes(s->model, modes));
  if (s->whole != NULL) {
    new.count = (int64_t)fmin(htf_spectra__tuples(s->model, modes),
                              htf_spectra__tuples(s->model, all & ~modes));
  } else {
    HTF_TRY(htf_spectra__cut_create(s->factors, s->shape, modes, &new.cut));
    new.count = htf_spectra__cut_count(new.cut);
  }
  HTF_NEW(new.values, new.count);
  HTF_RESIZE(s->chosen, s->chosen_count + 1);
  s->chosen[s->chosen_count++] = new;
  new = (chosen){0};
done:
  htf_spectra__cut_destroy(&new.cut);
  HTF_FREE(new.values);
  return status;
}

// ---- values ---------------------------------------------------------------------------

static bool all_finite(htf_matrix a) {
  double sum = 0;
  for (int64_t i = 0; i < a.rows * a.cols; i++) {
    sum += a.data[i] * 0; // NAN if any is infinite or NAN
  }
  return sum == 0;
}

htf_status htf_spectra__decompose(htf_dense_work *work, htf_matrix m, int exponent,
                                  int64_t count, double *values) {
  htf_status status = HTF_OK;
  int64_t found = htf_spectra__smaller(m.rows, m.cols);
  bool finite = all_finite(m);
  HTF_ASSERT(found <= count);
  if (finite) {
    HTF_TRY(htf_dense_singular_values_in_place(work, m, values));
  }
  for (int64_t i = 0; i < count; i++) {
    values[i] = !finite ? NAN : i < found ? ldexp(values[i], exponent) : 0;
  }
done:
  return status;
}

// The node that has worked out the values of v's matricization: of a unary node its child,
// of the second of two children of the root the first. v itself if none has.
static int speaker(const htf_spectra *s, int v) {
  if (htf_tree_children(s->tree, v) == 1) {
    return htf_tree_child(s->tree, v, 0);
  }
  bool second =
      htf_tree_children(s->tree, s->root) == 2 && v == htf_tree_child(s->tree, s->root, 1);
  return second ? htf_tree_child(s->tree, s->root, 0) : v;
}

// A unary node that is narrower than its child has fewer values, the others being zero.
static void copy_values(htf_spectra *s, int from, int to) {
  int64_t have = htf_spectra_count(s, from), want = htf_spectra_count(s, to);
  for (int64_t i = 0; i < want; i++) {
    s->values[to][i] = i < have ? s->values[from][i] : 0;
  }
}

static htf_status compute_node(htf_spectra *s, int v) {
  htf_status status = HTF_OK;
  int64_t count = htf_spectra_count(s, v);
  if (speaker(s, v) != v) {
    copy_values(s, speaker(s, v), v);
  } else if (s->whole != NULL) {
    HTF_TRY(htf_spectra__whole_values(s->whole, htf_spectra__modes(s->tree, v), count,
                                      s->values[v]));
  } else {
    HTF_TRY(htf_spectra__factors_values(s->factors, v, count, s->values[v]));
  }
done:
  return status;
}

htf_status htf_spectra_compute(htf_spectra *s, const double *theta) {
  htf_status status = HTF_OK;
  if (s->whole != NULL) {
    htf_spectra__whole_compute(s->whole, theta);
  } else {
    htf_spectra__factors_compute(s->factors, theta);
  }
  for (int v = 0; v < s->root; v++) {
    HTF_TRY(compute_node(s, v));
  }
  for (int i = 0; i < s->chosen_count; i++) {
    chosen *c = &s->chosen[i];
    if (s->whole != NULL) {
      HTF_TRY(htf_spectra__whole_values(s->whole, c->modes, c->count, c->values));
    } else {
      HTF_TRY(htf_spectra__cut_values(c->cut, s->factors, theta, c->values));
    }
  }
done:
  return status;
}

// ---- queries --------------------------------------------------------------------------

const htf_tree *htf_spectra_tree(const htf_spectra *s) {
  return s->tree;
}

int64_t htf_spectra_count(const htf_spectra *s, int node) {
  HTF_ASSERT(0 <= node && node < s->root);
  return htf_spectra__smaller(s->shape[node].frame, s->shape[node].environment);
}

const double *htf_spectra_values(const htf_spectra *s, int node) {
  HTF_ASSERT(0 <= node && node < s->root);
  return s->values[node];
}

int64_t htf_spectra_chosen_count(const htf_spectra *s, int i) {
  HTF_ASSERT(0 <= i && i < s->chosen_count);
  return s->chosen[i].count;
}

const double *htf_spectra_chosen_values(const htf_spectra *s, int i) {
  HTF_ASSERT(0 <= i && i < s->chosen_count);
  return s->chosen[i].values;
}
