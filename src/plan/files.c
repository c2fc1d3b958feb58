// SPDX-License-Identifier: BSD-3-Clause
// Data files and weights files: asked about once, and held against the keys beside them.
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

const htf_plan__file *htf_plan__find_file(const htf_plan *plan, const char *path) {
  for (int i = 0; i < plan->files; i++) {
    if (strcmp(plan->file[i].path, path) == 0) {
      return &plan->file[i];
    }
  }
  return NULL;
}

const htf_plan__weights *htf_plan__find_weights(const htf_plan *plan, const char *path,
                                                int64_t run) {
  for (int i = 0; i < plan->weights; i++) {
    if (plan->weight[i].run == run && strcmp(plan->weight[i].path, path) == 0) {
      return &plan->weight[i];
    }
  }
  return NULL;
}

// What a callback said of the file that `key` names. Errors in the file's content are not
// those of the sweep file, but have a place there; after any the key is broken.
static htf_status note_answer(htf_plan__check *c, const char *key, htf_status status) {
  char words[HTF_MAX_TEXT];
  if (status != HTF_OK) {
    htf_plan__mark(c->reader, key);
  }
  if (status != HTF_OK && status != HTF_E_CONFIG) {
    htf_plan__write_place(c->source->name, htf_plan__blame(c), words, sizeof words);
    htf_error_prefix("%s", words);
  }
  return status;
}

// ---- data files ------------------------------------------------------------------------

static htf_status describe_file(htf_plan__check *c) {
  htf_status status = HTF_OK;
  htf_plan *plan = c->plan;
  const char *path = c->spec->problem.file;
  if (path[0] == '\0' || htf_plan__find_file(plan, path) != NULL) {
    goto done;
  }
  HTF_CHECK(c->source->describe != NULL, HTF_E_CONFIG,
            "problem.file: data files cannot be read here");
  HTF_RESIZE(plan->file, plan->files + 1);
  htf_plan__file *file = &plan->file[plan->files];
  *file = (htf_plan__file){.path = ""};
  snprintf(file->path, sizeof file->path, "%s", path);
  HTF_TRY(c->source->describe(c->source->context, path, &file->is));
  plan->files++;
done:
  return note_answer(c, "problem.file", status);
}

static bool is_count(const char *key) {
  return strcmp(key, "problem.samples") == 0 || strcmp(key, "problem.test") == 0;
}

// A key that says what a data file says already. The key stands second.
static htf_status check_given_twice(htf_plan__check *c) {
  const char *key = c->keys[1];
  const htf_plan__file *file = is_count(key)
                                   ? htf_plan__lists(c->plan, c->spec)
                                   : htf_plan__find_file(c->plan, c->spec->problem.file);
  htf_plan__place place;
  if (file == NULL || (is_count(key) && file->is.test == 0) ||
      !htf_plan__find_place(c, key, &place)) {
    return HTF_OK;
  }
  return htf_plan__complain(c->reader->errors, place,
                            "%s has no meaning with problem.file%s", key,
                            is_count(key) ? ", which has a test list" : "");
}

// A file of samples serves the task they were taken for; a tensor serves every task.
static htf_status check_task(htf_plan__check *c) {
  static const char *const names[] = {
      [HTF_TASK_COMPLETION] = "completion",
      [HTF_TASK_SENSING] = "sensing",
      [HTF_TASK_FULL] = "full",
  };
  htf_status status = HTF_OK;
  const htf_plan__file *file = htf_plan__find_file(c->plan, c->spec->problem.file);
  if (file != NULL && !file->is.tensor) {
    int task = htf_plan__task(c->plan, c->spec);
    HTF_CHECK(task == file->is.task, HTF_E_CONFIG,
              "problem.task is %s, but %.200s holds samples of %s, and no tensor to take "
              "others from",
              names[task], file->path, names[file->is.task]);
  }
done:
  return status;
}

htf_status htf_plan__check_files(htf_plan__check *c) {
  static const char *const file_keys[] = {"problem.file", NULL};
  static const char *const task_keys[] = {"problem.task", "problem.file", NULL};
  static const char *const said_by_file[] = {"problem.shape",       "problem.samples",
                                             "problem.test",        "problem.target.kind",
                                             "problem.target.tree", "problem.target.width",
                                             "problem.target.norm"};
  htf_status status = HTF_OK;
  HTF_TRY(htf_plan__each(c, file_keys, describe_file));
  if (c->plan->files == 0) {
    goto done;
  }
  for (size_t i = 0; i < sizeof said_by_file / sizeof *said_by_file; i++) {
    const char *keys[] = {"problem.file", said_by_file[i], "problem.task", NULL};
    HTF_TRY(htf_plan__each(c, keys, check_given_twice));
  }
  HTF_TRY(htf_plan__each(c, task_keys, check_task));
done:
  return status;
}

// ---- weights files ---------------------------------------------------------------------

static htf_status describe_weights(htf_plan__check *c) {
  htf_status status = HTF_OK;
  htf_plan *plan = c->plan;
  const char *path = c->spec->init.file;
  int64_t run = c->spec->init.run;
  if (c->spec->init.kind != HTF_INIT_FILE || path[0] == '\0' ||
      htf_plan__find_weights(plan, path, run) != NULL) {
    goto done;
  }
  HTF_CHECK(c->source->describe_weights != NULL, HTF_E_CONFIG,
            "init.file: weights files cannot be read here");
  if ((plan->weights & (plan->weights - 1)) == 0) {
    HTF_RESIZE(plan->weight, plan->weights == 0 ? 1 : 2 * plan->weights);
  }
  htf_plan__weights *weights = &plan->weight[plan->weights];
  *weights = (htf_plan__weights){.run = run};
  snprintf(weights->path, sizeof weights->path, "%s", path);
  HTF_TRY(c->source->describe_weights(c->source->context, path, run, &weights->is));
  plan->weights++;
done:
  return note_answer(c, "init.file", status);
}

// "htf "(0,1)2;" over [4, 4]"
static void write_model(int kind, const char *newick, const htf_shape *shape,
                        char text[HTF_MAX_TEXT]) {
  static const char *const names[] = {[HTF_FACTORIZATION_HTF] = "htf",
                                      [HTF_FACTORIZATION_CP] = "cp",
                                      [HTF_FACTORIZATION_MF] = "mf"};
  char sizes[HTF_MAX_TEXT];
  htf_spec spec = {.problem.shape = *shape};
  htf_spec_print(&spec, htf_spec_field("problem.shape"), sizes, sizeof sizes);
  snprintf(text, HTF_MAX_TEXT, "%s \"%.250s\" over %.100s", names[kind], newick, sizes);
}

// Weights fit where they were taken from a model of the same tree and shape, with a root of
// the same kind.
static htf_status check_weights(htf_plan__check *c) {
  htf_status status = HTF_OK;
  char has[HTF_MAX_TEXT], wants[HTF_MAX_TEXT], *newick = NULL;
  const htf_plan__weights *weights =
      htf_plan__find_weights(c->plan, c->spec->init.file, c->spec->init.run);
  if (c->spec->init.kind != HTF_INIT_FILE || weights == NULL) {
    goto done;
  }
  htf_plan__resolve_shape(c->plan, c->spec);
  status = htf_plan__resolve_tree(c->spec, HTF_PLAN__MODEL, &newick);
  if (status == HTF_E_CONFIG) { // complained of where the trees are resolved
    htf_error_clear();
    status = HTF_OK;
    goto done;
  }
  HTF_TRY(status);
  const htf_plan_weights *is = &weights->is;
  const htf_shape *shape = &c->spec->problem.shape;
  bool root = c->spec->model.kind == HTF_FACTORIZATION_HTF;
  bool fit = (is->kind == HTF_FACTORIZATION_HTF) == root &&
             strcmp(is->newick, newick) == 0 && // and so the order
             memcmp(is->shape.size, shape->size,
                    (size_t)shape->order * sizeof shape->size[0]) == 0;
  write_model(is->kind, is->newick, &is->shape, has);
  write_model(c->spec->model.kind, newick, shape, wants);
  HTF_CHECK(fit, HTF_E_CONFIG,
            "init.file %.100s holds weights of %.400s, the model is %.400s", weights->path,
            has, wants);
done:
  HTF_FREE(newick);
  return status;
}

htf_status htf_plan__check_weights(htf_plan__check *c) {
  static const char *const keys[] = {"init.file", "init.kind", "init.run", NULL};
  static const char *const fit_keys[] = {
      "init.file",   "init.kind",   "init.run",      "model.kind",   "model.tree",
      "model.width", "model.depth", "problem.shape", "problem.file", NULL};
  htf_status status = HTF_OK;
  HTF_TRY(htf_plan__each(c, keys, describe_weights));
  if (c->plan->weights > 0) {
    HTF_TRY(htf_plan__each(c, fit_keys, check_weights));
  }
done:
  return status;
}
