// SPDX-License-Identifier: BSD-3-Clause
#include "scene_impl.h"

#include "htflow/memory.h"

htf_status htf_run_model(const htf_spec *spec, htf_model **model) {
  static const htf_model_kind kinds[] = {[HTF_FACTORIZATION_HTF] = HTF_MODEL_HTF,
                                         [HTF_FACTORIZATION_CP] = HTF_MODEL_CP,
                                         [HTF_FACTORIZATION_MF] = HTF_MODEL_MF};
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_TRY(htf_tree_read(spec->model.tree.newick, &tree));
  HTF_TRY(htf_model_create(kinds[spec->model.kind], tree, spec->problem.shape.size, model));
done:
  htf_tree_destroy(&tree);
  return status;
}

// ---- the problem ----------------------------------------------------------------------

static htf_plant recipe_of(const htf_spec *spec, const htf_tree *tree) {
  static const htf_problem_task tasks[] = {[HTF_TASK_COMPLETION] = HTF_PROBLEM_COMPLETION,
                                           [HTF_TASK_SENSING] = HTF_PROBLEM_SENSING,
                                           [HTF_TASK_FULL] = HTF_PROBLEM_FULL};
  return (htf_plant){
      .task = tasks[spec->problem.task],
      .order = spec->problem.shape.order,
      .shape = spec->problem.shape.size,
      .kind = spec->problem.target == HTF_TARGET_CP ? HTF_MODEL_CP : HTF_MODEL_HTF,
      .tree = tree,
      .norm = spec->problem.target_norm,
      .train = (int64_t)spec->problem.samples,
      .test = (int64_t)spec->problem.test,
      .noise = spec->problem.noise,
      .input_std = spec->problem.input_std,
      .seed = (uint64_t)spec->sweep_seed,
      .draw = (uint64_t)spec->problem.seed,
  };
}

static htf_status plant(const htf_spec *spec, htf_problem **problem) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_TRY(htf_tree_read(spec->problem.target_tree.newick, &tree));
  htf_plant recipe = recipe_of(spec, tree);
  HTF_TRY(htf_problem_plant(&recipe, problem));
done:
  htf_tree_destroy(&tree);
  return status;
}

htf_status htf_run_target(const htf_spec *spec, htf_model **model, double **theta,
                          double *scale) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_CHECK(spec->problem.file[0] == '\0', HTF_E_DATA,
            "the problem is that of %s: there is no planted target", spec->problem.file);
  HTF_TRY(htf_tree_read(spec->problem.target_tree.newick, &tree));
  htf_plant recipe = recipe_of(spec, tree);
  HTF_TRY(htf_problem_draw_target(&recipe, model, theta, scale));
done:
  htf_tree_destroy(&tree);
  return status;
}

static htf_status make_problem(const htf_spec *spec, const htf_run_hooks *hooks,
                               htf_problem **problem) {
  htf_status status = HTF_OK;
  if (spec->problem.file[0] == '\0') {
    HTF_TRY(plant(spec, problem));
  } else {
    HTF_CHECK(hooks->load != NULL, HTF_E_INTERNAL, "nobody can load %s",
              spec->problem.file);
    HTF_TRY(hooks->load(hooks->context, spec, problem));
  }
done:
  return status;
}

static htf_loss loss_of(const htf_spec *spec) {
  switch (spec->loss.kind) {
  case HTF_LOSS_L1:
    return htf_loss_l1();
  case HTF_LOSS_HUBER:
    return htf_loss_huber(spec->loss.delta);
  default:
    return htf_loss_l2();
  }
}

// ---- the start ------------------------------------------------------------------------

static htf_status draw(const htf_spec *spec, const htf_model *model, double *theta) {
  htf_status status = HTF_OK;
  htf_random stream = htf_random_open((uint64_t)spec->sweep_seed, HTF_RANDOM_INIT,
                                      (uint64_t)spec->init.seed);
  htf_normal law = {spec->init.mean, spec->init.std, spec->init.width_exponent};
  switch (spec->init.kind) {
  case HTF_INIT_ORTHOGONAL:
    HTF_TRY(htf_model_orthogonal(model, &stream, spec->init.std, theta));
    break;
  case HTF_INIT_IDENTITY:
    htf_model_identity(model, spec->init.std, theta);
    break;
  case HTF_INIT_BALANCED:
    htf_model_normal(model, &stream, law, theta);
    HTF_TRY(htf_model_balance(model, theta));
    break;
  case HTF_INIT_UNBALANCED:
    htf_model_normal(model, &stream, law, theta);
    HTF_TRY(htf_model_unbalance(model, spec->init.unbalance, theta));
    break;
  default:
    htf_model_normal(model, &stream, law, theta);
  }
done:
  return status;
}

static htf_status make_start(const htf_spec *spec, const htf_run_hooks *hooks,
                             const htf_model *model, double *theta) {
  htf_status status = HTF_OK;
  if (spec->init.kind != HTF_INIT_FILE) {
    HTF_TRY(draw(spec, model, theta));
  } else {
    HTF_CHECK(hooks->weights != NULL, HTF_E_INTERNAL, "nobody can load %s",
              spec->init.file);
    HTF_TRY(hooks->weights(hooks->context, spec, model, theta));
  }
done:
  return status;
}

// ---- together -------------------------------------------------------------------------

htf_status htf_scene__set_up(const htf_spec *spec, const htf_run_hooks *hooks,
                             htf_scene *scene) {
  htf_status status = HTF_OK;
  HTF_TRY(make_problem(spec, hooks, &scene->problem));
  HTF_TRY(htf_run_model(spec, &scene->model));
  scene->loss = loss_of(spec);
  HTF_NEW(scene->theta, htf_model_parameters(scene->model));
  HTF_TRY(make_start(spec, hooks, scene->model, scene->theta));
done:
  return status;
}

void htf_scene__tear_down(htf_scene *scene) {
  HTF_FREE(scene->theta);
  htf_model_destroy(&scene->model);
  htf_problem_destroy(&scene->problem);
}
