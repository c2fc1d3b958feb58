// SPDX-License-Identifier: BSD-3-Clause
// The writer of a journal. Three files of one name lie in the `journal` folder: `.sqlite`,
// the database; `.sqlite-journal`, where SQLite keeps the old pages of a transaction; and
// `.lock`, locked as long as the writer lives and naming it. What was added waits in memory
// as bytes, and a commit is one transaction from beginning to end.
#include "htflow/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"
#include "htflow/clock.h"
#include "htflow/memory.h"
#include "journal_impl.h"
#include "sqlite_impl.h"

enum { READER_WAIT = 60000, WRITERS = 100000 }; // milliseconds; of one host

// What waits: a record, or a checkpoint (state CHECKPOINT).
enum { CHECKPOINT = -1 };
typedef struct item {
  htf_digest identity, digest;
  int state;
  int64_t attempts;
  uint8_t *bytes;
  size_t count;
} item;

enum { PUT_RUN, PUT_CONTENT, PUT_CHECKPOINT, DROP_CHECKPOINT, STATEMENTS };
static const char *const statement_text[STATEMENTS] = {
    [PUT_RUN] = "INSERT INTO run VALUES (NULL, ?1, ?2, ?3, ?4)",
    [PUT_CONTENT] = "INSERT INTO content VALUES (last_insert_rowid(), ?1)",
    [PUT_CHECKPOINT] = "REPLACE INTO checkpoint VALUES (NULL, ?1, ?2, ?3, ?4, ?5)",
    [DROP_CHECKPOINT] = "DELETE FROM checkpoint WHERE identity = ?1",
};

struct htf_journal {
  char *path, *writer;
  htf_digest plan;
  int lock; // descriptor, -1 if none
  sqlite3 *db;
  sqlite3_stmt *statement[STATEMENTS];
  int64_t written; // stamp of the last row, microseconds since 1970
  int64_t items, room;
  item *item; // [items]
  size_t waiting;
};

// ---- the database -----------------------------------------------------------------------

// The settings of journal.h.
static htf_status set_pragmas(htf_journal *journal) {
  htf_status status = HTF_OK;
  sqlite3_stmt *mode = NULL;
  SQL_TRY(journal->path, journal->db,
          sqlite3_exec(journal->db,
                       "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0;"
                       "PRAGMA cache_spill = OFF;",
                       NULL, NULL, NULL));
  SQL_TRY(
      journal->path, journal->db,
      sqlite3_prepare_v2(journal->db, "PRAGMA journal_mode = PERSIST", -1, &mode, NULL));
  SQL_TRY(journal->path, journal->db, sqlite3_step(mode));
  const char *answer = (const char *)sqlite3_column_text(mode, 0);
  HTF_CHECK(answer != NULL && strcmp(answer, "persist") == 0, HTF_E_INTERNAL,
            "%s: SQLite will not keep a rollback journal", journal->path);
done:
  sqlite3_finalize(mode);
  return status;
}

static htf_status prepare(htf_journal *journal) {
  htf_status status = HTF_OK;
  sqlite3_stmt *last = NULL;
  sqlite3 *db = journal->db;
  SQL_TRY(journal->path, db,
          sqlite3_prepare_v2(db,
                             "SELECT max(coalesce((SELECT written FROM run ORDER BY number"
                             " DESC LIMIT 1), 0), coalesce((SELECT max(written) FROM"
                             " checkpoint), 0))",
                             -1, &last, NULL));
  SQL_TRY(journal->path, db, sqlite3_step(last));
  journal->written = sqlite3_column_int64(last, 0);
  for (int i = 0; i < STATEMENTS; i++) {
    SQL_TRY(journal->path, db,
            sqlite3_prepare_v2(db, statement_text[i], -1, &journal->statement[i], NULL));
  }
done:
  sqlite3_finalize(last);
  return status;
}

static void close_database(htf_journal *journal) {
  for (int i = 0; i < STATEMENTS; i++) {
    sqlite3_finalize(journal->statement[i]);
    journal->statement[i] = NULL;
  }
  sqlite3_close(journal->db);
  journal->db = NULL;
}

static htf_status open_existing(htf_journal *journal) {
  htf_status status = HTF_OK;
  int schema = 0;
  HTF_TRY(htf_journal__open_database(journal->path, SQLITE_OPEN_READWRITE, READER_WAIT,
                                     &journal->db, &schema));
  SQL_TRY(journal->path, journal->db,
          sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL));
  HTF_TRY(htf_journal__upgrade(journal->path, schema));
  HTF_TRY(set_pragmas(journal));
  HTF_TRY(prepare(journal));
done:
  if (status != HTF_OK) {
    close_database(journal);
  }
  return status;
}

static htf_status begin_anew(htf_journal *journal) {
  htf_status status = HTF_OK;
  close_database(journal);
  HTF_TRY(htf_journal__set_aside(journal->path));
  HTF_TRY(htf_journal__make(journal->path, &journal->plan));
  HTF_TRY(open_existing(journal));
done:
  return status;
}

// ---- opening and closing ----------------------------------------------------------------

static bool plain_name(const char *name) {
  for (const char *c = name; *c != '\0'; c++) {
    if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL) {
      return false;
    }
  }
  return name[0] != '\0' && name[0] != '.';
}

static htf_status make_folder(const char *directory, const char *folder) {
  htf_status status = HTF_OK;
  if (mkdir(folder, 0777) == 0) {
    HTF_TRY(htf_file__sync_directory(directory));
  } else {
    HTF_CHECK(errno == EEXIST, HTF_E_IO, "%s: cannot be made: %s", folder, strerror(errno));
  }
done:
  return status;
}

static htf_status lock_named(htf_journal *journal, const char *folder, const char *writer) {
  htf_status status = HTF_OK;
  char *lock = NULL;
  HTF_CHECK(plain_name(writer), HTF_E_INTERNAL, "writer name \"%s\" is no plain name",
            writer);
  HTF_TRY(htf_file__format(&journal->writer, "%s", writer));
  HTF_TRY(htf_file__format(&lock, "%s/%s.lock", folder, writer));
  HTF_TRY(htf_journal__lock(lock, &journal->lock));
done:
  HTF_FREE(lock);
  return status;
}

// The first name of this host that nobody holds.
static htf_status lock_free(htf_journal *journal, const char *folder) {
  htf_status status = HTF_OK;
  char host[65] = "", *lock = NULL;
  gethostname(host, sizeof host - 1);
  if (!plain_name(host)) {
    snprintf(host, sizeof host, "host");
  }
  for (int n = 0; journal->lock < 0 && n < WRITERS; n++) {
    HTF_FREE(lock);
    HTF_TRY(htf_file__format(&lock, "%s/%s-%05d.lock", folder, host, n));
    HTF_TRY(htf_journal__try_lock(lock, &journal->lock));
    if (journal->lock >= 0) {
      HTF_TRY(htf_file__format(&journal->writer, "%s-%05d", host, n));
    }
  }
  HTF_CHECK(journal->lock >= 0, HTF_E_IO, "%s: %d writers of host %s are alive", folder,
            WRITERS, host);
done:
  HTF_FREE(lock);
  return status;
}

htf_status htf_journal_open(const char *directory, const char *writer,
                            const htf_digest *plan, htf_journal **out) {
  htf_status status = HTF_OK;
  htf_journal *journal = NULL;
  char *folder = NULL;
  HTF_NEW(journal, 1);
  journal->lock = -1;
  journal->room = 16;
  HTF_NEW(journal->item, journal->room);
  journal->plan = *plan;
  HTF_TRY(htf_file__format(&folder, "%s/journal", directory));
  HTF_TRY(make_folder(directory, folder));
  HTF_TRY(writer != NULL ? lock_named(journal, folder, writer)
                         : lock_free(journal, folder));
  HTF_TRY(htf_file__format(&journal->path, "%s/%s.sqlite", folder, journal->writer));
  HTF_TRY(htf_journal__make(journal->path, plan));
  status = open_existing(journal);
  if (status == HTF_E_DATA) {
    status = begin_anew(journal);
  }
  HTF_TRY(status);
  *out = journal;
  journal = NULL;
done:
  htf_journal_close(&journal);
  HTF_FREE(folder);
  return status;
}

static void drop_items(htf_journal *journal, int64_t from) {
  for (int64_t i = from; i < journal->items; i++) {
    journal->waiting -= journal->item[i].count;
    HTF_FREE(journal->item[i].bytes);
  }
  journal->items = from;
}

void htf_journal_close(htf_journal **journal) {
  htf_journal *j = *journal;
  if (j != NULL) {
    drop_items(j, 0);
    close_database(j);
    if (j->lock >= 0) {
      close(j->lock); // after the database: the lock covers it to the end
    }
    HTF_FREE(j->item);
    HTF_FREE(j->path);
    HTF_FREE(j->writer);
    HTF_FREE(*journal);
  }
}

const char *htf_journal_writer(const htf_journal *journal) {
  return journal->writer;
}

// ---- what waits -------------------------------------------------------------------------

// Takes the bytes over where it succeeds.
static htf_status add_item(htf_journal *journal, const item *added) {
  htf_status status = HTF_OK;
  if (journal->items == journal->room) {
    HTF_RESIZE(journal->item, 2 * journal->room);
    journal->room *= 2;
  }
  item *i = &journal->item[journal->items];
  *i = *added;
  HTF_TRY(htf_digest_of(i->bytes, i->count, &i->digest));
  journal->items++;
  journal->waiting += i->count;
done:
  return status;
}

htf_status htf_journal_add(htf_journal *journal, const htf_record *record) {
  htf_status status = HTF_OK;
  item added = {.identity = record->identity, .state = record->state};
  HTF_TRY(htf_record_pack(record, &added.bytes, &added.count));
  HTF_TRY(add_item(journal, &added));
  added.bytes = NULL;
done:
  HTF_FREE(added.bytes);
  return status;
}

htf_status htf_journal_add_checkpoint(htf_journal *journal, const htf_digest *identity,
                                      int64_t attempts, const void *bytes, size_t count) {
  htf_status status = HTF_OK;
  item added = {.identity = *identity, .state = CHECKPOINT, .attempts = attempts};
  HTF_NEW(added.bytes, count);
  memcpy(added.bytes, bytes, count);
  added.count = count;
  HTF_TRY(add_item(journal, &added));
  added.bytes = NULL;
done:
  HTF_FREE(added.bytes);
  return status;
}

size_t htf_journal_waiting(const htf_journal *journal) {
  return journal->waiting;
}

// ---- the commit -------------------------------------------------------------------------

static htf_status run_once(htf_journal *journal, sqlite3_stmt *statement) {
  htf_status status = HTF_OK;
  SQL_TRY(journal->path, journal->db, sqlite3_step(statement));
done:
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

static htf_status bind_digest(htf_journal *journal, sqlite3_stmt *to, int at,
                              const htf_digest *digest) {
  htf_status status = HTF_OK;
  SQL_TRY(journal->path, journal->db,
          sqlite3_bind_blob(to, at, digest->bytes, HTF_DIGEST_BYTES, SQLITE_STATIC));
done:
  return status;
}

static htf_status write_record(htf_journal *journal, const item *i, int64_t written) {
  htf_status status = HTF_OK;
  sqlite3 *db = journal->db;
  sqlite3_stmt *run = journal->statement[PUT_RUN];
  sqlite3_stmt *content = journal->statement[PUT_CONTENT];
  sqlite3_stmt *drop = journal->statement[DROP_CHECKPOINT];
  HTF_TRY(bind_digest(journal, run, 1, &i->identity));
  SQL_TRY(journal->path, db, sqlite3_bind_int(run, 2, i->state));
  SQL_TRY(journal->path, db, sqlite3_bind_int64(run, 3, written));
  HTF_TRY(bind_digest(journal, run, 4, &i->digest));
  HTF_TRY(run_once(journal, run));
  SQL_TRY(journal->path, db,
          sqlite3_bind_blob64(content, 1, i->bytes, i->count, SQLITE_STATIC));
  HTF_TRY(run_once(journal, content));
  HTF_TRY(bind_digest(journal, drop, 1, &i->identity));
  HTF_TRY(run_once(journal, drop));
done:
  return status;
}

static htf_status write_checkpoint(htf_journal *journal, const item *i, int64_t written) {
  htf_status status = HTF_OK;
  sqlite3 *db = journal->db;
  sqlite3_stmt *put = journal->statement[PUT_CHECKPOINT];
  HTF_TRY(bind_digest(journal, put, 1, &i->identity));
  SQL_TRY(journal->path, db, sqlite3_bind_int64(put, 2, i->attempts));
  SQL_TRY(journal->path, db, sqlite3_bind_int64(put, 3, written));
  HTF_TRY(bind_digest(journal, put, 4, &i->digest));
  SQL_TRY(journal->path, db,
          sqlite3_bind_blob64(put, 5, i->bytes, i->count, SQLITE_STATIC));
  HTF_TRY(run_once(journal, put));
done:
  return status;
}

// After a failed COMMIT the transaction may still be open (a reader that would not go away)
// or not (SQLite undid it by itself).
static void undo(sqlite3 *db) {
  if (db != NULL && !sqlite3_get_autocommit(db)) {
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  }
}

static htf_status write_items(htf_journal *journal) {
  htf_status status = HTF_OK;
  sqlite3 *db = journal->db;
  int64_t written = (int64_t)(htf_clock_date() * 1e6);
  SQL_TRY(journal->path, db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
  for (int64_t n = 0; n < journal->items; n++) {
    const item *i = &journal->item[n];
    written = written > journal->written ? written : journal->written + 1;
    HTF_TRY(i->state == CHECKPOINT ? write_checkpoint(journal, i, written)
                                   : write_record(journal, i, written));
    journal->written = written;
  }
  SQL_TRY(journal->path, db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
done:
  undo(db);
  return status;
}

htf_status htf_journal_commit(htf_journal *journal) {
  htf_status status = HTF_OK;
  if (journal->items == 0) {
    return HTF_OK;
  }
  status = journal->db != NULL ? write_items(journal) : HTF_E_DATA;
  if (status == HTF_E_DATA) { // damaged under our hands, or when last tried
    HTF_TRY(begin_anew(journal));
    status = write_items(journal);
  }
  HTF_TRY(status);
  drop_items(journal, 0);
done:
  return status;
}

htf_status htf_journal_put(htf_journal *journal, const htf_record *record) {
  htf_status status = HTF_OK;
  int64_t before = journal->items;
  HTF_TRY(htf_journal_add(journal, record));
  HTF_TRY(htf_journal_commit(journal));
done:
  if (status != HTF_OK) {
    drop_items(journal, before);
  }
  return status;
}
