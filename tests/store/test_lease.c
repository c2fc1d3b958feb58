// SPDX-License-Identifier: BSD-3-Clause
// Leases between jobs: here, several in one process, or in children that are killed.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "htflow/clock.h"
#include "htflow/lease.h"
#include "store_test.h"

static const htf_digest plan = {{1, 2, 3}}, other_plan = {{1, 2, 4}};
static char scratch[64], folder[80];

static void begin(void) {
  make_scratch(scratch);
  snprintf(folder, sizeof folder, "%s/leases", scratch);
}

static void end(void) {
  remove_scratch(scratch);
}

static htf_leases *join(const htf_digest *of, double patience) {
  htf_leases *leases = NULL;
  htf_clock_sleep(2e-3); // jobs of one process are told apart by the millisecond
  cr_assert(eq(int, htf_leases_open(scratch, of, patience, &leases), HTF_OK), "%s",
            htf_error_message());
  return leases;
}

static bool takes(htf_leases *leases, int64_t block) {
  bool taken = false;
  cr_assert(eq(int, htf_leases_take(leases, block, &taken), HTF_OK), "%s",
            htf_error_message());
  return taken;
}

static bool in_company(htf_leases *leases) {
  bool company = false;
  cr_assert(eq(int, htf_leases_company(leases, &company), HTF_OK));
  return company;
}

TestSuite(lease, .init = begin, .fini = end);

Test(lease, of_a_block_is_held_by_one_job) {
  int64_t blocks = htf_memory_blocks();
  htf_leases *a = join(&plan, 60), *b = join(&plan, 60), *c = join(&other_plan, 60);
  cr_assert(takes(a, 1));
  cr_assert(not(takes(b, 1)));
  cr_assert(takes(b, 2));
  cr_assert(not(takes(a, 2)));
  cr_assert(takes(c, 1));
  htf_leases_release(a, 1);
  cr_assert(takes(b, 1));
  htf_leases_close(&b); // and gives back both
  cr_assert(takes(a, 1));
  cr_assert(takes(a, 2));
  htf_leases_close(&a);
  htf_leases_close(&c);
  cr_assert(zero(int, count_names(folder)));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

Test(lease, shows_the_company_there_was) {
  htf_leases *a = join(&plan, 60);
  cr_assert(not(in_company(a)));
  htf_leases *b = join(&plan, 60);
  cr_assert(in_company(a));
  htf_leases_close(&b);
  cr_assert(in_company(a)); // what it did is news to the first
  htf_leases *c = join(&plan, 60);
  htf_leases_close(&a);
  htf_leases_close(&c);
  cr_assert(zero(int, count_names(folder)));
  a = join(&plan, 60);
  cr_assert(not(in_company(a)));
  htf_leases_close(&a);
}

Test(lease, of_a_killed_job_of_this_host_is_free_at_once) {
  int ends[2];
  char byte;
  cr_assert(eq(int, pipe(ends), 0));
  pid_t child = fork();
  if (child == 0) {
    htf_leases *leases = join(&plan, 3600);
    byte = takes(leases, 7) ? 1 : 0;
    if (write(ends[1], &byte, 1) == 1) {
      pause();
    }
    _exit(1);
  }
  cr_assert(eq(i64, read(ends[0], &byte, 1), (ssize_t)1));
  htf_leases *leases = join(&plan, 3600);
  cr_assert(not(takes(leases, 7)));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  cr_assert(takes(leases, 7));
  htf_leases_close(&leases);
  cr_assert(zero(int, count_names(folder)));
}

// What a job of another host would leave: a file whose lock says nothing here.
static void write_job(const char *text) {
  char path[128], link_path[128];
  snprintf(path, sizeof path, "%s/far-1-1.job", folder);
  snprintf(link_path, sizeof link_path, "%s/010203000000-7.lease", folder);
  FILE *file = fopen(path, "w");
  fprintf(file, "%s\n", text);
  fclose(file);
  cr_assert(link(path, link_path) == 0 || errno == EEXIST);
}

Test(lease, of_a_job_that_no_longer_beats_is_taken_over) {
  htf_leases *leases = join(&plan, 0.3);
  write_job("far-1-1 far - 0 5 lives");
  for (int beat = 6; beat < 16; beat++) { // it beats, for longer than the patience
    cr_assert(not(takes(leases, 7)));
    htf_clock_sleep(0.06);
    char text[64];
    snprintf(text, sizeof text, "far-1-1 far - 0 %d lives", beat);
    write_job(text);
  }
  cr_assert(not(takes(leases, 7)));
  htf_clock_sleep(0.35);
  cr_assert(takes(leases, 7));
  htf_leases_close(&leases);
}

Test(lease, of_an_earlier_start_of_the_same_slurm_job_is_free) {
  setenv("SLURM_JOB_ID", "4711", 1);
  setenv("SLURM_RESTART_COUNT", "2", 1);
  htf_leases *leases = join(&plan, 3600);
  write_job("far-1-1 far 4711 2 5 lives");
  cr_assert(not(takes(leases, 7)));
  write_job("far-1-1 far 4711 1 5 lives");
  cr_assert(takes(leases, 7));
  htf_leases_close(&leases);
}

Test(lease, is_had_again_by_a_job_that_was_taken_for_dead) {
  char path[192];
  htf_leases *leases = join(&plan, 60);
  cr_assert(takes(leases, 1));
  snprintf(path, sizeof path, "rm -f %s/*", folder);
  cr_assert(zero(int, system(path)));
  htf_leases_beat(leases);
  cr_assert(takes(leases, 2));
  htf_leases *other = join(&plan, 60);
  cr_assert(not(takes(other, 2)));
  htf_leases_close(&leases);
  htf_leases_close(&other);
  cr_assert(zero(int, count_names(folder)));
}

Test(lease, beats_while_its_job_lives) {
  htf_leases *a = join(&plan, 0.3), *b = join(&plan, 0.3);
  cr_assert(takes(a, 1));
  double stop = htf_clock_now() + 0.8;
  while (htf_clock_now() < stop) {
    htf_leases_beat(a);
    cr_assert(not(takes(b, 1)));
    htf_clock_sleep(0.02);
  }
  htf_leases_close(&a);
  htf_leases_close(&b);
}
