// SPDX-License-Identifier: BSD-3-Clause
// Planted problems: a target, drawn or given, scaled and measured.
//
// Whatever is asked of a target is linear in it. So it is measured as it was drawn or
// given, and what comes of it is scaled to the norm asked for.
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/random.h"
#include "problem_impl.h"

typedef struct planting {
  const htf_plant *plant;
  double entries;
  bool held;         // the problem will hold the target's entries
  htf_model *model;  // of a target that is drawn, else NULL
  double *theta;     // [parameters]
  double *expansion; // its entries, where they are held
  double scale;
  htf_problem *problem;
} planting;

static htf_problem_target target_of(const planting *p) {
  return (htf_problem_target){p->model, p->theta,
                              p->model != NULL ? p->expansion : p->plant->tensor};
}

// ---- the request ----------------------------------------------------------------------

static htf_status check_counts(const htf_plant *plant, double entries) {
  htf_status status = HTF_OK;
  double train = (double)plant->train, test = (double)plant->test;
  bool sensing = plant->task == HTF_PROBLEM_SENSING;
  HTF_CHECK(sensing || entries <= 0x1p62, HTF_E_CONFIG,
            "a tensor of %g entries cannot be sampled", entries);
  HTF_CHECK(plant->train > 0 && plant->test >= 0 && (sensing || train + test <= entries),
            HTF_E_CONFIG,
            "%lld training and %lld held-out samples of a tensor of %.0f entries",
            (long long)plant->train, (long long)plant->test, entries);
  HTF_CHECK(!sensing || (train <= INT32_MAX && test <= INT32_MAX), HTF_E_CONFIG,
            "%lld training and %lld held-out measurements, must be at most %d each",
            (long long)plant->train, (long long)plant->test, INT32_MAX);
done:
  return status;
}

static htf_status check_request(const planting *p) {
  htf_status status = HTF_OK;
  if (p->plant->task == HTF_PROBLEM_FULL) {
    HTF_CHECK(p->entries <= HTF_PROBLEM_FULL_MOST, HTF_E_CONFIG,
              "a full problem of %.15g entries holds %.15g bytes, must be at most %.15g",
              p->entries, 8 * p->entries, 8. * HTF_PROBLEM_FULL_MOST);
  } else {
    HTF_TRY(check_counts(p->plant, p->entries));
  }
  if (p->plant->tensor != NULL) {
    HTF_TRY(htf_problem__check_tensor(p->plant->order, p->plant->shape, p->plant->tensor));
  }
done:
  return status;
}

// ---- the target -----------------------------------------------------------------------

// theta is N(0, 1) and, where the target is to be held, its entries are written out.
static htf_status draw_target(planting *p) {
  htf_status status = HTF_OK;
  htf_expansion *expansion = NULL;
  htf_random stream = htf_random_open(p->plant->seed, HTF_RANDOM_TARGET, p->plant->draw);
  HTF_NEW(p->theta, htf_model_parameters(p->model));
  htf_random_normal(&stream, htf_model_parameters(p->model), p->theta);
  if (p->held) {
    HTF_TRY(htf_expansion_create(p->model, &expansion));
    HTF_NEW(p->expansion, p->entries);
    htf_expansion_apply(expansion, p->theta, p->expansion);
  }
done:
  htf_expansion_destroy(&expansion);
  return status;
}

// Summed by halves, whose rounding grows with the logarithm of n alone.
static double sum_of_squares(const double *x, int64_t n) {
  double sum = 0;
  if (n > 128) {
    return sum_of_squares(x, n / 2) + sum_of_squares(x + n / 2, n - n / 2);
  }
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * x[i];
  }
  return sum;
}

// The factor to the norm asked for; from the entries, if these are known.
static htf_status find_scale(planting *p) {
  htf_status status = HTF_OK;
  htf_problem_target target = target_of(p);
  bool drawn = p->model != NULL;
  double norm, wanted = p->plant->norm > 0 ? p->plant->norm : sqrt(p->entries);
  p->scale = 1;
  if (!drawn && !(p->plant->norm > 0)) {
    goto done;
  }
  if (target.tensor != NULL) {
    norm = sqrt(sum_of_squares(target.tensor, (int64_t)p->entries));
  } else {
    HTF_TRY(htf_model_norm(p->model, p->theta, &norm));
  }
  p->scale = wanted / norm;
  HTF_CHECK(norm > 0 && isfinite(norm) && isfinite(p->scale),
            drawn ? HTF_E_NUMERIC : HTF_E_DATA,
            "a target of norm %g cannot be scaled to norm %g", norm, wanted);
done:
  return status;
}

// ---- the problem ----------------------------------------------------------------------

static void multiply(double factor, int64_t n, double *x) {
  for (int64_t i = 0; i < n; i++) {
    x[i] *= factor;
  }
}

static htf_status hold_tensor(planting *p) {
  htf_status status = HTF_OK;
  double *tensor = p->expansion;
  int64_t entries = (int64_t)p->entries;
  p->expansion = NULL;
  if (tensor == NULL) {
    HTF_NEW(tensor, entries);
    memcpy(tensor, p->plant->tensor, (size_t)entries * sizeof *tensor);
  }
  multiply(p->scale, entries, tensor);
  p->problem->tensor = tensor;
done:
  return status;
}

static htf_status measure(planting *p, htf_problem_part *part) {
  htf_status status = HTF_OK;
  htf_problem_target target = target_of(p);
  HTF_TRY(htf_problem__measure(p->problem, &target, part));
  multiply(p->scale, part->count, part->values);
done:
  return status;
}

static htf_status make_samples(planting *p) {
  htf_status status = HTF_OK;
  const htf_plant *plant = p->plant;
  htf_problem *problem = p->problem;
  bool inputs = plant->task == HTF_PROBLEM_SENSING;
  htf_random stream = htf_random_open(plant->seed, HTF_RANDOM_MASK, plant->draw);
  HTF_TRY(htf_problem__make_part(problem, inputs, plant->train, &problem->train));
  HTF_TRY(htf_problem__make_part(problem, inputs, plant->test, &problem->test));
  if (inputs) {
    htf_problem__draw_inputs(stream, plant->input_std, problem);
  } else {
    HTF_TRY(htf_problem__draw_entries(stream, problem));
  }
  HTF_TRY(measure(p, &problem->train));
  HTF_TRY(measure(p, &problem->test));
done:
  return status;
}

// All entries: with noise values of their own, without it the tensor itself.
static htf_status take_all(planting *p) {
  htf_status status = HTF_OK;
  htf_problem *problem = p->problem;
  htf_problem_part *train = &problem->train;
  train->all = true;
  train->count = (int64_t)p->entries;
  if (p->plant->noise > 0) {
    HTF_NEW(train->values, train->count);
    memcpy(train->values, problem->tensor, (size_t)train->count * sizeof(double));
  } else {
    train->values = problem->tensor;
  }
done:
  return status;
}

// In chunks of even length, which draw what one call would.
static void add_noise(const htf_plant *plant, htf_problem_part *part) {
  enum { CHUNK = 1024 };
  double noise[CHUNK];
  htf_random stream = htf_random_open(plant->seed, HTF_RANDOM_NOISE, plant->draw);
  for (int64_t begin = 0; begin < part->count; begin += CHUNK) {
    int64_t left = part->count - begin, count = left < CHUNK ? left : CHUNK;
    htf_random_normal(&stream, count, noise);
    for (int64_t k = 0; k < count; k++) {
      part->values[begin + k] += plant->noise * noise[k];
    }
  }
}

static htf_status prepare_target(planting *p) {
  htf_status status = HTF_OK;
  const htf_plant *plant = p->plant;
  if (plant->tensor == NULL) {
    HTF_TRY(htf_model_create(plant->kind, plant->tree, plant->shape, &p->model));
  }
  p->entries = htf_problem__entries(plant->order, plant->shape);
  p->held = plant->task == HTF_PROBLEM_FULL || p->entries <= HTF_PROBLEM_DENSE;
  HTF_TRY(check_request(p));
  if (p->model != NULL) {
    HTF_TRY(draw_target(p));
  }
  HTF_TRY(find_scale(p));
done:
  return status;
}

static void drop_target(planting *p) {
  HTF_FREE(p->expansion);
  HTF_FREE(p->theta);
  htf_model_destroy(&p->model);
}

htf_status htf_problem_draw_target(const htf_plant *plant, htf_model **model,
                                   double **theta, double *scale) {
  htf_status status = HTF_OK;
  planting p = {.plant = plant};
  HTF_ASSERT(plant->tensor == NULL);
  HTF_TRY(prepare_target(&p));
  *model = p.model;
  *theta = p.theta;
  *scale = p.scale;
  p.model = NULL;
  p.theta = NULL;
done:
  drop_target(&p);
  return status;
}

htf_status htf_problem_plant(const htf_plant *plant, htf_problem **out) {
  htf_status status = HTF_OK;
  planting p = {.plant = plant};
  HTF_TRY(prepare_target(&p));
  HTF_TRY(htf_problem__new(plant->order, plant->shape, &p.problem));
  if (plant->task != HTF_PROBLEM_FULL) {
    HTF_TRY(make_samples(&p));
  }
  if (p.held) {
    HTF_TRY(hold_tensor(&p));
  }
  if (plant->task == HTF_PROBLEM_FULL) {
    HTF_TRY(take_all(&p));
  }
  if (plant->noise > 0) {
    add_noise(plant, &p.problem->train);
  }
  *out = p.problem;
  p.problem = NULL;
done:
  htf_problem_destroy(&p.problem);
  drop_target(&p);
  return status;
}
