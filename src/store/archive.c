// SPDX-License-Identifier: BSD-3-Clause
// The reader of all journals of a sweep: a sorted table from a run's identity to the file
// and row of the record that counts. Records stay on disk.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "disk_impl.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "sqlite_impl.h"

// Milliseconds a transaction of the writer may take; databases that are open at once.
enum { WRITER_WAIT = 60000, OPEN_FILES = 64 };

typedef struct journal_file {
  char *path;
  sqlite3 *db; // NULL while closed
  sqlite3_stmt *get;
} journal_file;

typedef struct entry {
  htf_digest identity;
  int64_t written, number;
  int32_t file, state;
} entry;

struct htf_archive {
  int files;
  journal_file *file; // [files], by name
  int open;           // how many of them are open
  int next_closed;    // which is closed next when there are too many
  int64_t count, room;
  entry *entries; // [count], by identity
};

// ---- files ------------------------------------------------------------------------------

static void close_file(htf_archive *archive, journal_file *file) {
  if (file->db != NULL) {
    sqlite3_finalize(file->get);
    sqlite3_close(file->db);
    file->get = NULL;
    file->db = NULL;
    archive->open--;
  }
}

// Opened within a read transaction, so that a busy writer is waited for once; the caller
// ends it. Opened for writing where that is allowed, though nothing is ever written: what a
// writer left half done when it was killed can only be undone so.
static htf_status open_file(htf_archive *archive, journal_file *file, htf_digest *plan) {
  htf_status status = HTF_OK;
  if (file->db != NULL) {
    return HTF_OK;
  }
  while (archive->open >= OPEN_FILES) {
    close_file(archive, &archive->file[archive->next_closed]);
    archive->next_closed = (archive->next_closed + 1) % archive->files;
  }
  HTF_TRY(htf_journal__open_database(file->path, SQLITE_OPEN_READWRITE, WRITER_WAIT,
                                     &file->db, plan));
  archive->open++;
  SQL_TRY(file->path, file->db,
          sqlite3_exec(file->db, "PRAGMA query_only = ON", NULL, NULL, NULL));
  SQL_TRY(file->path, file->db,
          sqlite3_prepare_v2(file->db,
                             "SELECT run.digest, content.bytes FROM run LEFT JOIN content"
                             " USING (number) WHERE number = ?1",
                             -1, &file->get, NULL));
done:
  if (status != HTF_OK) {
    close_file(archive, file);
  }
  return status;
}

// Ends the read transaction, if there is one: the writer can go on.
static void release_file(journal_file *file) {
  if (file->db != NULL && !sqlite3_get_autocommit(file->db)) {
    sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL);
  }
}

static int is_journal(const struct dirent *item) {
  size_t length = strlen(item->d_name), ending = strlen(".sqlite");
  return length > ending && strcmp(item->d_name + length - ending, ".sqlite") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static htf_status list_files(const char *directory, htf_archive *archive) {
  htf_status status = HTF_OK;
  char *folder = NULL;
  struct dirent **names = NULL;
  struct stat facts;
  int count = 0;
  HTF_CHECK(stat(directory, &facts) == 0, HTF_E_IO, "%s: %s", directory, strerror(errno));
  HTF_TRY(htf_file__format(&folder, "%s/journal", directory));
  count = scandir(folder, &names, is_journal, by_name);
  HTF_CHECK(count >= 0 || errno == ENOENT, HTF_E_IO, "%s: cannot be listed: %s", folder,
            strerror(errno));
  archive->files = 0;
  HTF_NEW(archive->file, count > 0 ? count : 0);
  for (int i = 0; i < count; i++) {
    HTF_TRY(htf_file__format(&archive->file[i].path, "%s/%s", folder, names[i]->d_name));
    archive->files++;
  }
done:
  for (int i = 0; i < count; i++) {
    free(names[i]); // scandir's own
  }
  free(names);
  HTF_FREE(folder);
  return status;
}

// ---- the table --------------------------------------------------------------------------

static htf_status add_entry(htf_archive *archive, int file, sqlite3_stmt *row) {
  htf_status status = HTF_OK;
  if (archive->count == archive->room) {
    int64_t room = archive->room > 0 ? 2 * archive->room : 256;
    HTF_RESIZE(archive->entries, room);
    archive->room = room;
  }
  HTF_CHECK(sqlite3_column_bytes(row, 1) == HTF_DIGEST_BYTES, HTF_E_DATA,
            "%s: damaged: record %lld has no identity", archive->file[file].path,
            (long long)sqlite3_column_int64(row, 0));
  entry *e = &archive->entries[archive->count++];
  e->file = file;
  e->number = sqlite3_column_int64(row, 0);
  memcpy(e->identity.bytes, sqlite3_column_blob(row, 1), HTF_DIGEST_BYTES);
  e->state = sqlite3_column_int(row, 2);
  e->written = sqlite3_column_int64(row, 3);
done:
  return status;
}

static htf_status scan_file(htf_archive *archive, int file) {
  htf_status status = HTF_OK;
  journal_file *f = &archive->file[file];
  sqlite3_stmt *rows = NULL;
  SQL_TRY(f->path, f->db,
          sqlite3_prepare_v2(f->db, "SELECT number, identity, state, written FROM run", -1,
                             &rows, NULL));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
    HTF_TRY(add_entry(archive, file, rows));
  }
  SQL_TRY(f->path, f->db, code);
done:
  sqlite3_finalize(rows);
  return status;
}

static int compare(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

// By identity; of one run's, what counts comes first: a done one, then the latest. Stamps
// of two files can be equal; then the file's name decides, so that the order is always the
// same.
static int by_worth(const void *left, const void *right) {
  const entry *a = left, *b = right;
  int order = memcmp(a->identity.bytes, b->identity.bytes, HTF_DIGEST_BYTES);
  if (order == 0) {
    order = (b->state == HTF_RUN_DONE) - (a->state == HTF_RUN_DONE);
  }
  if (order == 0) {
    order = compare(b->written, a->written);
  }
  if (order == 0) {
    order = compare(b->file, a->file);
  }
  return order != 0 ? order : compare(b->number, a->number);
}

static void resolve(htf_archive *archive) {
  int64_t kept = 0;
  if (archive->count > 0) {
    qsort(archive->entries, (size_t)archive->count, sizeof *archive->entries, by_worth);
  }
  for (int64_t i = 0; i < archive->count; i++) {
    entry *e = &archive->entries[i];
    if (kept == 0 || memcmp(&archive->entries[kept - 1].identity, &e->identity,
                            sizeof e->identity) != 0) {
      archive->entries[kept++] = *e;
    }
  }
  archive->count = kept;
}

htf_status htf_archive_open(const char *directory, htf_archive **out) {
  htf_status status = HTF_OK;
  htf_archive *archive = NULL;
  htf_digest first, plan;
  HTF_NEW(archive, 1);
  HTF_TRY(list_files(directory, archive));
  for (int i = 0; i < archive->files; i++) {
    HTF_TRY(open_file(archive, &archive->file[i], &plan));
    first = i == 0 ? plan : first;
    HTF_CHECK(memcmp(&plan, &first, sizeof plan) == 0, HTF_E_DATA,
              "%s and %s are journals of two sweeps", archive->file[0].path,
              archive->file[i].path);
    HTF_TRY(scan_file(archive, i));
    release_file(&archive->file[i]);
  }
  resolve(archive);
  *out = archive;
  archive = NULL;
done:
  htf_archive_close(&archive);
  return status;
}

void htf_archive_close(htf_archive **archive) {
  htf_archive *a = *archive;
  if (a != NULL) {
    for (int i = 0; i < a->files; i++) {
      close_file(a, &a->file[i]);
      HTF_FREE(a->file[i].path);
    }
    HTF_FREE(a->file);
    HTF_FREE(a->entries);
    HTF_FREE(*archive);
  }
}

// ---- asking -----------------------------------------------------------------------------

static int identity_order(const void *key, const void *element) {
  return memcmp(key, ((const entry *)element)->identity.bytes, HTF_DIGEST_BYTES);
}

static const entry *find(const htf_archive *archive, const htf_digest *identity) {
  if (archive->count == 0) {
    return NULL;
  }
  return bsearch(identity->bytes, archive->entries, (size_t)archive->count,
                 sizeof *archive->entries, identity_order);
}

int64_t htf_archive_count(const htf_archive *archive) {
  return archive->count;
}

int htf_archive_state(const htf_archive *archive, const htf_digest *identity) {
  const entry *e = find(archive, identity);
  return e != NULL ? e->state : HTF_RUN_PENDING;
}

// The row's bytes against their digest, and what they say against the table.
static htf_status unpack_row(sqlite3_stmt *row, const char *path, const entry *e,
                             htf_record *record) {
  htf_status status = HTF_OK;
  htf_digest digest;
  const void *bytes = sqlite3_column_blob(row, 1);
  size_t count = (size_t)sqlite3_column_bytes(row, 1);
  HTF_CHECK(bytes != NULL && sqlite3_column_bytes(row, 0) == HTF_DIGEST_BYTES, HTF_E_DATA,
            "%s: damaged: record %lld has no bytes", path, (long long)e->number);
  HTF_TRY(htf_digest_of(bytes, count, &digest));
  HTF_CHECK(memcmp(digest.bytes, sqlite3_column_blob(row, 0), HTF_DIGEST_BYTES) == 0,
            HTF_E_DATA, "%s: damaged: record %lld does not match its digest", path,
            (long long)e->number);
  HTF_TRY(htf_record_unpack(bytes, count, record));
  HTF_CHECK(memcmp(&record->identity, &e->identity, sizeof e->identity) == 0 &&
                record->state == e->state,
            HTF_E_DATA, "%s: damaged: record %lld is of another run", path,
            (long long)e->number);
done:
  return status;
}

htf_status htf_archive_get(htf_archive *archive, const htf_digest *identity,
                           htf_record *record) {
  htf_status status = HTF_OK;
  htf_digest plan;
  char text[HTF_DIGEST_TEXT];
  journal_file *file = NULL;
  const entry *e = find(archive, identity);
  htf_digest_text(identity, text);
  HTF_CHECK(e != NULL, HTF_E_INTERNAL, "no record of run %.12s", text);
  file = &archive->file[e->file];
  HTF_TRY(open_file(archive, file, &plan));
  SQL_TRY(file->path, file->db, sqlite3_bind_int64(file->get, 1, e->number));
  int code = sqlite3_step(file->get);
  SQL_TRY(file->path, file->db, code);
  HTF_CHECK(code == SQLITE_ROW, HTF_E_DATA, "%s: damaged: record %lld is gone", file->path,
            (long long)e->number);
  HTF_TRY(unpack_row(file->get, file->path, e, record));
done:
  if (file != NULL && file->get != NULL) {
    sqlite3_reset(file->get);
    release_file(file);
  }
  if (status != HTF_OK) {
    htf_record_clear(record);
  }
  return status;
}
