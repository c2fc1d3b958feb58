// SPDX-License-Identifier: BSD-3-Clause
// files_fuzz.h: what the targets that read files share.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "htflow/files.h"
#include "htflow/guard.h"
#include "htflow/memory.h"

static inline void demand(bool good) {
  if (!good) {
    abort();
  }
}

// A status is HTF_OK, or the one expected with a message, which is then cleared.
static inline void demand_one_of(htf_status status, htf_status expected) {
  if (status != HTF_OK) {
    if (status != expected) {
      fprintf(stderr, "%s\n%s", htf_error_message(), htf_error_trace());
    }
    demand(status == expected && htf_error_message()[0] != '\0');
    htf_error_clear();
  }
}

// This process's own directory in memory, made at the first call and removed at the end.
static inline const char *fuzz_directory(void) {
  static char path[64];
  if (path[0] == '\0') {
    snprintf(path, sizeof path, "/dev/shm/htf-fuzz-XXXXXX");
    demand(mkdtemp(path) != NULL);
  }
  return path;
}

static inline void fuzz_remove(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", fuzz_directory());
  demand(system(command) == 0);
}

// A file there, by its ending.
static inline const char *fuzz_path(const char *ending) {
  static char path[4][128];
  static int next;
  if (next == 0) {
    atexit(fuzz_remove);
  }
  char *text = path[next++ % 4];
  snprintf(text, sizeof path[0], "%s/file%s", fuzz_directory(), ending);
  return text;
}

static inline void write_bytes(const char *path, const void *bytes, size_t count) {
  FILE *file = fopen(path, "wb");
  demand(file != NULL && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}
