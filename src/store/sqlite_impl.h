// SPDX-License-Identifier: BSD-3-Clause
// sqlite_impl.h: what the writer and the reader of journals share: the schema, and SQLite's
// result codes as statuses.
//
// A journal is a SQLite database. A record is a row of two tables: `run` is narrow, so that
// finding out what is there reads no record; `content` holds the bytes.
//
//     journal    (name, value)                            plan, made_by, schema
//     run        (number, identity, state, written, digest)
//     content    (number, bytes)
//     checkpoint (number, identity, attempts, written, digest, bytes)    from schema 2 on
//
// `number` counts from 1 in the order of writing; `written` is microseconds since 1970 and
// grows with `number` even where the machine's clock was set back; `digest` is the SHA-256
// of `bytes`. A run has at most one checkpoint in a journal.
#pragma once

#include <sqlite3.h>

#include "htflow/digest.h"
#include "htflow/status.h"

enum {
  HTF_JOURNAL_APPLICATION = 0x48544a4c, // "HTJL" in the header of the file
  HTF_JOURNAL_SCHEMA = 2,
};

// The status that a result code means, and its text with the system's reason, borrowed
// until the next call on this thread.
htf_status htf_journal__status(int code);
const char *htf_journal__text(sqlite3 *db, int code);

// Goes on where SQLite says so.
#define SQL_TRY(path, db, call)                                                            \
  do {                                                                                     \
    int code_ = (call);                                                                    \
    HTF_CHECK(code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE,           \
              htf_journal__status(code_), "%s: %s", (path),                                \
              htf_journal__text((db), code_));                                             \
  } while (0)

// Opens a database that exists and checks that it is a journal this program can read. It
// comes within a read transaction, which the caller ends. `flags` are SQLite's; `wait` in
// milliseconds, for another process's transaction. Raises HTF_E_DATA if it is something
// else or damaged, HTF_E_ENVIRONMENT if its schema is newer, HTF_E_IO, HTF_E_MEMORY.
htf_status htf_journal__open_database(const char *path, int flags, int wait, sqlite3 **db,
                                      int *schema);
// Opens a damaged one, for what can still be read of it, without a transaction.
htf_status htf_journal__open_torn(const char *path, int flags, int wait, sqlite3 **db);
// Opens one as htf_journal__open_database does, for reading alone; one whose writer was
// killed amid a commit as it lies there.
htf_status htf_journal__observe_database(const char *path, int wait, sqlite3 **db);
