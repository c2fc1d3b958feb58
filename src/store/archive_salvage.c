// SPDX-License-Identifier: BSD-3-Clause
// What can still be read of a damaged journal.
#include <string.h>

#include "archive_impl.h"
#include "htflow/log.h"
#include "sqlite_impl.h"

static void forget(htf_archive *archive, int file) {
  int64_t kept = 0, kept_points = 0;
  for (int64_t i = 0; i < archive->count; i++) {
    if (archive->entries[i].file != file) {
      archive->entries[kept++] = archive->entries[i];
    }
  }
  for (int64_t i = 0; i < archive->checkpoints; i++) {
    if (archive->checkpoint[i].file != file) {
      archive->checkpoint[kept_points++] = archive->checkpoint[i];
    }
  }
  archive->count = kept;
  archive->checkpoints = kept_points;
}

// What a damaged file answers when it is asked for the first record from a number on.
typedef enum answer {
  KEPT,    // that number's, whole, and the entry is kept
  MISSING, // a later one, one that is damaged, or an error
  END,     // there is none
} answer;

static htf_status ask(htf_archive *archive, int file, sqlite3_stmt *row, int64_t number,
                      answer *said) {
  htf_status status = HTF_OK;
  htf_record record;
  int64_t before = archive->count;
  htf_record_init(&record);
  sqlite3_bind_int64(row, 1, number);
  int code = sqlite3_step(row);
  *said = code == SQLITE_DONE ? END : MISSING;
  if (code == SQLITE_ROW && sqlite3_column_int64(row, 0) == number) {
    status = htf_archive__add_entry(archive, file, row);
    sqlite3_reset(row);
    if (status == HTF_OK) {
      status = htf_archive__read(archive, &archive->entries[before], &record);
      *said = status == HTF_OK ? KEPT : MISSING;
    }
  }
  sqlite3_reset(row);
  archive->count = *said == KEPT ? archive->count : before;
  if (status == HTF_E_DATA) {
    htf_error_clear();
    status = HTF_OK;
  }
  htf_record_clear(&record);
  return status;
}

// Records are numbered from 1 without gaps, and each is asked for, since the one before it
// may lead nowhere or elsewhere. How many there were, a damaged file may not say: there are
// no more after so many that are missing, or sooner where it says that this is the end, and
// says so again. In one transaction, or each question costs as much as a hundred.
static htf_status salvage_rows(htf_archive *archive, int file, int64_t *count) {
  enum { MISSES = 5000, ENDS = 50 };
  htf_status status = HTF_OK;
  htf_archive__file *f = &archive->file[file];
  sqlite3_stmt *row = NULL;
  HTF_TRY(htf_archive__open_file(archive, f));
  SQL_TRY(f->path, f->db,
          sqlite3_prepare_v2(f->db,
                             "SELECT number, identity, state, written FROM run"
                             " WHERE number >= ?1 ORDER BY number LIMIT 1",
                             -1, &row, NULL));
  for (int64_t number = 1, misses = 0, ends = 0; misses < MISSES && ends < ENDS; number++) {
    answer said;
    if (sqlite3_get_autocommit(f->db)) {
      SQL_TRY(f->path, f->db, sqlite3_exec(f->db, "BEGIN", NULL, NULL, NULL));
    }
    HTF_TRY(ask(archive, file, row, number, &said));
    *count += said == KEPT;
    misses = said == KEPT ? 0 : misses + 1;
    ends = said == END ? ends + 1 : 0;
  }
done:
  sqlite3_finalize(row);
  htf_archive__release_file(f);
  return status;
}

htf_status htf_archive__salvage(htf_archive *archive, int file) {
  htf_status status = HTF_OK;
  htf_archive__file *f = &archive->file[file];
  int64_t count = 0;
  char why[256];
  strncpy(why, htf_error_message(), sizeof why - 1);
  why[sizeof why - 1] = '\0';
  htf_error_clear();
  htf_archive__close_file(archive, f);
  forget(archive, file);
  f->torn = true;
  status = salvage_rows(archive, file, &count);
  if (status == HTF_E_DATA) { // not even its tables can be read
    htf_error_clear();
    status = HTF_OK;
  }
  HTF_TRY(status);
  htf_log(HTF_LOG_WARN, "store",
          "%s is damaged: %lld records in it are whole and kept, the runs of the others "
          "count as not done (%s)",
          f->path, (long long)count, why);
done:
  return status;
}
