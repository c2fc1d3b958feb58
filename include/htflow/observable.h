// SPDX-License-Identifier: BSD-3-Clause
// observable.h: the table of what can be measured along a run (room: ledger).
//
// One row describes an observable everywhere: `record.observables` in the sweep file knows
// its name, the files its attributes, `htflow help observables` prints it, and the probe
// (probe.h), which measures it, has a function of its name. To add one: a row here, and
// that function.
//
// A row: name; whether it is recorded ALWAYS, as part of the STANDARD set, or only where it
// is ASKED for; its shape; what it costs; long name; formula. Bit i of a set is row i: the
// bits are stored, so that only appending keeps them.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/spec.h"
#include "htflow/status.h"
#include "htflow/variable.h"

HTF_BEGIN_DOOR

// Shapes: dimensions beyond `run`, as a rank and names. `node` runs over the interior
// nodes, `partition` over all nodes but the root, `component` and `value` over the largest
// few, `vector` over the weight vectors of all local components, `tolerance` over
// HTF_OBSERVABLE_TOLERANCES, `entry` and `cut` over record.entries and record.partitions.
#define HTF_DIMS(rank, ...)                                                                \
  rank, {                                                                                  \
    __VA_ARGS__                                                                            \
  }
#define HTF_SHAPE_SAMPLE     HTF_DIMS(1, "sample")
#define HTF_SHAPE_PARTITION  HTF_DIMS(2, "sample", "partition")
#define HTF_SHAPE_COMPONENT  HTF_DIMS(3, "sample", "node", "component")
#define HTF_SHAPE_SPECTRUM   HTF_DIMS(3, "sample", "partition", "value")
#define HTF_SHAPE_TOLERANCE  HTF_DIMS(3, "sample", "partition", "tolerance")
#define HTF_SHAPE_TRUNCATION HTF_DIMS(2, "sample", "value")
#define HTF_SHAPE_VECTOR     HTF_DIMS(2, "sample", "vector")
#define HTF_SHAPE_ENTRY      HTF_DIMS(2, "sample", "entry")
#define HTF_SHAPE_CUT        HTF_DIMS(3, "sample", "cut", "value")

// What is computed, once for all observables that name it: in a few words, for users.
#define HTF_OBSERVABLE_COST_TABLE(X)                                                       \
  X(FREE, "nothing beside the run's own work")                                             \
  X(WEIGHTS, "a pass over the weights")                                                    \
  X(COMPONENTS, "two passes over the weights and a sort")                                  \
  X(TEST, "an evaluation at the held-out samples")                                         \
  X(TENSOR, "the end tensor, formed, where the target is held")                            \
  X(SPECTRA, "spectra of all nodes: about 3 R^4 an interior node of width R")              \
  X(CUTS, "as record.partitions asks: see spectra.h")                                      \
  X(ENTRIES, "an evaluation at record.entries")                                            \
  X(HESSIAN, "some ten to hundred Hessian-vector products")                                \
  X(PARTS, "8 R^3 an interior node; for sensing also m^2 N D")                             \
  X(OVERLAP, "the end tensor, formed, and an SVD with vectors at each node")

// Of the largest value, what counts for numerical_rank.
#define HTF_OBSERVABLE_TOLERANCES                                                          \
  { 1e-2, 1e-4, 1e-8, 1e-12 }
#define HTF_OBSERVABLE_TOLERANCES_TEXT "1e-2, 1e-4, 1e-8 and 1e-12"
// Relative residual at which sharpness is done, and the most products it takes.
#define HTF_OBSERVABLE_SHARPNESS      1e-4
#define HTF_OBSERVABLE_SHARPNESS_TEXT "1e-4"

#define HTF_OBSERVABLE_TABLE(X)                                                                       \
  X(time, ALWAYS, SAMPLE, FREE, "flow time",                                                          \
    "time + time_low is the flow time exactly (double-double)")                                       \
  X(time_low, ALWAYS, SAMPLE, FREE, "low part of the flow time", "see time")                          \
  X(arc_length, ALWAYS, SAMPLE, FREE, "arc length of the weights",                                    \
    "length of the path of theta, summed over accepted steps, Euclidean")                             \
  X(step, ALWAYS, SAMPLE, FREE, "accepted steps",                                                     \
    "steps that were complete at this sample")                                                        \
  X(train_loss, ALWAYS, SAMPLE, FREE, "training loss",                                                \
    "mean loss over the training samples")                                                            \
  X(test_loss, ALWAYS, SAMPLE, TEST, "held-out loss",                                                 \
    "mean loss over the held-out samples")                                                            \
  X(reconstruction_error, STANDARD, SAMPLE, TENSOR, "relative reconstruction error",                  \
    "||W_H - W*|| / ||W*|| over all entries where the target is known and held, else "                \
    "over the held-out measurements: see reconstruction_entries")                                     \
  X(reconstruction_entries, STANDARD, SAMPLE, FREE, "entries of the reconstruction error",            \
    "how many: all of the tensor, or the held-out ones")                                              \
  X(gradient_norm, STANDARD, SAMPLE, WEIGHTS, "gradient norm",                                        \
    "Euclidean norm of the gradient of L in theta")                                                   \
  X(unbalancedness, STANDARD, SAMPLE, WEIGHTS, "unbalancedness magnitude",                            \
    "largest | ||w||^2 - ||w'||^2 | within a local component (theory.md section 3)")                  \
  X(unbalancedness_drift, ALWAYS, SAMPLE, WEIGHTS, "drift of the conserved quantities",               \
    "largest change of ||w||^2 - ||w'||^2 since the start, over the largest ||w||^2 so "              \
    "far; zero under exact flow (theory.md section 3)")                                               \
  X(local_component_norm, STANDARD, COMPONENT, COMPONENTS, "local component norm",                    \
    "sigma^(v,r), the product of the norms of the component's vectors, largest first "                \
    "(theory.md section 3)")                                                                          \
  X(local_component_rate, STANDARD, COMPONENT, COMPONENTS,                                            \
    "rate of the local component norm",                                                               \
    "d sigma/dt under the flow, by the chain rule from d||w||^2/dt = -2 <w, dL/dw>, of "              \
    "the components of local_component_norm; NaN where sigma is 0")                                   \
  X(local_component_drive, STANDARD, COMPONENT, COMPONENTS,                                           \
    "drive of the local component",                                                                   \
    "<-grad L(W_H), C^(v,r)>, of the components of local_component_norm; NaN where sigma "            \
    "is 0 (theory.md section 3)")                                                                     \
  X(law_residual, STANDARD, SAMPLE, COMPONENTS, "residual of the exact law",                          \
    "largest | d sigma/dt - sigma^2 drive sum ||w||^-2 | over the largest | d sigma/dt | "            \
    "of the sample, of all components with sigma > 0 (theory.md section 3)")                          \
  X(singular_value, STANDARD, SPECTRUM, SPECTRA, "singular value of the matricization",               \
    "of the end tensor with the modes of a node as rows and the others as columns, "                  \
    "largest first (theory.md section 4)")                                                            \
  X(effective_rank, STANDARD, PARTITION, SPECTRA, "effective rank of the matricization",              \
    "exp(- sum p log p), p the singular values over their sum (theory.md section 4)")                 \
  X(hierarchical_rank, STANDARD, PARTITION, SPECTRA, "hierarchical tensor rank",                      \
    "how many singular values of the matricization exceed 1e-6 of the largest (theory.md "            \
    "section 4)")                                                                                     \
  X(entanglement_entropy, ASKED, PARTITION, SPECTRA, "entanglement entropy",                          \
    "- sum p log p in nats, p the squared singular values over their sum")                            \
  X(nuclear_norm, ASKED, PARTITION, SPECTRA, "nuclear norm of the matricization",                     \
    "sum of its singular values")                                                                     \
  X(stable_rank, ASKED, PARTITION, SPECTRA, "stable rank of the matricization",                       \
    "sum of the squared singular values over the largest square")                                     \
  X(numerical_rank, ASKED, TOLERANCE, SPECTRA, "numerical rank of the matricization",                 \
    "how many singular values exceed a tolerance times the largest: " HTF_OBSERVABLE_TOLERANCES_TEXT) \
  X(truncation_low, ASKED, TRUNCATION, SPECTRA, "least error of a truncation",                        \
    "at place i, of tensors of hierarchical rank (i + 1, .., i + 1) no one is nearer to "             \
    "W_H, in the Frobenius norm, than this: the largest over the nodes of the root of the "           \
    "sum of the squared singular values beyond the first i + 1 (Eckart and Young)")                   \
  X(truncation_high, ASKED, TRUNCATION, SPECTRA, "error that a truncation attains",                   \
    "at place i, some tensor of hierarchical rank (i + 1, .., i + 1) is at least as near "            \
    "to W_H: the root of the sum over the nodes of those tails (hierarchical SVD; "                   \
    "Grasedyck 2010), two children of the root and a chain counting once")                            \
  X(weight_vector_norm, ASKED, VECTOR, WEIGHTS, "norm of a weight vector",                            \
    "||w|| of the vectors of every local component: interior nodes in their order, "                  \
    "within a node component by component, of each the children's columns and then the "              \
    "row")                                                                                            \
  X(local_component_cosine, ASKED, COMPONENT, PARTS, "alignment of the local component",              \
    "<-grad L(W_H), C^(v,r)> / (||grad L(W_H)|| ||C^(v,r)||), Frobenius, of the "                     \
    "components of local_component_norm; NaN where one of them is 0")                                 \
  X(target_overlap, ASKED, PARTITION, OVERLAP, "overlap with the target's components",                \
    "||U*^T U||^2 / k, U* and U the first k left singular vectors of the target's and of "            \
    "W_H's matricization, k the target's rank there (above 1e-6 of the largest): the "                \
    "mean squared cosine of the principal angles; NaN where the target is not held")                  \
  X(sharpness, ASKED, SAMPLE, HESSIAN, "sharpness",                                                   \
    "largest eigenvalue of the Hessian of L in theta, by Lanczos from a fixed start to a "            \
    "residual of " HTF_OBSERVABLE_SHARPNESS_TEXT " of it; NaN if 500 products do not "                \
    "reach that")                                                                                     \
  X(prediction, ALWAYS, ENTRY, ENTRIES, "predicted entry",                                            \
    "W_H at the entries of record.entries, in their order")                                           \
  X(cut_singular_value, ALWAYS, CUT, CUTS, "singular value of a chosen matricization",                \
    "of W_H with the modes of each of record.partitions as rows, in their order, largest "            \
    "first")

typedef enum htf_observable_cost {
#define HTF_ENUM(name, text) HTF_COST_##name,
  HTF_OBSERVABLE_COST_TABLE(HTF_ENUM)
#undef HTF_ENUM
      HTF_COSTS
} htf_observable_cost;

typedef enum htf_observable {
#define HTF_ENUM(name, when, shape, cost, long_name, formula) HTF_OBSERVABLE_##name,
  HTF_OBSERVABLE_TABLE(HTF_ENUM)
#undef HTF_ENUM
      HTF_OBSERVABLES
} htf_observable;

// When an observable is recorded.
typedef enum htf_observable_when {
  HTF_WHEN_ALWAYS,
  HTF_WHEN_STANDARD,
  HTF_WHEN_ASKED
} htf_observable_when;

// The descriptors, [HTF_OBSERVABLES], static: the comment of each is its formula.
const htf_variable *htf_observable_variables(void);
// When observable i is recorded, and what it costs.
htf_observable_when htf_observable_get_when(int i);
htf_observable_cost htf_observable_get_cost(int i);
// What a cost, HTF_COST_FREE .., is in words.
const char *htf_observable_cost_text(int cost);
// The observables recorded for an htf_observable_when and for those before it.
uint64_t htf_observable_set(htf_observable_when when);
// The set that the names "a,b" of spec.record.observables ask for, with what is always
// recorded; `standard` and `all` stand for those sets.
uint64_t htf_observable_read(const char *names);

// ---- entries and partitions -----------------------------------------------------------

// How many spec.record.entries or .partitions there are, and item i: the entry's indices
// [order], and the partition's modes as a set (bit n: mode n). Raise HTF_E_CONFIG for what
// does not fit the resolved shape.
int htf_observable_count(const char *names);
htf_status htf_observable_entry(const htf_spec *spec, int i, int64_t *entry);
htf_status htf_observable_partition(const htf_spec *spec, int i, uint64_t *modes);

HTF_END_DOOR
