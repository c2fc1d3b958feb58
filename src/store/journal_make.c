// SPDX-License-Identifier: BSD-3-Clause
// Journals made, brought up to date, and set aside.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk_impl.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/version.h"
#include "journal_impl.h"
#include "sqlite_impl.h"

enum { PAGE_BYTES = 8192 };

#define CHECKPOINT_TABLE                                                                   \
  "CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE,"    \
  " attempts INTEGER NOT NULL, written INTEGER NOT NULL, digest BLOB NOT NULL,"            \
  " bytes BLOB NOT NULL);"

static const char *const schema_text =
    "BEGIN;"
    "CREATE TABLE journal (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE run (number INTEGER PRIMARY KEY, identity BLOB NOT NULL,"
    " state INTEGER NOT NULL, written INTEGER NOT NULL, digest BLOB NOT NULL);"
    "CREATE TABLE content (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);" CHECKPOINT_TABLE;

static htf_status put_facts(const char *path, sqlite3 *db, const htf_digest *plan) {
  htf_status status = HTF_OK;
  sqlite3_stmt *put = NULL;
  SQL_TRY(path, db,
          sqlite3_prepare_v2(
              db,
              "INSERT INTO journal VALUES ('plan', ?1), ('made_by', ?2), ('schema', ?3)",
              -1, &put, NULL));
  SQL_TRY(path, db,
          sqlite3_bind_blob(put, 1, plan->bytes, HTF_DIGEST_BYTES, SQLITE_STATIC));
  SQL_TRY(path, db, sqlite3_bind_text(put, 2, htf_version(), -1, SQLITE_STATIC));
  SQL_TRY(path, db, sqlite3_bind_int(put, 3, HTF_JOURNAL_SCHEMA));
  SQL_TRY(path, db, sqlite3_step(put));
done:
  sqlite3_finalize(put);
  return status;
}

static htf_status fill_database(const char *path, const htf_digest *plan) {
  htf_status status = HTF_OK;
  sqlite3 *db = NULL;
  char header[256];
  snprintf(header, sizeof header,
           "PRAGMA page_size = %d; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;"
           "PRAGMA application_id = %d; PRAGMA user_version = %d;",
           PAGE_BYTES, HTF_JOURNAL_APPLICATION, HTF_JOURNAL_SCHEMA);
  SQL_TRY(path, db,
          sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
  SQL_TRY(path, db, sqlite3_exec(db, header, NULL, NULL, NULL));
  SQL_TRY(path, db, sqlite3_exec(db, schema_text, NULL, NULL, NULL));
  HTF_TRY(put_facts(path, db, plan));
  SQL_TRY(path, db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
done:
  sqlite3_close(db);
  return status;
}

// Made under another name and then renamed, so that a journal without its tables is never
// seen: one that lacks them is damaged. The lock is held, so what has that name is left
// over.
htf_status htf_journal__make(const char *path, const htf_digest *plan) {
  htf_status status = HTF_OK;
  char *part = NULL;
  if (access(path, F_OK) == 0) {
    return HTF_OK;
  }
  HTF_TRY(htf_file__format(&part, "%s.part", path));
  HTF_CHECK(unlink(part) == 0 || errno == ENOENT, HTF_E_IO, "%s: cannot be removed: %s",
            part, strerror(errno));
  HTF_TRY(fill_database(part, plan));
  HTF_TRY(htf_file__commit(part, path));
done:
  if (status != HTF_OK && part != NULL) {
    unlink(part);
  }
  HTF_FREE(part);
  return status;
}

// One transaction, so that a journal is of the one schema or of the other.
htf_status htf_journal__upgrade(const char *path, int schema) {
  htf_status status = HTF_OK;
  sqlite3 *db = NULL;
  char text[640];
  snprintf(text, sizeof text,
           "PRAGMA synchronous = FULL; BEGIN IMMEDIATE; %s"
           "INSERT OR REPLACE INTO journal VALUES ('schema', %d);"
           "PRAGMA user_version = %d; COMMIT;",
           CHECKPOINT_TABLE, HTF_JOURNAL_SCHEMA, HTF_JOURNAL_SCHEMA);
  if (schema == HTF_JOURNAL_SCHEMA) {
    return HTF_OK;
  }
  SQL_TRY(path, db, sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL));
  SQL_TRY(path, db, sqlite3_exec(db, text, NULL, NULL, NULL));
  htf_log(HTF_LOG_INFO, "store", "%s: brought from schema %d to %d", path, schema,
          HTF_JOURNAL_SCHEMA);
done:
  sqlite3_close(db);
  return status;
}

// The rollback journal goes with its database, lest it undo something in the next one.
htf_status htf_journal__set_aside(const char *path) {
  htf_status status = HTF_OK;
  char *aside = NULL, *undo = NULL, *undo_aside = NULL, *parent = NULL;
  int stem = (int)(strlen(path) - strlen(".sqlite")), n = 1;
  if (access(path, F_OK) != 0) {
    return HTF_OK; // set aside before, and making the next one failed
  }
  do {
    HTF_FREE(aside);
    HTF_TRY(htf_file__format(&aside, "%.*s.damaged-%d.sqlite", stem, path, n++));
  } while (access(aside, F_OK) == 0);
  HTF_TRY(htf_file__format(&undo, "%s-journal", path));
  HTF_TRY(htf_file__format(&undo_aside, "%s-journal", aside));
  HTF_TRY(htf_file__parent(path, &parent));
  HTF_CHECK(rename(undo, undo_aside) == 0 || errno == ENOENT, HTF_E_IO,
            "%s: cannot be renamed: %s", undo, strerror(errno));
  HTF_CHECK(rename(path, aside) == 0, HTF_E_IO, "%s: cannot be renamed: %s", path,
            strerror(errno));
  HTF_TRY(htf_file__sync_directory(parent));
  htf_log(HTF_LOG_WARN, "store", "%s: damaged; kept as %s, and begun anew", path, aside);
done:
  HTF_FREE(aside);
  HTF_FREE(undo);
  HTF_FREE(undo_aside);
  HTF_FREE(parent);
  return status;
}
