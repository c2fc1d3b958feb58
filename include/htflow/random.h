// SPDX-License-Identifier: BSD-3-Clause
// random.h: independent random streams that depend on nothing but their key (room: base).
//
// A stream is keyed by (seed, purpose, index): the same key gives the same numbers on any
// rank, in any order of runs, whatever else is drawn. Numbers come from the counter-based
// generator Philox4x64-10 (Salmon, Moraes, Dror, Shaw, SC 2011; library: Random123).
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// What a stream is for. The numbers are part of the file format: never renumber.
typedef enum htf_random_purpose {
  HTF_RANDOM_TARGET = 1, // weights of a planted target
  HTF_RANDOM_MASK = 2,   // which entries are observed; measurement vectors
  HTF_RANDOM_INIT = 3,   // initial weights
  HTF_RANDOM_NOISE = 4,  // noise on observed values
  HTF_RANDOM_AXIS = 5,   // points of random axes
  HTF_RANDOM_PROBE = 6,  // where iterations of measurements begin
  HTF_RANDOM_CHOICE = 7, // of points that stand for all in a preconditioner
  HTF_RANDOM_SIGNS = 8,  // of the weights, where their rounding is measured
  HTF_RANDOM_TEST = 100, // tests draw from here
} htf_random_purpose;

// A stream; a plain value, copied freely: a copy goes on from the same place.
typedef struct htf_random {
  uint64_t key[2];
  uint64_t counter[4];
  uint64_t block[4]; // the current four numbers
  int used;          // how many of them are used up
} htf_random;

// The stream of this key, at its beginning.
htf_random htf_random_open(uint64_t seed, htf_random_purpose purpose, uint64_t index);
// 64 uniform bits.
uint64_t htf_random_bits(htf_random *stream);
// Uniform in [0, 1), a multiple of 2^-53.
double htf_random_uniform(htf_random *stream);
// Uniform in {0, .., n - 1}, without bias; n > 0.
int64_t htf_random_index(htf_random *stream, int64_t n);
// N(0, 1), by Box and Muller.
void htf_random_normal(htf_random *stream, int64_t n, double *x /* [n] */);
// The first m of a random permutation of {0, .., n - 1}: distinct, each order as likely,
// and for a larger m the same ones first. Costs O(m) whatever n is. Raises HTF_E_MEMORY.
htf_status htf_random_sample(htf_random *stream, int64_t n, int64_t m,
                             int64_t *sample /* [m] */);

HTF_END_DOOR
