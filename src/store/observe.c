// SPDX-License-Identifier: BSD-3-Clause
// Journals looked at from outside, beside live writers: nothing is written, no lock kept.
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive_impl.h"
#include "disk_impl.h"
#include "htflow/memory.h"
#include "sqlite_impl.h"

// ---- databases --------------------------------------------------------------------------

// "file:<path>?immutable=1": SQLite then takes the file as it lies there, without locks and
// without its rollback journal.
static htf_status immutable_name(const char *path, char **name) {
  htf_status status = HTF_OK;
  size_t used = 0, size = 3 * strlen(path) + 32;
  char *text = NULL;
  HTF_NEW(text, size);
  used += (size_t)snprintf(text, size, "file:");
  for (const char *c = path; *c != '\0'; c++) {
    bool plain = isalnum((unsigned char)*c) || strchr("/-_.", *c) != NULL;
    used += (size_t)snprintf(text + used, size - used, plain ? "%c" : "%%%02X",
                             (unsigned char)*c);
  }
  snprintf(text + used, size - used, "?immutable=1");
  *name = text;
done:
  return status;
}

// Whether the writer was killed amid a commit: a live one holds a lock while its rollback
// journal is full.
static bool is_half_done(const char *path) {
  sqlite3 *db = NULL;
  bool found = false;
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
      SQLITE_OK) {
    sqlite3_exec(db, "PRAGMA schema_version", NULL, NULL, NULL);
    found = sqlite3_extended_errcode(db) == SQLITE_READONLY_ROLLBACK;
  }
  sqlite3_close(db);
  return found;
}

htf_status htf_journal__observe_database(const char *path, int wait, sqlite3 **db) {
  htf_status status = HTF_OK;
  int schema = 0, flags = SQLITE_OPEN_READONLY;
  char *name = NULL;
  status = htf_journal__open_database(path, flags, wait, db, &schema);
  if (status == HTF_E_IO && is_half_done(path)) {
    htf_error_clear();
    HTF_TRY(immutable_name(path, &name));
    status = htf_journal__open_database(name, flags | SQLITE_OPEN_URI, wait, db, &schema);
  }
  HTF_TRY(status);
done:
  HTF_FREE(name);
  return status;
}

// ---- runs -------------------------------------------------------------------------------

static bool same(const htf_digest *a, const htf_digest *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

htf_archive_place htf_archive_find(const htf_archive *archive, const htf_digest *identity) {
  htf_archive_place place = {.state = HTF_RUN_PENDING, .writer = -1, .checkpoint = -1};
  const htf_archive__entry *e = htf_archive__find(archive, identity);
  if (e != NULL) {
    place.state = (int)e->state;
    place.writer = (int)e->file;
    place.written = 1e-6 * (double)e->written;
  }
  const htf_archive__entry *end = archive->entries + archive->count;
  for (; e != NULL && e < end && memcmp(e->key, identity->bytes, sizeof e->key) == 0; e++) {
    place.records += e->state != HTF_ARCHIVE__BAD;
  }
  for (int64_t i = 0; i < archive->checkpoints && place.checkpoint < 0; i++) {
    if (same(&archive->checkpoint[i].identity, identity)) { // the latest comes first
      place.checkpoint = archive->checkpoint[i].file;
      place.checkpoint_at = 1e-6 * (double)archive->checkpoint[i].written;
    }
  }
  return place;
}

// ---- writers ----------------------------------------------------------------------------

int htf_archive_writers(const htf_archive *archive) {
  return archive->files;
}

// Asks who holds a lock without taking it. A file set aside has none.
static int is_alive(const char *journal) {
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  char *path = NULL;
  int alive = -1, stem = (int)(strlen(journal) - strlen(".sqlite"));
  if (htf_file__format(&path, "%.*s.lock", stem, journal) != HTF_OK) {
    htf_error_clear();
    return -1;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    alive = 0;
  } else if (fcntl(fd, F_OFD_GETLK, &lock) == 0) {
    alive = lock.l_type != F_UNLCK;
  }
  if (fd >= 0) {
    close(fd);
  }
  HTF_FREE(path);
  return alive;
}

static void note_sign(double *last, int64_t written) {
  *last = 1e-6 * (double)written > *last ? 1e-6 * (double)written : *last;
}

void htf_archive_list_writers(const htf_archive *archive, htf_archive_writer *writers) {
  for (int i = 0; i < archive->files; i++) {
    const char *path = archive->file[i].path, *name = strrchr(path, '/') + 1;
    writers[i] = (htf_archive_writer){.alive = is_alive(path)};
    snprintf(writers[i].name, sizeof writers[i].name, "%.*s",
             (int)(strlen(name) - strlen(".sqlite")), name);
  }
  for (int64_t i = 0; i < archive->count; i++) {
    note_sign(&writers[archive->entries[i].file].last, archive->entries[i].written);
  }
  for (int64_t i = 0; i < archive->checkpoints; i++) {
    note_sign(&writers[archive->checkpoint[i].file].last, archive->checkpoint[i].written);
  }
}
