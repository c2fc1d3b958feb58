// SPDX-License-Identifier: BSD-3-Clause
// store_test.h: scratch directories and made-up records for the tests of the store.
#pragma once

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "htflow/digest.h"
#include "htflow/memory.h"
#include "htflow/record.h"

// A fresh directory, removed by remove_scratch. `text` holds 64 bytes.
static inline void make_scratch(char *text) {
  snprintf(text, 64, "%s", "/tmp/htf-store-XXXXXX");
  if (mkdtemp(text) == NULL) {
    abort();
  }
}

static inline void remove_scratch(const char *directory) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command) != 0) {
    abort();
  }
}

// How many names a directory holds.
static inline int count_names(const char *directory) {
  int count = 0;
  DIR *d = opendir(directory);
  for (struct dirent *e = d ? readdir(d) : NULL; e != NULL; e = readdir(d)) {
    count += e->d_name[0] != '.';
  }
  if (d != NULL) {
    closedir(d);
  }
  return count;
}

static inline htf_digest identity_of(int64_t run) {
  htf_digest identity = {{0}};
  if (htf_digest_of(&run, sizeof run, &identity) != HTF_OK) {
    abort();
  }
  return identity;
}

// A done record of one column of `samples` numbers that tell which run and sample they are.
static inline void make_record(int64_t run, int64_t samples, htf_record *record) {
  htf_column *column = NULL;
  const int64_t no_dims[1] = {0};
  htf_record_init(record);
  record->identity = identity_of(run);
  record->state = HTF_RUN_DONE;
  record->stop_reason = HTF_STOP_LOSS;
  record->steps = run;
  record->samples = samples;
  snprintf(record->message, sizeof record->message, "run %lld", (long long)run);
  if (htf_record_add(record, "train_loss", 1, no_dims, &column) != HTF_OK) {
    abort();
  }
  for (int64_t i = 0; i < samples; i++) {
    column->data[i] = (double)run + 1e-3 * (double)i;
  }
}
