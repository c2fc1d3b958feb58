// SPDX-License-Identifier: BSD-3-Clause
// A run's last checkpoint, read from the journal that holds it.
#include <string.h>

#include "disk_impl.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "sqlite_impl.h"

enum { WRITER_WAIT = 5000 }; // milliseconds

static htf_status copy_blob(sqlite3_stmt *row, const char *path, void **out,
                            size_t *count) {
  htf_status status = HTF_OK;
  uint8_t *bytes = NULL;
  htf_digest digest;
  *count = (size_t)sqlite3_column_bytes(row, 1);
  HTF_NEW(bytes, *count);
  if (*count > 0) {
    memcpy(bytes, sqlite3_column_blob(row, 1), *count);
  }
  HTF_TRY(htf_digest_of(bytes, *count, &digest));
  HTF_CHECK(sqlite3_column_bytes(row, 0) == HTF_DIGEST_BYTES &&
                memcmp(digest.bytes, sqlite3_column_blob(row, 0), HTF_DIGEST_BYTES) == 0,
            HTF_E_DATA, "%s: damaged: a checkpoint does not match its digest", path);
  *out = bytes;
  bytes = NULL;
done:
  HTF_FREE(bytes);
  return status;
}

static htf_status read_row(const char *path, sqlite3 *db, const htf_digest *identity,
                           void **bytes, size_t *count, int64_t *attempts) {
  htf_status status = HTF_OK;
  sqlite3_stmt *get = NULL;
  SQL_TRY(path, db,
          sqlite3_prepare_v2(
              db, "SELECT digest, bytes, attempts FROM checkpoint WHERE identity = ?1", -1,
              &get, NULL));
  SQL_TRY(path, db,
          sqlite3_bind_blob(get, 1, identity->bytes, HTF_DIGEST_BYTES, SQLITE_STATIC));
  int code = sqlite3_step(get);
  SQL_TRY(path, db, code);
  if (code == SQLITE_ROW) {
    HTF_TRY(copy_blob(get, path, bytes, count));
    *attempts = sqlite3_column_int64(get, 2);
  }
done:
  sqlite3_finalize(get);
  return status;
}

htf_status htf_journal_read_checkpoint(const char *directory, const char *writer,
                                       const htf_digest *identity, void **bytes,
                                       size_t *count, int64_t *attempts) {
  htf_status status = HTF_OK;
  sqlite3 *db = NULL;
  char *path = NULL;
  int schema = 0;
  *bytes = NULL;
  *count = 0;
  HTF_TRY(htf_file__format(&path, "%s/journal/%s.sqlite", directory, writer));
  HTF_TRY(
      htf_journal__open_database(path, SQLITE_OPEN_READWRITE, WRITER_WAIT, &db, &schema));
  if (schema >= 2) { // older ones have none
    HTF_TRY(read_row(path, db, identity, bytes, count, attempts));
  }
done:
  sqlite3_close(db);
  HTF_FREE(path);
  return status;
}
