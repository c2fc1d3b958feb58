// SPDX-License-Identifier: BSD-3-Clause
// The classes of a results file: their names of nodes, that /runs finds them, and
// /weights/<class> through the reader of weights.
#include <stdio.h>
#include <string.h>

#include "check_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "htflow/record.h"
#include "weights_impl.h"

bool htf_check__failed(const htf_check__runs *runs, int64_t run) {
  return runs->state != NULL && runs->state[run] == HTF_RUN_FAILED;
}

// ---- names of nodes ---------------------------------------------------------------------

static htf_status compare_names(const htf_tree *tree, const char *what,
                                const htf_check__texts *names, bool interior, bool root) {
  htf_status status = HTF_OK;
  char name[HTF_TREE_TEXT];
  int64_t used = 0;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if ((interior && htf_tree_children(tree, node) == 0) ||
        (!root && node == htf_tree_root(tree))) {
      continue;
    }
    HTF_TRY(htf_tree_node_name(tree, node, name, sizeof name));
    HTF_CHECK(used < names->count, HTF_E_DATA, "%s ends before node %s", what, name);
    HTF_CHECK(strcmp(htf_check__text(names, used), name) == 0, HTF_E_DATA,
              "%s names %s where the tree has %s", what, htf_check__text(names, used),
              name);
    used++;
  }
  HTF_CHECK(used == names->count, HTF_E_DATA, "%s has %lld names, the tree %lld nodes",
            what, (long long)names->count, (long long)used);
done:
  return status;
}

// The attributes `tree` and `nodes` of a class, and its scales of nodes.
htf_status htf_check__class_names(const htf_reader__file *group) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  htf_check__texts names = {0};
  char newick[HTF_MAX_NEWICK];
  HTF_TRY(htf_reader__text(group->at, "its", "tree", newick, sizeof newick));
  HTF_TRY(htf_weights__tree("its attribute tree", newick, &tree));
  HTF_TRY(htf_check__attribute_texts(group->at, "nodes", &names));
  HTF_TRY(compare_names(tree, "its attribute nodes", &names, false, true));
  htf_check__drop_texts(&names);
  if (htf_reader__exists(group->at, "node")) {
    HTF_TRY(htf_check__read_texts(group, "node", &names));
    HTF_TRY(compare_names(tree, "node", &names, true, true));
    htf_check__drop_texts(&names);
  }
  if (htf_reader__exists(group->at, "partition")) {
    HTF_TRY(htf_check__read_texts(group, "partition", &names));
    HTF_TRY(compare_names(tree, "partition", &names, false, false));
  }
done:
  htf_check__drop_texts(&names);
  htf_tree_destroy(&tree);
  return status;
}

// ---- all classes ------------------------------------------------------------------------

typedef struct walk {
  const htf_check__state *state;
  const htf_check__runs *runs;
  hid_t parent;
} walk;

static htf_status check_trajectories(void *context, const char *name) {
  const walk *w = context;
  return htf_check__trajectory(w->state, w->runs, w->parent, name);
}

// Datasets of a group, held open. While one is, HDF5 keeps the chunk it read last, and rows
// that are read one by one, each by an opening of its own, unpack a chunk once.
typedef struct held {
  hid_t group, *dataset;
  int count, room;
} held;

static htf_status hold_one(void *context, const char *name) {
  held *h = context;
  if (h->count < h->room) {
    h->dataset[h->count++] =
        H5Oopen(h->group, name, H5P_DEFAULT); // -1 is said by who reads
  }
  return HTF_OK;
}

static htf_status hold(hid_t group, held *h) {
  htf_status status = HTF_OK;
  H5G_info_t info = {.nlinks = 0};
  *h = (held){.group = group};
  HDF5_TRY(HTF_E_DATA, H5Gget_info(group, &info));
  h->room = (int)info.nlinks;
  HTF_NEW(h->dataset, h->room);
  HTF_TRY(htf_check__links(group, hold_one, h));
done:
  return status;
}

static void let_go(held *h) {
  for (int i = 0; i < h->count; i++) {
    htf_file__drop(&h->dataset[i]);
  }
  HTF_FREE(h->dataset);
}

// What a failed run kept may not be numbers; that is odd, no more.
static htf_status check_kept(const walk *w, const htf_reader__file *group,
                             const char *path) {
  htf_status status = HTF_OK;
  htf_check__tally bad = {0}, odd = {0};
  int64_t *run = NULL, rows = 0;
  held datasets = {.count = 0};
  HTF_TRY(htf_check__absorb(w->state, path, htf_check__class_names(group)));
  HTF_TRY(hold(group->at, &datasets));
  HTF_TRY(
      htf_check__read_column(group, "run", HTF_READER_INTEGERS, -1, &rows, (void **)&run));
  for (int64_t row = 0; row < rows; row++) {
    htf_file_weights weights = {.theta = NULL};
    bool known = 0 <= run[row] && run[row] < w->runs->count;
    if (!known) {
      htf_check__note(&bad, "run[%lld] is %lld, of %lld runs", (long long)row,
                      (long long)run[row], (long long)w->runs->count);
    }
    status = htf_weights__class_row(group, row, &weights);
    htf_file_weights_clear(&weights);
    if (status == HTF_E_DATA) {
      bool fails = known && htf_check__failed(w->runs, run[row]);
      htf_check__note(fails ? &odd : &bad, "%s", htf_error_message());
      htf_error_clear();
    }
    HTF_TRY(status == HTF_E_DATA ? HTF_OK : status);
  }
done:
  htf_check__tell(w->state, HTF_CHECK_ERROR, path, &bad);
  htf_check__tell(w->state, HTF_CHECK_WARNING, path, &odd);
  let_go(&datasets);
  HTF_FREE(run);
  return status;
}

static htf_status check_weights(void *context, const char *name) {
  htf_status status = HTF_OK;
  const walk *w = context;
  htf_reader__file group = {.at = -1, .bytes = w->state->file.bytes};
  char path[80];
  snprintf(path, sizeof path, "/weights/%s", name);
  group.at = H5Gopen2(w->parent, name, H5P_DEFAULT);
  if (group.at < 0) {
    htf_check__say(w->state, HTF_CHECK_ERROR, path, "not a group");
    return HTF_OK;
  }
  HTF_TRY(htf_check__absorb(w->state, path, check_kept(w, &group, path)));
done:
  htf_file__drop(&group.at);
  return status;
}

// How many rows a class has, -1 if it cannot be found.
static int64_t count_rows(const htf_check__state *state, const char *name) {
  char path[256];
  hid_t dataset = -1;
  hsize_t rows = 0;
  snprintf(path, sizeof path, "trajectories/%s", name);
  htf_reader__file group = {.at = -1, .bytes = state->file.bytes};
  if (htf_reader__exists(state->file.at, path)) {
    group.at = H5Gopen2(state->file.at, path, H5P_DEFAULT);
  }
  bool found = group.at >= 0 && htf_reader__dataset(&group, "run", 1, &dataset, &rows) == 0;
  htf_file__drop(&dataset);
  htf_file__drop(&group.at);
  return found ? (int64_t)rows : -1;
}

// That each run's trajectory exists; that it points back is the class's to say.
static void check_references(const htf_check__state *state, const htf_check__runs *runs) {
  htf_check__tally lost = {0};
  const char *last = "";
  int64_t rows = -1;
  for (int64_t i = 0; runs->trajectory.text != NULL && i < runs->count; i++) {
    const char *name = htf_check__text(&runs->trajectory, i);
    int64_t row = runs->row != NULL ? runs->row[i] : -1;
    if (name[0] != '\0' && strcmp(name, last) != 0) {
      rows = count_rows(state, name);
      last = name;
    }
    if (name[0] != '\0' && row >= rows) {
      htf_check__note(&lost,
                      "run %lld should be in row %lld of \"%s\", which has %lld rows",
                      (long long)i, (long long)row, name, (long long)(rows < 0 ? 0 : rows));
    }
  }
  htf_check__tell(state, HTF_CHECK_ERROR, "/runs/trajectory", &lost);
}

static htf_status check_groups(const htf_check__state *state, const htf_check__runs *runs,
                               const char *name,
                               htf_status (*each)(void *context, const char *name)) {
  htf_status status = HTF_OK;
  walk w = {state, runs, -1};
  if (htf_reader__exists(state->file.at, name)) {
    HDF5_OPEN(HTF_E_DATA, w.parent, H5Gopen2(state->file.at, name, H5P_DEFAULT));
    HTF_TRY(htf_check__links(w.parent, each, &w));
  }
done:
  htf_file__drop(&w.parent);
  return status;
}

// Which weights they are, where that is told.
static htf_status check_which(const htf_check__state *state) {
  htf_status status = HTF_OK;
  hid_t group = -1;
  char which[32] = "";
  if (!htf_reader__exists(state->file.at, "weights")) {
    return HTF_OK;
  }
  HDF5_OPEN(HTF_E_DATA, group, H5Gopen2(state->file.at, "weights", H5P_DEFAULT));
  if (H5Aexists(group, "which") > 0) {
    HTF_TRY(htf_reader__text(group, "its", "which", which, sizeof which));
    bool known = strcmp(which, "first") == 0 || strcmp(which, "final") == 0 ||
                 strcmp(which, "best") == 0;
    HTF_CHECK(known, HTF_E_DATA,
              "its attribute which is \"%s\", expected first, final or best", which);
  }
done:
  htf_file__drop(&group);
  return status;
}

htf_status htf_check__classes(const htf_check__state *state, const htf_check__runs *runs) {
  htf_status status = HTF_OK;
  check_references(state, runs);
  HTF_TRY(check_groups(state, runs, "trajectories", check_trajectories));
  HTF_TRY(htf_check__absorb(state, "/weights", check_which(state)));
  HTF_TRY(check_groups(state, runs, "weights", check_weights));
done:
  return status;
}
