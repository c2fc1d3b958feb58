// SPDX-License-Identifier: BSD-3-Clause
// The files of an archive: found, opened and scanned.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive_impl.h"
#include "disk_impl.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "sqlite_impl.h"

// Milliseconds a transaction of the writer may take, and of one that hung; databases that
// are open at once; records in one file, beyond which its answer is not believed.
enum { WRITER_WAIT = 5000, HUNG_WAIT = 20, OPEN_FILES = 64, MOST_RECORDS = 1 << 26 };

// ---- finding ----------------------------------------------------------------------------

static int is_journal(const struct dirent *item) {
  size_t length = strlen(item->d_name), ending = strlen(".sqlite");
  return length > ending && strcmp(item->d_name + length - ending, ".sqlite") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static const char *base_name(const char *path) {
  return strrchr(path, '/') + 1;
}

static bool known(const htf_archive *archive, const char *name) {
  for (int i = 0; i < archive->files; i++) {
    if (strcmp(base_name(archive->file[i].path), name) == 0) {
      return true;
    }
  }
  return false;
}

static htf_status add_file(htf_archive *archive, const char *name) {
  htf_status status = HTF_OK;
  HTF_RESIZE(archive->file, archive->files + 1);
  htf_archive__file *file = &archive->file[archive->files];
  HTF_TRY(htf_file__format(&file->path, "%s/%s", archive->folder, name));
  archive->files++;
done:
  return status;
}

htf_status htf_archive__list(const char *directory, htf_archive *archive) {
  htf_status status = HTF_OK;
  struct dirent **names = NULL;
  struct stat facts;
  int count = 0;
  HTF_CHECK(stat(directory, &facts) == 0, HTF_E_IO, "%s: %s", directory, strerror(errno));
  count = scandir(archive->folder, &names, is_journal, by_name);
  HTF_CHECK(count >= 0 || errno == ENOENT, HTF_E_IO, "%s: cannot be listed: %s",
            archive->folder, strerror(errno));
  for (int i = 0; i < count; i++) {
    if (!known(archive, names[i]->d_name)) {
      HTF_TRY(add_file(archive, names[i]->d_name));
    }
  }
done:
  for (int i = 0; i < count; i++) {
    free(names[i]); // scandir's own
  }
  free(names);
  return status;
}

// ---- opening ----------------------------------------------------------------------------

void htf_archive__close_file(htf_archive *archive, htf_archive__file *file) {
  if (file->db != NULL) {
    sqlite3_finalize(file->get);
    sqlite3_close(file->db);
    file->get = NULL;
    file->db = NULL;
    archive->open--;
  }
}

// Opened for writing where that is allowed, though nothing is ever written: what a writer
// left half done when it was killed can only be undone so.
static htf_status open_database(htf_archive__file *file, bool observes) {
  htf_status status = HTF_OK;
  int schema = 0, flags = observes ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  int wait = file->locked ? HUNG_WAIT : WRITER_WAIT;
  if (file->torn) {
    return htf_journal__open_torn(file->path, flags, wait, &file->db);
  }
  if (observes) {
    HTF_TRY(htf_journal__observe_database(file->path, wait, &file->db));
  } else {
    HTF_TRY(htf_journal__open_database(file->path, flags, wait, &file->db, &schema));
  }
  SQL_TRY(file->path, file->db,
          sqlite3_exec(file->db, "PRAGMA query_only = ON", NULL, NULL, NULL));
done:
  return status;
}

htf_status htf_archive__open_file(htf_archive *archive, htf_archive__file *file) {
  htf_status status = HTF_OK;
  if (file->db != NULL) {
    return HTF_OK;
  }
  while (archive->open >= OPEN_FILES) {
    htf_archive__close_file(archive, &archive->file[archive->next_closed]);
    archive->next_closed = (archive->next_closed + 1) % archive->files;
  }
  status = open_database(file, archive->observes);
  archive->open += file->db != NULL;
  HTF_TRY(status);
  SQL_TRY(file->path, file->db,
          sqlite3_prepare_v2(file->db,
                             "SELECT run.digest, content.bytes FROM run LEFT JOIN content"
                             " USING (number) WHERE number = ?1",
                             -1, &file->get, NULL));
done:
  if (status != HTF_OK) {
    htf_archive__close_file(archive, file);
  }
  return status;
}

void htf_archive__release_file(htf_archive__file *file) {
  if (file->db != NULL && !sqlite3_get_autocommit(file->db)) {
    sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL);
  }
}

// ---- scanning ---------------------------------------------------------------------------

htf_status htf_archive__add_entry(htf_archive *archive, int file, sqlite3_stmt *row) {
  htf_status status = HTF_OK;
  htf_archive__file *f = &archive->file[file];
  if (archive->count == archive->room) {
    int64_t room = archive->room + archive->room / 4 + 256;
    HTF_RESIZE(archive->entries, room);
    archive->room = room;
  }
  int64_t number = sqlite3_column_int64(row, 0);
  int state = sqlite3_column_int(row, 2);
  HTF_CHECK(sqlite3_column_bytes(row, 1) == HTF_DIGEST_BYTES, HTF_E_DATA,
            "%s: damaged: record %lld has no identity", f->path, (long long)number);
  HTF_CHECK(state == HTF_RUN_DONE || state == HTF_RUN_FAILED, HTF_E_DATA,
            "%s: damaged: record %lld has no state", f->path, (long long)number);
  htf_archive__entry *e = &archive->entries[archive->count++];
  memcpy(e->key, sqlite3_column_blob(row, 1), sizeof e->key);
  e->written = sqlite3_column_int64(row, 3);
  e->number = number;
  e->file = file;
  e->state = (int8_t)state;
  f->last = number;
done:
  return status;
}

static htf_status add_checkpoint(htf_archive *archive, int file, sqlite3_stmt *row) {
  htf_status status = HTF_OK;
  if (archive->checkpoints == archive->checkpoint_room) {
    int64_t room = 2 * archive->checkpoint_room + 16;
    HTF_RESIZE(archive->checkpoint, room);
    archive->checkpoint_room = room;
  }
  HTF_CHECK(sqlite3_column_bytes(row, 0) == HTF_DIGEST_BYTES, HTF_E_DATA,
            "%s: damaged: a checkpoint has no identity", archive->file[file].path);
  htf_archive__checkpoint *c = &archive->checkpoint[archive->checkpoints++];
  memcpy(c->identity.bytes, sqlite3_column_blob(row, 0), HTF_DIGEST_BYTES);
  c->written = sqlite3_column_int64(row, 1);
  c->file = file;
done:
  return status;
}

static htf_status scan_rows(htf_archive *archive, int file, const char *query,
                            htf_status (*add)(htf_archive *, int, sqlite3_stmt *)) {
  htf_status status = HTF_OK;
  htf_archive__file *f = &archive->file[file];
  sqlite3_stmt *rows = NULL;
  SQL_TRY(f->path, f->db, sqlite3_prepare_v2(f->db, query, -1, &rows, NULL));
  if (sqlite3_bind_parameter_count(rows) > 0) {
    SQL_TRY(f->path, f->db, sqlite3_bind_int64(rows, 1, f->last));
  }
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
    HTF_TRY(add(archive, file, rows));
  }
  SQL_TRY(f->path, f->db, code);
done:
  sqlite3_finalize(rows);
  return status;
}

static bool has_checkpoints(sqlite3 *db) {
  return sqlite3_table_column_metadata(db, NULL, "checkpoint", "bytes", NULL, NULL, NULL,
                                       NULL, NULL) == SQLITE_OK;
}

static htf_status scan_sound(htf_archive *archive, int file) {
  htf_status status = HTF_OK;
  htf_archive__file *f = &archive->file[file];
  HTF_TRY(htf_archive__open_file(archive, f));
  if (sqlite3_get_autocommit(f->db)) {
    SQL_TRY(f->path, f->db, sqlite3_exec(f->db, "BEGIN", NULL, NULL, NULL));
  }
  HTF_TRY(scan_rows(archive, file,
                    "SELECT number, identity, state, written FROM run WHERE number > ?1",
                    htf_archive__add_entry));
  if (has_checkpoints(f->db)) {
    HTF_TRY(scan_rows(archive, file, "SELECT identity, written FROM checkpoint",
                      add_checkpoint));
  }
done:
  htf_archive__release_file(f);
  return status;
}

// What a hung writer keeps from being read counts as not done, which costs work at worst.
static void pass_over(htf_archive *archive, htf_archive__file *file) {
  if (!file->locked) {
    htf_log(HTF_LOG_WARN, "store",
            "%s: its writer has been amid a commit for %d s and seems to hang; what it has "
            "done and was not read before counts as not done until it goes on or ends",
            file->path, WRITER_WAIT / 1000);
  }
  file->locked = true;
  htf_archive__close_file(archive, file); // the next one opened waits as for a hung one
  htf_error_clear();
}

// Room for the records of all files, so that the table need not grow; of files that cannot
// all be kept open it grows. What cannot be asked here fails when it is scanned.
htf_status htf_archive__reserve(htf_archive *archive) {
  htf_status status = HTF_OK;
  int64_t room = archive->count;
  for (int i = 0; i < archive->files && archive->files <= OPEN_FILES; i++) {
    htf_archive__file *f = &archive->file[i];
    sqlite3_stmt *ask = NULL;
    htf_status opened = f->torn ? HTF_E_DATA : htf_archive__open_file(archive, f);
    if (opened == HTF_E_LOCKED) {
      pass_over(archive, f);
    } else if (opened == HTF_OK &&
               sqlite3_prepare_v2(f->db, "SELECT max(number) FROM run", -1, &ask, NULL) ==
                   SQLITE_OK &&
               sqlite3_step(ask) == SQLITE_ROW) {
      int64_t more = sqlite3_column_int64(ask, 0) - f->last;
      room += 0 < more && more < MOST_RECORDS ? more : 0;
    }
    sqlite3_finalize(ask);
    htf_archive__release_file(f);
  }
  htf_error_clear();
  if (room > archive->room) {
    HTF_RESIZE(archive->entries, room);
    archive->room = room;
  }
done:
  return status;
}

htf_status htf_archive__scan(htf_archive *archive, int file) {
  htf_status status = HTF_OK;
  htf_archive__file *f = &archive->file[file];
  if (f->torn) {
    return HTF_OK;
  }
  status = scan_sound(archive, file);
  if (status == HTF_E_LOCKED) {
    pass_over(archive, f);
    return HTF_OK;
  }
  if (status == HTF_E_DATA) {
    status = htf_archive__salvage(archive, file);
  }
  HTF_TRY(status);
  if (f->locked) { // and is so no more
    f->locked = false;
    htf_archive__close_file(archive, f);
  }
done:
  return status;
}
