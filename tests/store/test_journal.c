// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "htflow/clock.h"
#include "htflow/journal.h"
#include "store_test.h"

static const htf_digest plan = {{1, 2, 3}}, other_plan = {{1, 2, 4}};
static char scratch[64];

static void begin(void) {
  make_scratch(scratch);
}

static void end(void) {
  remove_scratch(scratch);
}

TestSuite(journal, .init = begin, .fini = end);
TestSuite(archive, .init = begin, .fini = end);

static htf_journal *open_writer(const char *writer) {
  htf_journal *journal = NULL;
  htf_status status = htf_journal_open(scratch, writer, &plan, &journal);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return journal;
}

static htf_archive *open_archive(void) {
  htf_archive *archive = NULL;
  htf_status status = htf_archive_open(scratch, &archive);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return archive;
}

static void put(htf_journal *journal, int64_t run, int64_t samples) {
  htf_record record;
  make_record(run, samples, &record);
  htf_status status = htf_journal_put(journal, &record);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  htf_record_clear(&record);
}

// A record without columns, told apart by its message.
static void put_state(htf_journal *journal, int64_t run, int state, const char *message) {
  htf_record record;
  htf_record_init(&record);
  record.identity = identity_of(run);
  record.state = state;
  snprintf(record.message, sizeof record.message, "%s", message);
  cr_assert(eq(int, htf_journal_put(journal, &record), HTF_OK));
  htf_record_clear(&record);
}

// The bytes of what the archive has are those of what was put.
static void expect_run(htf_archive *archive, int64_t run, int64_t samples) {
  htf_record put, got;
  uint8_t *put_bytes = NULL, *got_bytes = NULL;
  size_t put_count = 0, got_count = 0;
  htf_digest identity = identity_of(run);
  make_record(run, samples, &put);
  htf_record_init(&got);
  htf_status status = htf_archive_get(archive, &identity, &got);
  cr_assert(eq(int, status, HTF_OK), "run %ld: %s", (long)run, htf_error_message());
  cr_assert(eq(int, htf_archive_state(archive, &identity), HTF_RUN_DONE));
  cr_assert(eq(int, htf_record_pack(&put, &put_bytes, &put_count), HTF_OK));
  cr_assert(eq(int, htf_record_pack(&got, &got_bytes, &got_count), HTF_OK));
  cr_assert(eq(sz, put_count, got_count));
  cr_assert(eq(int, memcmp(put_bytes, got_bytes, put_count), 0));
  HTF_FREE(put_bytes);
  HTF_FREE(got_bytes);
  htf_record_clear(&put);
  htf_record_clear(&got);
}

static void expect_message(int64_t run, const char *message) {
  htf_record record;
  htf_digest identity = identity_of(run);
  htf_archive *archive = open_archive();
  htf_record_init(&record);
  cr_assert(eq(int, htf_archive_get(archive, &identity, &record), HTF_OK));
  cr_assert(eq(str, record.message, (char *)message));
  htf_record_clear(&record);
  htf_archive_close(&archive);
}

static void path_of(const char *writer, char *path, size_t size) {
  snprintf(path, size, "%s/journal/%s.sqlite", scratch, writer);
}

static void run_sql(const char *writer, const char *sql) {
  char path[128];
  sqlite3 *db = NULL;
  path_of(writer, path, sizeof path);
  cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
  cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK), "%s",
            sqlite3_errmsg(db));
  sqlite3_close(db);
}

// ---- writing ----------------------------------------------------------------------------

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

Test(journal, refuses_another_plan) {
  htf_journal *journal = open_writer("w0");
  htf_journal_close(&journal);
  cr_assert(eq(int, htf_journal_open(scratch, "w0", &other_plan, &journal), HTF_E_CONFIG));
  cr_assert(zero(ptr, journal));
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

// The child says which runs it has put; whatever it said before it was killed must be
// there.
static void write_until_killed(int out) {
  htf_journal *journal = NULL;
  htf_record record;
  int64_t run = 0;
  if (htf_journal_open(scratch, "w0", &plan, &journal) != HTF_OK) {
    _exit(1);
  }
  htf_archive *archive = open_archive();
  run = htf_archive_count(archive);
  htf_archive_close(&archive);
  for (;; run++) {
    make_record(run, 2000, &record);
    if (htf_journal_put(journal, &record) != HTF_OK ||
        write(out, &run, sizeof run) != (ssize_t)sizeof run) {
      _exit(2);
    }
    htf_record_clear(&record);
  }
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
    usleep((useconds_t)(15000 + rand() % 25000));
    kill(child, SIGKILL);
    int how = 0;
    waitpid(child, &how, 0);
    bool killed = WIFSIGNALED(how);
    cr_assert(killed, "the writer ended by itself: %d", how);
    for (int64_t run = 0; read(ends[0], &run, sizeof run) == (ssize_t)sizeof run;) {
      acknowledged = run;
    }
    close(ends[0]);
    char path[128], first = 0;
    snprintf(path, sizeof path, "%s/journal/w0.sqlite-journal", scratch);
    int fd = open(path, O_RDONLY);
    hot += fd >= 0 && read(fd, &first, 1) == 1 && first != 0;
    close(fd);
    htf_archive *archive = open_archive();
    cr_assert(ge(i64, htf_archive_count(archive), acknowledged + 1));
    int64_t from = acknowledged > 20 ? acknowledged - 20 : 0;
    for (int64_t run = from; run <= acknowledged; run++) {
      expect_run(archive, run, 2000);
    }
    htf_archive_close(&archive);
  }
  cr_assert(gt(i64, acknowledged, 40));
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

// ---- reading ----------------------------------------------------------------------------

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
