// SPDX-License-Identifier: BSD-3-Clause
// The writer of a journal. Three files of one name lie in the `journal` folder: `.sqlite`,
// the database; `.sqlite-journal`, where SQLite keeps the old pages of a transaction; and
// `.lock`, locked as long as the writer lives and naming it.
#include "htflow/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"
#include "htflow/clock.h"
#include "htflow/memory.h"
#include "htflow/version.h"
#include "sqlite_impl.h"

static const double lock_wait = 1.0;             // seconds
enum { READER_WAIT = 60000, PAGE_BYTES = 8192 }; // milliseconds, bytes

struct htf_journal {
  char *path;
  int lock; // descriptor, -1 if none
  sqlite3 *db;
  sqlite3_stmt *put_run, *put_content;
  int64_t written; // stamp of the last record, microseconds since 1970
};

// ---- the lock ---------------------------------------------------------------------------

// A lock of the open file description: it ends with the process however that ends, excludes
// a second opening by this process too, and works over NFS.
static bool try_lock(int fd) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

static void read_holder(int fd, char *holder, size_t size) {
  ssize_t count = pread(fd, holder, size - 1, 0);
  holder[count > 0 ? count : 0] = '\0';
}

static void write_holder(int fd) {
  char host[65] = "", holder[128];
  gethostname(host, sizeof host - 1);
  int length = snprintf(holder, sizeof holder, "%s, process %ld", host, (long)getpid());
  // Only a message of another process reads this: nothing is lost where it fails.
  if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)length, 0) != length) {
    return;
  }
}

static htf_status lock_writer(const char *path, int *out) {
  htf_status status = HTF_OK;
  char holder[128] = "";
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  HTF_CHECK(fd >= 0, HTF_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
  double end = htf_clock_now() + lock_wait;
  while (!try_lock(fd)) {
    HTF_CHECK(errno == EAGAIN || errno == EACCES || errno == EINTR, HTF_E_IO,
              "%s: cannot be locked: %s", path, strerror(errno));
    read_holder(fd, holder, sizeof holder);
    HTF_CHECK(htf_clock_now() < end, HTF_E_IO,
              "%s: held by another process (%s); is this sweep running already?", path,
              holder[0] != '\0' ? holder : "unknown");
    htf_clock_sleep(0.02);
  }
  write_holder(fd);
  *out = fd;
  fd = -1;
done:
  if (fd >= 0) {
    close(fd);
  }
  return status;
}

// ---- making -----------------------------------------------------------------------------

static const char *const schema_text =
    "BEGIN;"
    "CREATE TABLE journal (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE run (number INTEGER PRIMARY KEY, identity BLOB NOT NULL,"
    " state INTEGER NOT NULL, written INTEGER NOT NULL, digest BLOB NOT NULL);"
    "CREATE TABLE content (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);";

static htf_status put_plan(const char *path, sqlite3 *db, const htf_digest *plan) {
  htf_status status = HTF_OK;
  sqlite3_stmt *put = NULL;
  SQL_TRY(path, db,
          sqlite3_prepare_v2(db, "INSERT INTO journal VALUES ('plan', ?1), ('made_by', ?2)",
                             -1, &put, NULL));
  SQL_TRY(path, db,
          sqlite3_bind_blob(put, 1, plan->bytes, HTF_DIGEST_BYTES, SQLITE_STATIC));
  SQL_TRY(path, db, sqlite3_bind_text(put, 2, htf_version(), -1, SQLITE_STATIC));
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
  HTF_TRY(put_plan(path, db, plan));
  SQL_TRY(path, db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
done:
  sqlite3_close(db);
  return status;
}

// Made under another name and then renamed, so that a journal without its tables is never
// seen: one that lacks them is damaged. The lock is held, so what has that name is left
// over.
static htf_status make_database(const char *path, const htf_digest *plan) {
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

// ---- opening ----------------------------------------------------------------------------

// The settings of journal.h.
static htf_status set_pragmas(htf_journal *journal) {
  htf_status status = HTF_OK;
  sqlite3_stmt *mode = NULL;
  SQL_TRY(journal->path, journal->db,
          sqlite3_exec(journal->db, "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0;",
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
          sqlite3_prepare_v2(db, "SELECT written FROM run ORDER BY number DESC LIMIT 1", -1,
                             &last, NULL));
  SQL_TRY(journal->path, db, sqlite3_step(last));
  journal->written = sqlite3_column_int64(last, 0);
  SQL_TRY(journal->path, db,
          sqlite3_prepare_v2(db, "INSERT INTO run VALUES (NULL, ?1, ?2, ?3, ?4)", -1,
                             &journal->put_run, NULL));
  SQL_TRY(journal->path, db,
          sqlite3_prepare_v2(db, "INSERT INTO content VALUES (last_insert_rowid(), ?1)", -1,
                             &journal->put_content, NULL));
done:
  sqlite3_finalize(last);
  return status;
}

static htf_status check_plan(const char *path, const htf_digest *found,
                             const htf_digest *plan) {
  htf_status status = HTF_OK;
  char have[HTF_DIGEST_TEXT], want[HTF_DIGEST_TEXT];
  htf_digest_text(found, have);
  htf_digest_text(plan, want);
  HTF_CHECK(strcmp(have, want) == 0, HTF_E_CONFIG,
            "%s: holds runs of another sweep (plan %.12s, asked for %.12s)", path, have,
            want);
done:
  return status;
}

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

htf_status htf_journal_open(const char *directory, const char *writer,
                            const htf_digest *plan, htf_journal **out) {
  htf_status status = HTF_OK;
  htf_journal *journal = NULL;
  char *folder = NULL, *lock = NULL;
  htf_digest found;
  HTF_CHECK(plain_name(writer), HTF_E_INTERNAL, "writer name \"%s\" is no plain name",
            writer);
  HTF_NEW(journal, 1);
  journal->lock = -1;
  HTF_TRY(htf_file__format(&folder, "%s/journal", directory));
  HTF_TRY(htf_file__format(&lock, "%s/%s.lock", folder, writer));
  HTF_TRY(htf_file__format(&journal->path, "%s/%s.sqlite", folder, writer));
  HTF_TRY(make_folder(directory, folder));
  HTF_TRY(lock_writer(lock, &journal->lock));
  HTF_TRY(make_database(journal->path, plan));
  HTF_TRY(htf_journal__open_database(journal->path, SQLITE_OPEN_READWRITE, READER_WAIT,
                                     &journal->db, &found));
  HTF_TRY(check_plan(journal->path, &found, plan));
  SQL_TRY(journal->path, journal->db,
          sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL));
  HTF_TRY(set_pragmas(journal));
  HTF_TRY(prepare(journal));
  *out = journal;
  journal = NULL;
done:
  htf_journal_close(&journal);
  HTF_FREE(folder);
  HTF_FREE(lock);
  return status;
}

void htf_journal_close(htf_journal **journal) {
  htf_journal *j = *journal;
  if (j != NULL) {
    sqlite3_finalize(j->put_run);
    sqlite3_finalize(j->put_content);
    sqlite3_close(j->db);
    if (j->lock >= 0) {
      close(j->lock); // after the database: the lock covers it to the end
    }
    HTF_FREE(j->path);
    HTF_FREE(*journal);
  }
}

// ---- writing ----------------------------------------------------------------------------

static htf_status run_once(htf_journal *journal, sqlite3_stmt *statement) {
  htf_status status = HTF_OK;
  SQL_TRY(journal->path, journal->db, sqlite3_step(statement));
done:
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

static htf_status bind_run(htf_journal *journal, const htf_record *record,
                           const htf_digest *digest, int64_t written) {
  htf_status status = HTF_OK;
  sqlite3 *db = journal->db;
  sqlite3_stmt *put = journal->put_run;
  SQL_TRY(
      journal->path, db,
      sqlite3_bind_blob(put, 1, record->identity.bytes, HTF_DIGEST_BYTES, SQLITE_STATIC));
  SQL_TRY(journal->path, db, sqlite3_bind_int(put, 2, record->state));
  SQL_TRY(journal->path, db, sqlite3_bind_int64(put, 3, written));
  SQL_TRY(journal->path, db,
          sqlite3_bind_blob(put, 4, digest->bytes, HTF_DIGEST_BYTES, SQLITE_STATIC));
done:
  return status;
}

// After a failed COMMIT the transaction may still be open (a reader that would not go away)
// or not (SQLite undid it by itself).
static void undo(sqlite3 *db) {
  if (!sqlite3_get_autocommit(db)) {
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  }
}

htf_status htf_journal_put(htf_journal *journal, const htf_record *record) {
  htf_status status = HTF_OK;
  uint8_t *bytes = NULL;
  size_t count = 0;
  htf_digest digest;
  sqlite3 *db = journal->db;
  int64_t written = (int64_t)(htf_clock_date() * 1e6);
  if (written <= journal->written) {
    written = journal->written + 1;
  }
  HTF_TRY(htf_record_pack(record, &bytes, &count));
  HTF_TRY(htf_digest_of(bytes, count, &digest));
  SQL_TRY(journal->path, db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
  HTF_TRY(bind_run(journal, record, &digest, written));
  HTF_TRY(run_once(journal, journal->put_run));
  SQL_TRY(journal->path, db,
          sqlite3_bind_blob64(journal->put_content, 1, bytes, count, SQLITE_STATIC));
  HTF_TRY(run_once(journal, journal->put_content));
  SQL_TRY(journal->path, db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
  journal->written = written;
done:
  undo(db);
  HTF_FREE(bytes);
  return status;
}
