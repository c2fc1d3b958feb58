// SPDX-License-Identifier: BSD-3-Clause
// The writer of a journal.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "htflow/clock.h"
#include "journal_test.h"

TestSuite(journal, .init = begin, .fini = end);

Test(journal, what_was_put_is_read_back) {
  int64_t blocks = htf_memory_blocks();
  htf_journal *journal = open_writer("w0");
  for (int64_t run = 0; run < 20; run++) {
    put(journal, run, 100 * run);
  }
  htf_archive *archive = open_archive(); // beside the writer
  cr_assert(eq(i64, htf_archive_count(archive), 20));
  for (int64_t run = 0; run < 20; run++) {
    expect_run(archive, run, 100 * run);
  }
  htf_archive_close(&archive);
  htf_journal_close(&journal);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

Test(journal, is_one_file_a_writer_and_goes_on_when_reopened) {
  char path[128];
  for (int64_t run = 0; run < 6; run++) {
    htf_journal *journal = open_writer(run % 2 ? "w1" : "w0");
    put(journal, run, 3);
    htf_journal_close(&journal);
  }
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 6));
  for (int64_t run = 0; run < 6; run++) {
    expect_run(archive, run, 3);
  }
  htf_archive_close(&archive);
  snprintf(path, sizeof path, "%s/journal", scratch);
  cr_assert(eq(int, count_names(path), 2 * 3)); // database, rollback journal, lock
}

Test(journal, outlives_its_plan) {
  htf_journal *journal = open_writer("w0");
  put(journal, 1, 10);
  htf_journal_close(&journal);
  cr_assert(eq(int, htf_journal_open(scratch, "w0", &other_plan, &journal), HTF_OK));
  put(journal, 2, 10);
  htf_journal_close(&journal);
  htf_archive *archive = open_archive();
  expect_run(archive, 1, 10);
  expect_run(archive, 2, 10);
  htf_archive_close(&archive);
}

Test(journal, makes_safe_what_was_added_only_when_committed) {
  htf_journal *journal = open_writer("w0");
  htf_record record;
  for (int64_t run = 0; run < 5; run++) {
    make_record(run, 100, &record);
    cr_assert(eq(int, htf_journal_add(journal, &record), HTF_OK));
    htf_record_clear(&record);
  }
  cr_assert(lt(sz, 5 * 800, htf_journal_waiting(journal)));
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 0));
  cr_assert(eq(int, htf_journal_commit(journal), HTF_OK));
  cr_assert(zero(sz, htf_journal_waiting(journal)));
  cr_assert(eq(i64, htf_archive_count(archive), 0)); // as it was opened
  cr_assert(eq(int, htf_archive_refresh(archive), HTF_OK));
  cr_assert(eq(i64, htf_archive_count(archive), 5));
  for (int64_t run = 0; run < 5; run++) {
    expect_run(archive, run, 100);
  }
  put(journal, 5, 7);
  put(journal, 5, 8); // a run done twice counts once, the latest
  cr_assert(eq(int, htf_archive_refresh(archive), HTF_OK));
  cr_assert(eq(i64, htf_archive_count(archive), 6));
  expect_run(archive, 5, 8);
  htf_archive_close(&archive);
  htf_journal_close(&journal);
}

Test(journal, without_a_name_takes_the_first_that_nobody_holds) {
  htf_journal *first = NULL, *second = NULL, *third = NULL;
  char name[2][96];
  cr_assert(eq(int, htf_journal_open(scratch, NULL, &plan, &first), HTF_OK));
  cr_assert(eq(int, htf_journal_open(scratch, NULL, &plan, &second), HTF_OK));
  snprintf(name[0], sizeof name[0], "%s", htf_journal_writer(first));
  snprintf(name[1], sizeof name[1], "%s", htf_journal_writer(second));
  cr_assert(ne(str, name[0], name[1]));
  put(first, 1, 5);
  put(second, 2, 5);
  htf_journal_close(&first);
  cr_assert(eq(int, htf_journal_open(scratch, NULL, &plan, &third), HTF_OK));
  cr_assert(eq(str, (char *)htf_journal_writer(third), name[0]));
  put(third, 3, 5);
  htf_journal_close(&second);
  htf_journal_close(&third);
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 3));
  htf_archive_close(&archive);
}

static void expect_checkpoint(int64_t run, const char *writer, const char *text,
                              int64_t attempts) {
  htf_digest identity = identity_of(run);
  htf_archive *archive = open_archive();
  void *bytes = NULL;
  size_t count = 0;
  int64_t found = 0;
  const char *who = htf_archive_checkpoint(archive, &identity);
  cr_assert(not(zero(ptr, (void *)who)));
  cr_assert(eq(str, (char *)who, (char *)writer));
  cr_assert(eq(int,
               htf_journal_read_checkpoint(scratch, who, &identity, &bytes, &count, &found),
               HTF_OK));
  cr_assert(eq(sz, count, strlen(text)));
  cr_assert(eq(int, memcmp(bytes, text, count), 0));
  cr_assert(eq(i64, found, attempts));
  HTF_FREE(bytes);
  htf_archive_close(&archive);
}

static void checkpoint(htf_journal *journal, int64_t run, int64_t attempts,
                       const char *text) {
  htf_digest identity = identity_of(run);
  cr_assert(eq(int,
               htf_journal_add_checkpoint(journal, &identity, attempts, text, strlen(text)),
               HTF_OK));
  cr_assert(eq(int, htf_journal_commit(journal), HTF_OK));
}

Test(journal, keeps_the_last_checkpoint_of_a_run_until_its_record) {
  htf_journal *a = open_writer("a"), *b = open_writer("b");
  htf_digest identity = identity_of(1);
  checkpoint(a, 1, 1, "first");
  checkpoint(a, 2, 1, "another run's");
  expect_checkpoint(1, "a", "first", 1);
  checkpoint(a, 1, 1, "second, longer");
  expect_checkpoint(1, "a", "second, longer", 1);
  checkpoint(b, 1, 2, "third, of another writer");
  expect_checkpoint(1, "b", "third, of another writer", 2);
  put(b, 1, 10);
  expect_checkpoint(2, "a", "another run's", 1);
  void *bytes = NULL;
  size_t count = 0;
  int64_t attempts = 0;
  cr_assert(eq(
      int, htf_journal_read_checkpoint(scratch, "b", &identity, &bytes, &count, &attempts),
      HTF_OK));
  cr_assert(zero(ptr, bytes));
  run_sql("a", "UPDATE checkpoint SET bytes = x'00'");
  cr_assert(eq(
      int, htf_journal_read_checkpoint(scratch, "a", &identity, &bytes, &count, &attempts),
      HTF_E_DATA));
  htf_journal_close(&a);
  htf_journal_close(&b);
}

Test(journal, of_an_older_schema_is_read_and_brought_up_to_date) {
  htf_journal *journal = open_writer("w0");
  put(journal, 1, 10);
  htf_journal_close(&journal);
  run_sql("w0", "DROP TABLE checkpoint; DELETE FROM journal WHERE name = 'schema';"
                "PRAGMA user_version = 1");
  htf_archive *archive = open_archive();
  expect_run(archive, 1, 10);
  htf_archive_close(&archive);
  journal = open_writer("w0");
  checkpoint(journal, 2, 1, "new");
  htf_journal_close(&journal);
  expect_checkpoint(2, "w0", "new", 1);
  archive = open_archive();
  expect_run(archive, 1, 10);
  htf_archive_close(&archive);
}

Test(journal, of_a_newer_schema_is_refused) {
  htf_journal *journal = open_writer("w0");
  htf_archive *archive = NULL;
  htf_journal_close(&journal);
  run_sql("w0", "UPDATE journal SET value = 99 WHERE name = 'schema';"
                "PRAGMA user_version = 99");
  cr_assert(eq(int, htf_journal_open(scratch, "w0", &plan, &journal), HTF_E_ENVIRONMENT));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "newer htflow"))));
  cr_assert(eq(int, htf_archive_open(scratch, &archive), HTF_E_ENVIRONMENT));
}

Test(journal, has_one_writer_at_a_time) {
  htf_journal *journal = open_writer("w0"), *second = NULL;
  double start = htf_clock_now();
  cr_assert(eq(int, htf_journal_open(scratch, "w0", &plan, &second), HTF_E_IO));
  cr_assert(lt(dbl, htf_clock_now() - start, 10));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "held by another process"))), "%s",
            htf_error_message());
  pid_t child = fork();
  if (child == 0) {
    _exit(htf_journal_open(scratch, "w0", &plan, &second) == HTF_E_IO ? 0 : 1);
  }
  int how = 0;
  waitpid(child, &how, 0);
  cr_assert(eq(int, how, 0));
  put(journal, 1, 1); // the first one still writes
  htf_journal_close(&journal);
  journal = open_writer("w0");
  htf_journal_close(&journal);
}

Test(journal, refuses_a_directory_that_is_not_there) {
  htf_journal *journal = NULL;
  cr_assert(
      eq(int, htf_journal_open("/tmp/htf-none/none", "w0", &plan, &journal), HTF_E_IO));
}

Test(journal, loses_nothing_to_kill_9, .timeout = 60) {
  int64_t acknowledged = -1;
  int hot = 0;
  srand(7);
  for (int round = 0; round < 40; round++) {
    int ends[2];
    cr_assert(eq(int, pipe(ends), 0));
    pid_t child = fork();
    if (child == 0) {
      write_until_killed(ends[1]);
    }
    close(ends[1]);
    int64_t first = -1; // however long that takes
    cr_assert(eq(i64, read(ends[0], &first, sizeof first), (ssize_t)sizeof first));
    acknowledged = first;
    usleep((useconds_t)(rand() % 25000));
    kill(child, SIGKILL);
    int how = 0;
    waitpid(child, &how, 0);
    bool killed = WIFSIGNALED(how);
    cr_assert(killed, "the writer ended by itself: %d", how);
    for (int64_t run = 0; read(ends[0], &run, sizeof run) == (ssize_t)sizeof run;) {
      acknowledged = run;
    }
    close(ends[0]);
    char path[128], mark = 0;
    snprintf(path, sizeof path, "%s/journal/w0.sqlite-journal", scratch);
    int fd = open(path, O_RDONLY);
    hot += fd >= 0 && read(fd, &mark, 1) == 1 && mark != 0;
    close(fd);
    htf_archive *archive = open_archive();
    cr_assert(ge(i64, htf_archive_count(archive), acknowledged + 1));
    int64_t from = acknowledged > 20 ? acknowledged - 20 : 0;
    for (int64_t run = from; run <= acknowledged; run++) {
      expect_run(archive, run, 2000);
    }
    htf_archive_close(&archive);
  }
  cr_assert(ge(i64, acknowledged, 39));
  cr_log_info("%ld records acknowledged; %d of 40 kills left a half-done transaction\n",
              (long)acknowledged, hot);
  htf_archive *archive = open_archive();
  for (int64_t run = 0; run <= acknowledged; run++) {
    expect_run(archive, run, 2000);
  }
  htf_archive_close(&archive);
}

Test(journal, goes_on_after_the_disk_was_full) {
  char filler[128];
  if (mount("tmpfs", scratch, "tmpfs", 0, "size=1m") != 0) {
    cr_skip("mounting needs root");
  }
  htf_journal *journal = open_writer("w0");
  htf_record record;
  int64_t run = 0, refused = 0;
  snprintf(filler, sizeof filler, "%s/filler", scratch);
  int fd = open(filler, O_CREAT | O_WRONLY, 0600);
  cr_assert(eq(int, posix_fallocate(fd, 0, 400000), 0));
  for (; refused == 0; run++) {
    make_record(run, 5000, &record);
    refused = htf_journal_put(journal, &record) == HTF_OK ? 0 : run;
    htf_record_clear(&record);
  }
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "full"))), "%s", htf_error_message());
  unlink(filler);
  close(fd);
  put(journal, refused, 5000); // room again
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), refused + 1));
  for (run = 0; run <= refused; run++) {
    expect_run(archive, run, 5000);
  }
  htf_archive_close(&archive);
  htf_journal_close(&journal);
  cr_assert(eq(int, umount(scratch), 0));
}

// A writer that finds its file damaged begins a new one, and what was whole is still read.
Test(journal, that_is_torn_is_set_aside_and_begun_anew) {
  char path[128];
  struct stat facts;
  htf_journal *journal = open_writer("w0");
  for (int64_t run = 0; run < 30; run++) {
    put(journal, run, 1000);
  }
  htf_journal_close(&journal);
  path_of("w0", path, sizeof path);
  stat(path, &facts);
  cr_assert(eq(int, truncate(path, facts.st_size * 7 / 10 + 1), 0));
  journal = open_writer("w0");
  put(journal, 100, 10);
  htf_journal_close(&journal);
  htf_archive *archive = open_archive();
  int64_t kept = htf_archive_count(archive) - 1;
  cr_assert(kept > 8 && kept < 30, "%ld", (long)kept);
  for (int64_t run = 0; run < kept; run++) {
    expect_run(archive, run, 1000);
  }
  expect_run(archive, 100, 10);
  htf_archive_close(&archive);
}

// SQLite has an allocator of its own; this walks over ours.
Test(journal, gives_back_all_when_memory_is_short) {
  htf_journal *journal = NULL;
  htf_record record;
  int64_t blocks = htf_memory_blocks();
  htf_status status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_journal_open(scratch, "w0", &plan, &journal);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    cr_assert(status == HTF_OK || htf_memory_blocks() == blocks);
  }
  make_record(0, 10, &record);
  blocks = htf_memory_blocks();
  status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_journal_put(journal, &record);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  htf_record_clear(&record);
  htf_journal_close(&journal);
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 1));
  htf_archive_close(&archive);
}
