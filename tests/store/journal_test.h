// SPDX-License-Identifier: BSD-3-Clause
// journal_test.h: writers and archives in a scratch directory.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sqlite3.h>
#include <sys/mount.h>

#include "htflow/journal.h"
#include "store_test.h"

static const htf_digest plan = {{1, 2, 3}}, other_plan = {{1, 2, 4}};
static char scratch[64];

static inline void begin(void) {
  make_scratch(scratch);
}

static inline void end(void) {
  umount2(scratch, MNT_DETACH); // where a test left something mounted
  remove_scratch(scratch);
}

static inline htf_journal *open_writer(const char *writer) {
  htf_journal *journal = NULL;
  htf_status status = htf_journal_open(scratch, writer, &plan, &journal);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return journal;
}

static inline htf_archive *open_archive(void) {
  htf_archive *archive = NULL;
  htf_status status = htf_archive_open(scratch, &archive);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return archive;
}

static inline void put(htf_journal *journal, int64_t run, int64_t samples) {
  htf_record record;
  make_record(run, samples, &record);
  htf_status status = htf_journal_put(journal, &record);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  htf_record_clear(&record);
}

// A record without columns, told apart by its message.
static inline void put_state(htf_journal *journal, int64_t run, int state,
                             const char *message) {
  htf_record record;
  htf_record_init(&record);
  record.identity = identity_of(run);
  record.state = state;
  snprintf(record.message, sizeof record.message, "%s", message);
  cr_assert(eq(int, htf_journal_put(journal, &record), HTF_OK));
  htf_record_clear(&record);
}

// The bytes of what the archive has are those of what was put.
static inline void expect_run(htf_archive *archive, int64_t run, int64_t samples) {
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

static inline void expect_message(int64_t run, const char *message) {
  htf_record record;
  htf_digest identity = identity_of(run);
  htf_archive *archive = open_archive();
  htf_record_init(&record);
  cr_assert(eq(int, htf_archive_get(archive, &identity, &record), HTF_OK));
  cr_assert(eq(str, record.message, (char *)message));
  htf_record_clear(&record);
  htf_archive_close(&archive);
}

static inline void path_of(const char *writer, char *path, size_t size) {
  snprintf(path, size, "%s/journal/%s.sqlite", scratch, writer);
}

static inline void run_sql(const char *writer, const char *sql) {
  char path[128];
  sqlite3 *db = NULL;
  path_of(writer, path, sizeof path);
  cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
  cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK), "%s",
            sqlite3_errmsg(db));
  sqlite3_close(db);
}

// The child says which runs it has put; whatever it said before it was killed must be
// there.
static inline void write_until_killed(int out) {
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
