// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <hdf5.h>
#include <sys/mount.h>

#include "made_source.h"

static char scratch[64], path[128];

static void begin(void) {
  make_scratch(scratch);
  snprintf(path, sizeof path, "%s/results.h5", scratch);
}

static void end(void) {
  umount2(scratch, MNT_DETACH); // where a test left something mounted
  remove_scratch(scratch);
}

TestSuite(results, .init = begin, .fini = end);

static htf_digest write_runs(made_source *made) {
  htf_digest checksum = {{0}};
  htf_status status = htf_results_write(path, &made->source, &checksum);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return checksum;
}

// Fails with this status and these words, and leaves no file, no handle and no memory.
static void expect_failure(made_source *made, htf_status expected, const char *words) {
  htf_digest checksum;
  int files = count_names(scratch);
  int64_t blocks = htf_memory_blocks();
  htf_status status = htf_results_write(path, &made->source, &checksum);
  cr_assert(eq(int, status, expected), "%s", htf_error_message());
  cr_assert(not(zero(ptr, strstr(htf_error_message(), words))), "%s", htf_error_message());
  cr_assert(not(zero(ptr, strstr(htf_error_message(), path))), "%s", htf_error_message());
  cr_assert(eq(int, count_names(scratch), files));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

static bool same_bytes(const char *a, const char *b) {
  FILE *x = fopen(a, "rb"), *y = fopen(b, "rb");
  int c = 0, d = 0;
  while (c == d && c != EOF) {
    c = getc(x);
    d = getc(y);
  }
  fclose(x);
  fclose(y);
  return c == d;
}

Test(results, leave_no_handle_file_or_memory_behind) {
  made_source made;
  int64_t blocks = htf_memory_blocks();
  make_source(40, 5, &made);
  write_runs(&made);
  cr_assert(eq(int, count_names(scratch), 1));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

Test(results, have_the_same_bytes_for_the_same_records) {
  made_source made;
  char other[160];
  make_source(40, 5, &made);
  htf_digest first = write_runs(&made);
  snprintf(other, sizeof other, "%s.other", path);
  cr_assert(eq(int, rename(path, other), 0));
  htf_digest second = write_runs(&made);
  cr_assert(eq(int, memcmp(&first, &second, sizeof first), 0));
  cr_assert(same_bytes(path, other), "results differ");
}

Test(results, have_the_same_checksum_whatever_the_timings) {
  made_source made;
  make_source(40, 5, &made);
  htf_digest first = write_runs(&made);
  made.date = 1.8e9;
  made.source.timing_attributes = 0;
  htf_digest second = write_runs(&made);
  cr_assert(eq(int, memcmp(&first, &second, sizeof first), 0));
}

Test(results, have_another_checksum_for_other_records) {
  made_source made;
  make_source(40, 5, &made);
  htf_digest first = write_runs(&made);
  made.samples = 4;
  htf_digest second = write_runs(&made);
  cr_assert(ne(int, memcmp(&first, &second, sizeof first), 0));
}

Test(results, replace_an_older_file_at_once) {
  made_source made;
  FILE *file = fopen(path, "w");
  fputs("older", file);
  fclose(file);
  make_source(12, 5, &made);
  made.fail_at = 9;
  expect_failure(&made, HTF_E_DATA, "the source fails at run 9");
  char text[8] = "";
  file = fopen(path, "r");
  cr_assert(eq(sz, fread(text, 1, 5, file), 5));
  cr_assert(eq(str, text, "older")); // a failure leaves it as it was
  fclose(file);
  made.fail_at = -1;
  write_runs(&made);
  cr_assert(lt(int, 0, H5Fis_hdf5(path)));
}

Test(results, cannot_be_written_where_there_is_no_directory) {
  made_source made;
  make_source(5, 5, &made);
  snprintf(path, sizeof path, "%s/none/results.h5", scratch);
  expect_failure(&made, HTF_E_IO, "No such file or directory");
}

Test(results, say_that_the_disk_is_full) {
  made_source made;
  char size[32];
  make_source(3000, 50, &made); // about a megabyte
  for (int room = 4; room < 900; room += 60) {
    snprintf(size, sizeof size, "size=%dk", room);
    if (mount("tmpfs", scratch, "tmpfs", 0, size) != 0) {
      cr_skip("mounting needs root");
    }
    expect_failure(&made, HTF_E_IO, "No space left on device");
    cr_assert(eq(int, umount(scratch), 0)); // no descriptor is left either
  }
  write_runs(&made); // the process can still write results elsewhere
}

Test(results, need_a_descriptor_for_every_column) {
  made_source made;
  make_source(5, 5, &made);
  made.source.variables = 2;
  expect_failure(&made, HTF_E_INTERNAL, "column local_component_norm has no descriptor");
}

Test(results, need_a_descriptor_of_the_columns_rank) {
  made_source made;
  htf_variable other[6];
  make_source(5, 5, &made);
  memcpy(other, made_variables, sizeof other);
  other[0].rank = 2;
  made.source.variable = other;
  expect_failure(&made, HTF_E_INTERNAL, "column time has 1 dimensions, its descriptor 2");
}

Test(results, need_as_many_nodes_as_the_tree_has) {
  made_source made;
  htf_variable other[6];
  make_source(8, 5, &made);
  memcpy(other, made_variables, sizeof other);
  other[3].dims[1] = "node";
  made.source.variable = other;
  expect_failure(&made, HTF_E_INTERNAL,
                 "run 1: column singular_value has 3 nodes where the tree has 1");
}

Test(results, need_a_name_for_each_axis) {
  made_source made;
  htf_results_axis other[3];
  make_source(5, 5, &made);
  memcpy(other, made_axes, sizeof other);
  other[1].label = "status";
  made.source.axis = other;
  expect_failure(&made, HTF_E_INTERNAL, "two variables of the name /runs/status");
}

Test(results, need_shapes_that_fit_the_weights) {
  made_source made;
  make_source(5, 5, &made);
  made.source.shape = NULL;
  expect_failure(&made, HTF_E_INTERNAL, "weights kept, but no shape told");
}

Test(results, give_back_all_when_memory_is_short, .timeout = 60) {
  made_source made;
  htf_digest checksum;
  make_source(3, 2, &made);
  int64_t blocks = htf_memory_blocks();
  htf_status status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_results_write(path, &made.source, &checksum);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
    cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
    cr_assert(eq(int, count_names(scratch), status == HTF_OK));
  }
}

// ---- helpers ----------------------------------------------------------------------------

// Helpers that take what they please and give it back in an order of their own.
typedef struct odd_helpers {
  htf_results_encoder *encoder;
  int count, most, taken, given; // tasks at hand, and at most; ever taken, given back
  int slot[64];
  size_t made[64];
  unsigned state;
  int fail_at; // which to be given back fails; 0 for none
} odd_helpers;

static unsigned draw(odd_helpers *h) {
  h->state = h->state * 1664525 + 1013904223;
  return h->state >> 16;
}

static htf_status take(void *context, int slot, const void *task, size_t count, void *reply,
                       bool *taken) {
  odd_helpers *h = context;
  *taken = h->count < h->most && draw(h) % 4 != 0;
  if (*taken) {
    h->slot[h->count] = slot;
    h->taken++;
    return htf_results_encode(h->encoder, task, count, reply, &h->made[h->count++]);
  }
  return HTF_OK;
}

static htf_status give(void *context, bool wait, int *slot, size_t *made) {
  htf_status status = HTF_OK;
  odd_helpers *h = context;
  *slot = -1;
  cr_assert(h->count > 0 || !wait);
  if (h->count > 0 && (wait || draw(h) % 3 == 0)) {
    int which = (int)(draw(h) % (unsigned)h->count);
    *slot = h->slot[which];
    *made = h->made[which];
    h->slot[which] = h->slot[--h->count];
    h->made[which] = h->made[h->count];
    HTF_CHECK(++h->given != h->fail_at, HTF_E_MEMORY, "a helper has no memory");
  }
done:
  return status;
}

Test(results, have_the_same_bytes_whoever_helps) {
  made_source made;
  odd_helpers h = {.most = 0};
  htf_results_helpers helpers = {&h, take, give};
  char other[160];
  snprintf(other, sizeof other, "%s.other", path);
  make_source(900, 60, &made);
  write_runs(&made);
  cr_assert(eq(int, rename(path, other), 0));
  cr_assert(eq(int, htf_results_encoder_create(&h.encoder), HTF_OK));
  made.source.helpers = &helpers;
  for (h.most = 1; h.most <= 64; h.most *= 4) {
    h.state = (unsigned)h.most;
    h.taken = 0;
    write_runs(&made);
    cr_assert(same_bytes(path, other), "with helpers that take %d at once", h.most);
    cr_assert(lt(int, 10, h.taken));
    cr_assert(eq(int, h.count, 0));
  }
  htf_results_encoder_destroy(&h.encoder);
}

Test(results, say_that_a_helper_failed_and_wait_for_the_others) {
  made_source made;
  odd_helpers h = {.most = 8};
  htf_results_helpers helpers = {&h, take, give};
  make_source(900, 60, &made);
  cr_assert(eq(int, htf_results_encoder_create(&h.encoder), HTF_OK));
  made.source.helpers = &helpers;
  write_runs(&made); // the encoder has all it needs
  for (h.fail_at = 1; h.fail_at < 12; h.fail_at += 5) {
    h.given = 0;
    expect_failure(&made, HTF_E_MEMORY, "a helper has no memory");
    cr_assert(eq(int, h.count, 0));
  }
  htf_results_encoder_destroy(&h.encoder);
}
