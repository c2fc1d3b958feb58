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

// What a process stopped amid a commit leaves: its journal cannot be read.
Test(archive, passes_over_a_writer_that_hangs, .timeout = 60) {
  char path[128];
  sqlite3 *hung = NULL;
  htf_journal *a = open_writer("a"), *b = open_writer("b");
  put(a, 1, 5);
  put(b, 2, 5);
  path_of("b", path, sizeof path);
  cr_assert(eq(int, sqlite3_open(path, &hung), SQLITE_OK));
  cr_assert(eq(int, sqlite3_exec(hung, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK));
  htf_archive *archive = open_archive();
  cr_assert(eq(i64, htf_archive_count(archive), 1));
  expect_run(archive, 1, 5);
  put(a, 3, 5);
  cr_assert(eq(int, htf_archive_refresh(archive), HTF_OK));
  cr_assert(eq(i64, htf_archive_count(archive), 2));
  sqlite3_close(hung);
  cr_assert(eq(int, htf_archive_refresh(archive), HTF_OK));
  cr_assert(eq(i64, htf_archive_count(archive), 3));
  expect_run(archive, 2, 5);
  put(b, 4, 5);
  cr_assert(eq(int, htf_archive_refresh(archive), HTF_OK));
  cr_assert(eq(i64, htf_archive_count(archive), 4));
  htf_archive_close(&archive);
  htf_journal_close(&a);
  htf_journal_close(&b);
}

static void fill_writer(const char *writer, int64_t from, int64_t to) {
  htf_journal *journal = open_writer(writer);
  for (int64_t run = from; run < to; run++) {
    put(journal, run, 1000);
  }
  htf_journal_close(&journal);
}

// Runs `from` to `to` - 1 of those the archive has, each whole; how many.
static int64_t count_whole(int64_t from, int64_t to) {
  htf_archive *archive = open_archive();
  int64_t count = 0;
  for (int64_t run = from; run < to; run++) {
    htf_digest identity = identity_of(run);
    if (htf_archive_state(archive, &identity) == HTF_RUN_DONE) {
      expect_run(archive, run, 1000);
      count++;
    }
  }
  cr_assert(eq(i64, htf_archive_count(archive), count));
  htf_archive_close(&archive);
  return count;
}

Test(archive, keeps_what_is_whole_of_a_torn_file) {
  char path[128];
  fill_writer("good", 0, 3);
  fill_writer("torn", 3, 40);
  path_of("torn", path, sizeof path);
  cr_assert(eq(i64, count_whole(0, 40), 40));
  int64_t last = 40;
  struct stat facts;
  stat(path, &facts);
  for (int64_t size = facts.st_size - 1; size > 0; size -= 30011) {
    cr_assert(eq(int, truncate(path, size), 0));
    int64_t count = count_whole(0, 40);
    cr_assert(count >= 3 && count <= last, "%ld", (long)count);
    // Each record takes two pages of 8 KiB; a page of the tree above them, of some ten.
    cr_assert(ge(i64, count, 3 + (size - 250000) / 16384), "%ld of %ld bytes", (long)count,
              (long)size);
    last = count;
  }
  cr_assert(eq(int, truncate(path, 0), 0));
  cr_assert(eq(i64, count_whole(0, 40), 3));
}

// Every byte of the file, taken in long strides, is damaged in turn.
Test(archive, keeps_what_is_whole_beside_a_flipped_byte, .timeout = 60) {
  char path[128];
  struct stat facts;
  fill_writer("good", 0, 3);
  fill_writer("bad", 3, 20);
  path_of("bad", path, sizeof path);
  stat(path, &facts);
  int hit = 0;
  for (int64_t at = 0; at < facts.st_size; at += 1237) {
    FILE *file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 0x41, file);
    fclose(file);
    htf_archive *archive = open_archive();
    int64_t damaged = 0;
    cr_assert(eq(int, htf_archive_verify(archive, &damaged), HTF_OK), "%s",
              htf_error_message());
    for (int64_t run = 0; run < 20; run++) {
      htf_digest identity = identity_of(run);
      if (htf_archive_state(archive, &identity) == HTF_RUN_DONE) {
        expect_run(archive, run, 1000);
      }
    }
    cr_assert(ge(i64, htf_archive_count(archive), 3));
    // But for what all records stand on, the first pages, a byte costs one record.
    cr_assert(ge(i64, htf_archive_count(archive), at < 50000 ? 3 : 19), "at %ld: %ld",
              (long)at, (long)htf_archive_count(archive));
    hit += htf_archive_count(archive) < 20;
    htf_archive_close(&archive);
    file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    fputc(byte, file);
    fclose(file);
  }
  cr_assert(lt(int, 50, hit));
  cr_assert(eq(i64, count_whole(0, 20), 20));
}

Test(archive, takes_nothing_from_a_file_of_garbage_or_of_another_kind) {
  char path[128];
  fill_writer("good", 0, 3);
  path_of("garbage", path, sizeof path);
  FILE *file = fopen(path, "w");
  for (int i = 0; i < 20000; i++) {
    fputc(rand() & 255, file);
  }
  fclose(file);
  cr_assert(eq(i64, count_whole(0, 3), 3));
  sqlite3 *db = NULL;
  path_of("b", path, sizeof path);
  cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
  cr_assert(eq(int, sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK));
  sqlite3_close(db);
  cr_assert(eq(i64, count_whole(0, 3), 3));
}

static void expect_bad_run(int64_t run, const char *words) {
  htf_record record;
  htf_digest identity = identity_of(run);
  htf_archive *archive = open_archive();
  int64_t blocks = htf_memory_blocks(), damaged = 0;
  htf_record_init(&record);
  cr_assert(eq(int, htf_archive_get(archive, &identity, &record), HTF_E_DATA));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), words))), "%s", htf_error_message());
  cr_assert(zero(ptr, record.columns));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  htf_archive_close(&archive);
  archive = open_archive();
  cr_assert(eq(int, htf_archive_verify(archive, &damaged), HTF_OK));
  cr_assert(eq(i64, damaged, 1));
  cr_assert(eq(int, htf_archive_state(archive, &identity), HTF_RUN_PENDING));
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
  fill_writer("b", 1, 2); // done again: the damaged record stands in nobody's way
  archive = open_archive();
  expect_run(archive, 1, 1000);
  htf_archive_close(&archive);
  run_sql("b", "UPDATE run SET written = 1");
  archive = open_archive();
  expect_run(archive, 1, 1000);
  htf_archive_close(&archive);
}

Test(archive, finds_exchanged_and_missing_records) {
  fill_writer("a", 0, 3);
  run_sql("a", "DELETE FROM content WHERE number = 3");
  expect_bad_run(2, "record 3 has no bytes");
  run_sql("a", "UPDATE run SET identity = x'00' WHERE number = 3");
  cr_assert(eq(i64, count_whole(0, 3), 2));
  run_sql("a", "UPDATE run SET identity = (SELECT identity FROM run WHERE number = 2)"
               " WHERE number = 3");
  run_sql("a", "DELETE FROM run WHERE number = 2");
  run_sql("a", "INSERT INTO content SELECT 3, bytes FROM content WHERE number = 1");
  run_sql("a", "UPDATE run SET digest = (SELECT digest FROM run WHERE number = 1)"
               " WHERE number = 3");
  expect_bad_run(1, "record 3 is of another run");
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
