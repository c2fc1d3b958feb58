// SPDX-License-Identifier: BSD-3-Clause
#include "sqlite_impl.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "htflow/clock.h"
#include "htflow/journal.h"

htf_status htf_journal__status(int code) {
  switch (code & 0xff) {
  case SQLITE_NOMEM:
    return HTF_E_MEMORY;
  case SQLITE_ERROR: // our statements are right, so the schema is not
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return HTF_E_DATA;
  case SQLITE_BUSY:
    return HTF_E_LOCKED;
  case SQLITE_MISUSE:
    return HTF_E_INTERNAL;
  default:
    return HTF_E_IO;
  }
}

static const char *hint(int code) {
  switch (code) {
  case SQLITE_READONLY_ROLLBACK:
    return "; its writer died amid a write, and undoing that needs leave to write here";
  case SQLITE_IOERR_LOCK:
  case SQLITE_IOERR_RDLOCK:
  case SQLITE_IOERR_CHECKRESERVEDLOCK:
    return "; this file system gives no locks (`htflow doctor` tells more)";
  default:
    return "";
  }
}

const char *htf_journal__text(sqlite3 *db, int code) {
  static _Thread_local char text[512];
  int extended = db != NULL ? sqlite3_extended_errcode(db) : code;
  int error = db != NULL ? sqlite3_system_errno(db) : 0;
  bool system = error != 0 && htf_journal__status(code) == HTF_E_IO;
  snprintf(text, sizeof text, "%s%s%s%s (SQLite %d)",
           db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code), system ? ": " : "",
           system ? strerror(error) : "", hint(extended), extended);
  return text;
}

static htf_status ask_integer(const char *path, sqlite3 *db, const char *sql, int *value) {
  htf_status status = HTF_OK;
  sqlite3_stmt *ask = NULL;
  SQL_TRY(path, db, sqlite3_prepare_v2(db, sql, -1, &ask, NULL));
  SQL_TRY(path, db, sqlite3_step(ask));
  *value = sqlite3_column_int(ask, 0);
done:
  sqlite3_finalize(ask);
  return status;
}

// A journal says its schema twice from schema 2 on; two answers are damage.
static htf_status check_schema(const char *path, sqlite3 *db, int schema) {
  htf_status status = HTF_OK;
  sqlite3_stmt *ask = NULL;
  SQL_TRY(path, db,
          sqlite3_prepare_v2(db, "SELECT value FROM journal WHERE name = 'schema'", -1,
                             &ask, NULL));
  int code = sqlite3_step(ask);
  SQL_TRY(path, db, code);
  int second = code == SQLITE_ROW ? sqlite3_column_int(ask, 0) : schema;
  HTF_CHECK(second == schema && schema > 0, HTF_E_DATA,
            "%s: damaged: of schema %d by its header, %d by its table", path, schema,
            second);
  HTF_CHECK(
      schema <= HTF_JOURNAL_SCHEMA, HTF_E_ENVIRONMENT,
      "%s: a journal of schema %d, of a newer htflow; this one reads schemas up to %d",
      path, schema, HTF_JOURNAL_SCHEMA);
done:
  sqlite3_finalize(ask);
  return status;
}

// SQLite's own waiting backs off to 100 ms, and a reader then misses every gap that a busy
// writer leaves it.
static int wait_a_little(void *wait, int tries) {
  enum { STEP = 2 }; // milliseconds
  if (tries >= (int)(intptr_t)wait / STEP) {
    return 0;
  }
  htf_clock_sleep(1e-3 * STEP);
  return 1;
}

static htf_status open_plain(const char *path, int flags, int wait, sqlite3 **db) {
  htf_status status = HTF_OK;
  SQL_TRY(path, *db, sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL));
  sqlite3_extended_result_codes(*db, 1);
  SQL_TRY(path, *db, sqlite3_busy_handler(*db, wait_a_little, (void *)(intptr_t)wait));
  SQL_TRY(path, *db, sqlite3_exec(*db, "PRAGMA trusted_schema = OFF", NULL, NULL, NULL));
  SQL_TRY(path, *db, sqlite3_exec(*db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL));
done:
  return status;
}

htf_status htf_journal__open_database(const char *path, int flags, int wait, sqlite3 **out,
                                      int *schema) {
  htf_status status = HTF_OK;
  sqlite3 *db = NULL;
  int application = 0;
  HTF_TRY(open_plain(path, flags, wait, &db));
  SQL_TRY(path, db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
  HTF_TRY(ask_integer(path, db, "PRAGMA application_id", &application));
  HTF_CHECK(application == HTF_JOURNAL_APPLICATION, HTF_E_DATA,
            "%s: no journal of htflow, or an emptied one", path);
  HTF_TRY(ask_integer(path, db, "PRAGMA user_version", schema));
  HTF_TRY(check_schema(path, db, *schema));
  *out = db;
  db = NULL;
done:
  sqlite3_close(db);
  return status;
}

// With a writable schema SQLite goes by the file's length and not by what its header says,
// and reads the pages there are.
htf_status htf_journal__open_torn(const char *path, int flags, int wait, sqlite3 **out) {
  htf_status status = HTF_OK;
  sqlite3 *db = NULL;
  HTF_TRY(open_plain(path, flags, wait, &db));
  SQL_TRY(path, db,
          sqlite3_exec(db, "PRAGMA writable_schema = ON; PRAGMA query_only = ON", NULL,
                       NULL, NULL));
  *out = db;
  db = NULL;
done:
  sqlite3_close(db);
  return status;
}

const char *htf_journal_library(void) {
  static char text[48];
  snprintf(text, sizeof text, "SQLite %s", sqlite3_libversion());
  return text;
}
