// SPDX-License-Identifier: BSD-3-Clause
// files_test.h: a file at `path` in a scratch directory, and what reading it must do.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <hdf5.h>
#include <sys/mount.h>

#include "htflow/files.h"
#include "store_test.h"

static char scratch[64], path[128];

static inline void begin(void) {
  make_scratch(scratch);
}

static inline void end(void) {
  umount2(scratch, MNT_DETACH); // where a test left something mounted
  remove_scratch(scratch);
}

static inline void name_file(const char *name) {
  snprintf(path, sizeof path, "%s/%s", scratch, name);
}

static inline void write_bytes(const char *name, const void *bytes, size_t count) {
  name_file(name);
  FILE *file = fopen(path, "wb");
  cr_assert(eq(sz, fwrite(bytes, 1, count, file), count));
  fclose(file);
}

// Reads the file at `path`; what it raises must begin with the path and these words.
static inline void expect_bad(htf_status expected, const char *words) {
  htf_file_data data;
  char text[512];
  int64_t blocks = htf_memory_blocks();
  ssize_t handles = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
  snprintf(text, sizeof text, "%s:%s", path, words);
  htf_status status = htf_file_read_problem(path, &data);
  cr_assert(eq(int, status, expected), "%s", htf_error_message());
  cr_assert(eq(int, strncmp(htf_error_message(), text, strlen(text)), 0),
            "\"%s\" should begin with \"%s\"", htf_error_message(), text);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), handles));
}

static inline htf_file_data read_good(void) {
  htf_file_data data;
  htf_status status = htf_file_read_problem(path, &data);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return data;
}
