// SPDX-License-Identifier: BSD-3-Clause
// Vectors for SUNDIALS that take memory when they are first written to.
//
// SUNDIALS makes all the vectors it may ever want beforehand. Some it never touches, and
// one, the error weights, holds the same number throughout: a vector set to a constant is
// that number until something else is written to it. So fewer of those that CVODE makes
// for adams take memory, and of GMRES' basis as many as its solves need.
//
// Operations cannot say that they failed, nor may cloning: where memory is out, `failure`
// tells.
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "sundials_impl.h"

typedef htf_flow_vector vector;

static vector *of(N_Vector v) {
  return v->content;
}

// ---- access ---------------------------------------------------------------------------

// Component i is at i * step.
typedef struct reading {
  const double *at;
  int64_t step;
} reading;

static reading read(N_Vector v) {
  const vector *x = of(v);
  return x->constant ? (reading){&x->value, 0} : (reading){x->data, 1};
}

static htf_status make(vector *x) {
  htf_status status = HTF_OK;
  HTF_NEW(x->data, x->size);
done:
  return status;
}

// Where all components will be written; NULL: no memory.
static double *write(N_Vector v) {
  vector *x = of(v);
  if (x->data == NULL && x->shared->failure == HTF_OK) {
    x->shared->failure = make(x);
  }
  x->constant = x->data == NULL;
  return x->data;
}

static double *get_array(N_Vector v) {
  const vector *x = of(v);
  bool constant = x->constant;
  double *data = write(v);
  for (int64_t i = 0; data != NULL && constant && i < x->size; i++) {
    data[i] = x->value;
  }
  return data;
}

static void set_array(double *data, N_Vector v) {
  vector *x = of(v);
  x->data = data;
  x->lent = true;
  x->constant = false;
}

static sunindextype get_length(N_Vector v) {
  return of(v)->size;
}

static N_Vector_ID get_id(N_Vector v) {
  (void)v;
  return SUNDIALS_NVEC_CUSTOM;
}

// ---- arithmetic -----------------------------------------------------------------------

static void set_constant(double value, N_Vector z) {
  vector *x = of(z);
  x->constant = !x->lent;
  x->value = value;
  for (int64_t i = 0; x->lent && i < x->size; i++) {
    x->data[i] = value;
  }
}

// z = a x + b y
static void add(double a, N_Vector vx, double b, N_Vector vy, N_Vector vz) {
  reading x = read(vx), y = read(vy);
  double *z = write(vz);
  int64_t n = z == NULL ? 0 : of(vz)->size;
  if (x.step == 1 && y.step == 1) {
    for (int64_t i = 0; i < n; i++) {
      z[i] = a * x.at[i] + b * y.at[i];
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    z[i] = a * x.at[i * x.step] + b * y.at[i * y.step];
  }
}

static void multiply(N_Vector vx, N_Vector vy, N_Vector vz) {
  reading x = read(vx), y = read(vy);
  double *z = write(vz);
  for (int64_t i = 0; z != NULL && i < of(vz)->size; i++) {
    z[i] = x.at[i * x.step] * y.at[i * y.step];
  }
}

static void divide(N_Vector vx, N_Vector vy, N_Vector vz) {
  reading x = read(vx), y = read(vy);
  double *z = write(vz);
  for (int64_t i = 0; z != NULL && i < of(vz)->size; i++) {
    z[i] = x.at[i * x.step] / y.at[i * y.step];
  }
}

static void scale(double a, N_Vector vx, N_Vector vz) {
  reading x = read(vx);
  if (x.step == 0) {
    set_constant(a * *x.at, vz);
    return;
  }
  double *z = write(vz);
  for (int64_t i = 0; z != NULL && i < of(vz)->size; i++) {
    z[i] = a * x.at[i];
  }
}

static double dot(N_Vector vx, N_Vector vy) {
  reading x = read(vx), y = read(vy);
  double sum = 0;
  for (int64_t i = 0; i < of(vx)->size; i++) {
    sum += x.at[i * x.step] * y.at[i * y.step];
  }
  return sum;
}

static double wrms_norm(N_Vector vx, N_Vector vw) {
  reading x = read(vx), w = read(vw);
  double sum = 0;
  for (int64_t i = 0; i < of(vx)->size; i++) {
    double weighed = x.at[i * x.step] * w.at[i * w.step];
    sum += weighed * weighed;
  }
  return sqrt(sum / (double)of(vx)->size);
}

// sum_k c_k x_k, or the x_k shown to a flow that wants to see what SUNDIALS keeps.
static int combine(int count, double *c, N_Vector *x, N_Vector z) {
  htf_flow_sundials *shared = of(z)->shared;
  if (shared->listens) {
    shared->terms = count;
    shared->term = x;
    return 0;
  }
  scale(c[0], x[0], z);
  for (int k = 1; k < count; k++) {
    add(c[k], x[k], 1, z, z);
  }
  return 0;
}

// CVODE wants these to be there, for constraints and tolerances that no flow has.
static void refuse_one(N_Vector x, N_Vector z) {
  (void)x, (void)z;
  HTF_ASSERT(false);
}

static void refuse_constant(N_Vector x, double b, N_Vector z) {
  (void)x, (void)b, (void)z;
  HTF_ASSERT(false);
}

static double refuse_norm(N_Vector x) {
  (void)x;
  HTF_ASSERT(false);
  return 0;
}

// ---- life -----------------------------------------------------------------------------

static void destroy(N_Vector v) {
  vector *x = of(v);
  if (!x->lent) { // of all the lost ones there is none
    HTF_FREE(x->data);
  }
  if (x != &x->shared->lost) {
    HTF_FREE(v->content);
  }
  N_VFreeEmpty(v);
}

static N_Vector clone(N_Vector v) {
  return htf_flow__vector(of(v)->shared, of(v)->size);
}

static htf_status make_content(vector **out) {
  htf_status status = HTF_OK;
  HTF_NEW(*out, 1);
done:
  return status;
}

N_Vector htf_flow__vector(htf_flow_sundials *shared, int64_t size) {
  N_Vector v = N_VNewEmpty(shared->context);
  vector *x = NULL;
  if (v == NULL) {
    return NULL;
  }
  htf_status status = make_content(&x);
  if (status != HTF_OK) {
    shared->failure = status;
    x = &shared->lost;
  }
  *x = (vector){.shared = shared, .size = size, .constant = true};
  v->content = x;
  v->ops->nvgetvectorid = get_id;
  v->ops->nvclone = clone;
  v->ops->nvdestroy = destroy;
  v->ops->nvgetarraypointer = get_array;
  v->ops->nvsetarraypointer = set_array;
  v->ops->nvgetlength = get_length;
  v->ops->nvconst = set_constant;
  v->ops->nvlinearsum = add;
  v->ops->nvprod = multiply;
  v->ops->nvdiv = divide;
  v->ops->nvscale = scale;
  v->ops->nvdotprod = dot;
  v->ops->nvwrmsnorm = wrms_norm;
  v->ops->nvlinearcombination = combine;
  v->ops->nvabs = refuse_one;
  v->ops->nvinv = refuse_one;
  v->ops->nvaddconst = refuse_constant;
  v->ops->nvmaxnorm = refuse_norm;
  return v;
}
