// SPDX-License-Identifier: BSD-3-Clause
// The checker in C: what it leaves behind. What it finds is in test_check.py.
#include "files_test.h"
#include "flow_source.h"
#include "htflow/check.h"

TestSuite(check, .init = begin, .fini = end);

static void count(void *context, htf_check_severity severity, const char *what,
                  const char *text) {
  (void)severity;
  cr_assert(lt(sz, 0, strlen(what)));
  cr_assert(lt(sz, 0, strlen(text)));
  ++*(int *)context;
}

static void write_results(void) {
  htf_results_source source;
  htf_digest checksum;
  flow_source(&source);
  name_file("results.h5");
  htf_status status = htf_results_write(path, &source, &checksum);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
}

static void expect_findings(int wanted) {
  int found = 0;
  int64_t blocks = htf_memory_blocks();
  htf_status status = htf_check_file(path, count, NULL, &found);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  cr_assert(eq(int, found, wanted));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

static void remove_link(const char *name) {
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  cr_assert(ge(int, H5Ldelete(file, name, H5P_DEFAULT), 0));
  H5Fclose(file);
}

Test(check, of_sound_results_finds_nothing_and_leaves_nothing) {
  write_results();
  expect_findings(0);
}

// A missing column is missing in its table, and in the checksum.
Test(check, goes_on_after_a_finding) {
  write_results();
  remove_link("/timings/wall");
  remove_link("/trajectories/c0/time");
  expect_findings(3);
}

// The store's made-up sweep: loss that rises, columns and attributes that are missing.
Test(check, of_a_made_up_sweep_finds_and_leaves_nothing) {
  made_source made;
  htf_digest checksum;
  int found = 0;
  make_source(40, 5, &made);
  name_file("results.h5");
  cr_assert(eq(int, htf_results_write(path, &made.source, &checksum), HTF_OK));
  int64_t blocks = htf_memory_blocks();
  cr_assert(eq(int, htf_check_file(path, count, NULL, &found), HTF_OK));
  cr_assert(lt(int, 5, found));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

Test(check, of_no_file_is_an_error) {
  int found = 0;
  name_file("none.h5");
  cr_assert(eq(int, htf_check_file(path, count, NULL, &found), HTF_E_IO));
  cr_assert(zero(int, found));
}

// Cut anywhere, a file is a finding or two, never a crash.
Test(check, of_a_cut_file_is_a_finding, .timeout = 60) {
  static char bytes[1 << 18];
  int found = 0;
  write_results();
  FILE *file = fopen(path, "rb");
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t cut = 0; cut < size; cut += 997) {
    write_bytes("cut.h5", bytes, cut);
    int before = found;
    cr_assert(eq(int, htf_check_file(path, count, NULL, &found), HTF_OK));
    cr_assert(lt(int, before, found));
    cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
  }
}

Test(check, gives_back_all_when_memory_is_short, .timeout = 120) {
  write_results();
  int64_t blocks = htf_memory_blocks();
  htf_status status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    int found = 0;
    htf_memory_fail_at(nth);
    status = htf_check_file(path, count, NULL, &found);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    cr_assert(zero(int, found));
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
    cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
  }
}
