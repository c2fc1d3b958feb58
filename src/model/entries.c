// SPDX-License-Identifier: BSD-3-Clause
// Blocks of an end tensor: the leading modes fixed, one of them cut short, the rest whole.
#include "htflow/entries.h"

#include <string.h>

#include "htflow/memory.h"

enum { BLOCK = 1 << 16 };

struct htf_entries {
  const htf_model *model; // borrowed
  const double *theta;    // borrowed
  double scale;
  int order, cut;         // mode `cut` is cut into pieces, those before it are fixed
  int64_t size;           // of a piece of mode `cut`
  int64_t inner;          // entries behind mode `cut`
  htf_model *small, *end; // the model of a block; of the last, shorter one of a row
  htf_expansion *small_x, *end_x; // end is NULL where all are alike
  double *part;                   // theta of the smaller model
  double *block;                  // [size * inner]
  int64_t held, held_size;        // first entry of the block at hand, and how many
};

// From the last mode on, as many whole modes as fit into a block, and a part of the next.
static void choose_cut(htf_entries *x) {
  const int64_t *shape = htf_model_shape(x->model);
  x->inner = 1;
  x->cut = x->order - 1;
  while (x->cut > 0 && x->inner * shape[x->cut] <= BLOCK) {
    x->inner *= shape[x->cut--];
  }
  int64_t fits = BLOCK / x->inner > 0 ? BLOCK / x->inner : 1;
  x->size = fits < shape[x->cut] ? fits : shape[x->cut];
}

static htf_status make_small(const htf_entries *x, int64_t size, htf_model **model,
                             htf_expansion **expansion) {
  htf_status status = HTF_OK;
  int64_t shape[HTF_TREE_MAX_ORDER];
  memcpy(shape, htf_model_shape(x->model), (size_t)x->order * sizeof *shape);
  for (int mode = 0; mode < x->cut; mode++) {
    shape[mode] = 1;
  }
  shape[x->cut] = size;
  HTF_TRY(htf_model_create(htf_model_get_kind(x->model), htf_model_tree(x->model), shape,
                           model));
  HTF_TRY(htf_expansion_create(*model, expansion));
done:
  return status;
}

htf_status htf_entries_create(const htf_model *model, const double *theta, double scale,
                              htf_entries **out) {
  htf_status status = HTF_OK;
  htf_entries *x = NULL;
  double all = htf_model_entries(model);
  HTF_CHECK(all <= 0x1p60, HTF_E_MEMORY, "a tensor of %.4g entries has %.4g bytes", all,
            8 * all);
  HTF_NEW(x, 1);
  x->model = model;
  x->theta = theta;
  x->scale = scale;
  x->order = htf_tree_order(htf_model_tree(model));
  choose_cut(x);
  HTF_TRY(make_small(x, x->size, &x->small, &x->small_x));
  int64_t rest = htf_model_shape(model)[x->cut] % x->size;
  if (rest > 0) {
    HTF_TRY(make_small(x, rest, &x->end, &x->end_x));
  }
  HTF_NEW(x->part, htf_model_parameters(x->small));
  HTF_NEW(x->block, x->size * x->inner);
  *out = x;
  x = NULL;
done:
  htf_entries_destroy(&x);
  return status;
}

void htf_entries_destroy(htf_entries **out) {
  htf_entries *x = *out;
  if (x != NULL) {
    htf_expansion_destroy(&x->small_x);
    htf_expansion_destroy(&x->end_x);
    htf_model_destroy(&x->small);
    htf_model_destroy(&x->end);
    HTF_FREE(x->part);
    HTF_FREE(x->block);
    HTF_FREE(*out);
  }
}

// The rows of theta that the smaller model sees, from row index[mode] of each leaf on.
static void cut_theta(const htf_entries *x, const htf_model *small, const int64_t *index) {
  const htf_tree *tree = htf_model_tree(small);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t cols = htf_model_cols(small, node), from = 0;
    if (htf_model_offset(small, node) < 0) {
      continue;
    }
    if (htf_tree_children(tree, node) == 0) {
      const int *modes;
      htf_tree_modes(tree, node, &modes);
      from = modes[0] <= x->cut ? index[modes[0]] : 0;
    }
    memcpy(x->part + htf_model_offset(small, node),
           x->theta + htf_model_offset(x->model, node) + from * cols,
           (size_t)(htf_model_rows(small, node) * cols) * sizeof *x->part);
  }
}

// Makes the block that entry `entry` is in the one at hand.
static void fetch(htf_entries *x, int64_t entry) {
  const int64_t *shape = htf_model_shape(x->model);
  int64_t index[HTF_TREE_MAX_ORDER], rest = entry / x->inner;
  int64_t at = rest % shape[x->cut], first = at - at % x->size;
  x->held = (rest - at + first) * x->inner;
  for (int mode = x->cut; mode >= 0; mode--) {
    index[mode] = rest % shape[mode];
    rest /= shape[mode];
  }
  index[x->cut] = first;
  bool whole = first + x->size <= shape[x->cut];
  x->held_size = (whole ? x->size : shape[x->cut] - first) * x->inner;
  cut_theta(x, whole ? x->small : x->end, index);
  htf_expansion_apply(whole ? x->small_x : x->end_x, x->part, x->block);
  for (int64_t i = 0; i < x->held_size; i++) {
    x->block[i] *= x->scale;
  }
}

htf_status htf_entries_read(void *context, int64_t first, int64_t count, double *out) {
  htf_entries *x = context;
  while (count > 0) {
    if (first < x->held || first >= x->held + x->held_size) {
      fetch(x, first);
    }
    int64_t some = x->held + x->held_size - first;
    some = some < count ? some : count;
    memcpy(out, x->block + (first - x->held), (size_t)some * sizeof *out);
    first += some;
    out += some;
    count -= some;
  }
  return HTF_OK;
}
