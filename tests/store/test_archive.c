// SPDX-License-Identifier: BSD-3-Clause
// The reader of all journals.
#include <signal.h>
#include <sys/wait.h>

#include "journal_test.h"

TestSuite(archive, .init = begin, .fini = end);

Test(archive, of_an_empty_directory_is_empty) {
  htf_digest identity = identity_of(0);
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 0));
  cr_assert(eq(int, htf_archive_state(archive, &identity), HTF_RUN_PENDING));
  htf_archive_close(&archive);
  cr_assert(eq(int, htf_archive_open("/tmp/htf-none", &archive), HTF_E_IO));
}

Test(archive, has_no_record_of_a_run_that_was_not_put) {
  htf_record record;
  htf_digest identity = identity_of(1);
  htf_archive *archive = open_archive();
  htf_record_init(&record);
  cr_assert(eq(int, htf_archive_get(archive, &identity, &record), HTF_E_INTERNAL));
  htf_archive_close(&archive);
}

Test(archive, prefers_the_latest_done_record_then_the_latest) {
  htf_journal *a = open_writer("a"), *b = open_writer("b");
  put_state(b, 1, HTF_RUN_FAILED, "first");
  put_state(a, 1, HTF_RUN_FAILED, "second");
  expect_message(1, "second");
  put_state(b, 1, HTF_RUN_FAILED, "third");
  expect_message(1, "third");
  put_state(a, 1, HTF_RUN_DONE, "done");
  put_state(b, 1, HTF_RUN_FAILED, "failed after");
  expect_message(1, "done");
  put_state(b, 1, HTF_RUN_DONE, "done again");
  expect_message(1, "done again");
  put_state(a, 1, HTF_RUN_DONE, "done at last");
  put_state(a, 2, HTF_RUN_FAILED, "another run");
  expect_message(1, "done at last");
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 2));
  htf_archive_close(&archive);
  htf_journal_close(&a);
  htf_journal_close(&b);
}

Test(archive, keeps_a_files_order_when_the_clock_was_set_back) {
  htf_journal *journal = open_writer("a");
  put_state(journal, 1, HTF_RUN_DONE, "first");
  htf_journal_close(&journal);
  run_sql("a", "UPDATE run SET written = written + 1000000000000"); // eleven days ahead
  journal = open_writer("a");
  put_state(journal, 1, HTF_RUN_DONE, "second");
  expect_message(1, "second");
  htf_journal_close(&journal);
}

Test(archive, reads_more_files_than_it_keeps_open) {
  enum { WRITERS = 70 };
  char name[16];
  for (int i = 0; i < WRITERS; i++) {
    snprintf(name, sizeof name, "w%02d", i);
    htf_journal *journal = open_writer(name);
    put(journal, i, 5);
    htf_journal_close(&journal);
  }
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), WRITERS));
  for (int i = 0; i < 2 * WRITERS; i++) {
    expect_run(archive, i % WRITERS, 5);
  }
  htf_archive_close(&archive);
}

static void expect_damaged(const char *file) {
  htf_archive *archive = NULL;
  int64_t blocks = htf_memory_blocks();
  cr_assert(eq(int, htf_archive_open(scratch, &archive), HTF_E_DATA), "%s",
            htf_error_message());
  cr_assert(not(zero(ptr, strstr(htf_error_message(), file))), "%s", htf_error_message());
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

static void fill_writer(const char *writer, int64_t from, int64_t to) {
  htf_journal *journal = open_writer(writer);
  for (int64_t run = from; run < to; run++) {
    put(journal, run, 1000);
  }
  htf_journal_close(&journal);
}

Test(archive, names_a_torn_file) {
  char path[128];
  fill_writer("good", 0, 3);
  fill_writer("torn", 3, 40);
  path_of("torn", path, sizeof path);
  cr_assert(eq(int, truncate(path, 100000), 0));
  expect_damaged("torn.sqlite");
  cr_assert(eq(int, truncate(path, 0), 0));
  expect_damaged("torn.sqlite");
}

Test(archive, names_a_file_of_garbage) {
  char path[128];
  fill_writer("good", 0, 3);
  path_of("garbage", path, sizeof path);
  FILE *file = fopen(path, "w");
  for (int i = 0; i < 20000; i++) {
    fputc(rand() & 255, file);
  }
  fclose(file);
  expect_damaged("garbage.sqlite");
}

Test(archive, names_a_file_of_another_kind_schema_or_sweep) {
  char path[128];
  fill_writer("a", 0, 1);
  sqlite3 *db = NULL;
  path_of("b", path, sizeof path);
  cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
  cr_assert(eq(int, sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK));
  sqlite3_close(db);
  expect_damaged("b.sqlite");
  unlink(path);
  htf_journal *journal = NULL;
  cr_assert(eq(int, htf_journal_open(scratch, "b", &other_plan, &journal), HTF_OK));
  htf_journal_close(&journal);
  expect_damaged("b.sqlite");
  run_sql("b", "PRAGMA user_version = 99");
  expect_damaged("schema 99");
}

static void expect_bad_run(int64_t run, const char *words) {
  htf_record record;
  htf_digest identity = identity_of(run);
  htf_archive *archive = open_archive();
  int64_t blocks = htf_memory_blocks();
  htf_record_init(&record);
  cr_assert(eq(int, htf_archive_get(archive, &identity, &record), HTF_E_DATA));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), words))), "%s", htf_error_message());
  cr_assert(zero(ptr, record.columns));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  htf_archive_close(&archive);
}

Test(archive, finds_a_flipped_byte_of_a_record) {
  fill_writer("a", 0, 3);
  run_sql("a", "UPDATE content SET bytes = CAST(substr(bytes, 1, 5000) || x'ff' ||"
               " substr(bytes, 5002) AS BLOB) WHERE number = 2");
  expect_bad_run(1, "a.sqlite: damaged: record 2 does not match its digest");
  htf_archive *archive = open_archive();
  expect_run(archive, 0, 1000);
  expect_run(archive, 2, 1000);
  htf_archive_close(&archive);
}

Test(archive, finds_exchanged_and_missing_records) {
  fill_writer("a", 0, 3);
  run_sql("a", "DELETE FROM content WHERE number = 3");
  expect_bad_run(2, "record 3 has no bytes");
  run_sql("a", "UPDATE run SET identity = x'00' WHERE number = 3");
  expect_damaged("a.sqlite: damaged: record 3 has no identity");
  run_sql("a", "UPDATE run SET identity = (SELECT identity FROM run WHERE number = 1)"
               " WHERE number = 3");
  run_sql("a", "INSERT INTO content SELECT 3, bytes FROM content WHERE number = 2");
  run_sql("a", "UPDATE run SET digest = (SELECT digest FROM run WHERE number = 2)"
               " WHERE number = 3");
  expect_bad_run(0, "record 3 is of another run");
}

Test(archive, is_safe_beside_a_writer, .timeout = 60) {
  int ends[2];
  cr_assert(eq(int, pipe(ends), 0));
  pid_t child = fork();
  if (child == 0) {
    write_until_killed(ends[1]);
  }
  close(ends[1]);
  int64_t last = 0;
  cr_assert(eq(i64, read(ends[0], &last, sizeof last), (ssize_t)sizeof last));
  for (int round = 0; round < 30; round++) {
    htf_archive *archive = open_archive();
    int64_t count = htf_archive_count(archive);
    cr_assert(ge(i64, count, last));
    last = count;
    for (int64_t run = count > 3 ? count - 3 : 0; run < count; run++) {
      expect_run(archive, run, 2000);
    }
    htf_archive_close(&archive);
  }
  cr_assert(eq(int, kill(child, 0), 0)); // the reader never made it fail
  int how = 0;
  cr_assert(eq(int, waitpid(child, &how, WNOHANG), 0));
  kill(child, SIGKILL);
  waitpid(child, &how, 0);
}

Test(archive, gives_back_all_when_memory_is_short) {
  fill_writer("a", 0, 3);
  fill_writer("b", 3, 5);
  htf_archive *archive = NULL;
  htf_record record;
  htf_digest identity = identity_of(4);
  int64_t blocks = htf_memory_blocks();
  htf_status status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_archive_open(scratch, &archive);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    cr_assert(status == HTF_OK || htf_memory_blocks() == blocks);
  }
  htf_record_init(&record);
  blocks = htf_memory_blocks();
  status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_archive_get(archive, &identity, &record);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    cr_assert(status == HTF_OK || htf_memory_blocks() == blocks);
  }
  htf_record_clear(&record);
  htf_archive_close(&archive);
}
