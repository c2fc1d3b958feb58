// SPDX-License-Identifier: BSD-3-Clause
// The reader of all journals of a sweep: a sorted table from a run's identity to the files
// and rows of its records, the one that counts first. Records stay on disk.
#include <stdlib.h>
#include <string.h>

#include "archive_impl.h"
#include "disk_impl.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "sqlite_impl.h"

typedef htf_archive__entry entry;

// ---- the table --------------------------------------------------------------------------

static int compare(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

// By identity; of one run's, what counts comes first: a done one, then the latest. Stamps
// of two files can be equal; then any order will do that is always the same, and files are
// in the order of their names, or of their appearance.
static int by_worth(const void *left, const void *right) {
  const entry *a = left, *b = right;
  int order = memcmp(a->key, b->key, sizeof a->key);
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

static int by_date(const void *left, const void *right) {
  const htf_archive__checkpoint *a = left, *b = right;
  int order = memcmp(a->identity.bytes, b->identity.bytes, HTF_DIGEST_BYTES);
  return order != 0 ? order : compare(b->written, a->written);
}

static void exchange(entry *a, entry *b) {
  entry kept = *a;
  *a = *b;
  *b = kept;
}

// qsort takes as much memory again as it sorts, so the entries are first dealt, in place,
// into 256 heaps by the first byte of their key, and each heap sorted by itself.
static void sort_entries(entry *e, int64_t count) {
  int64_t size[256] = {0}, next[256], end[256], start = 0;
  for (int64_t i = 0; i < count; i++) {
    size[e[i].key[0]]++;
  }
  for (int b = 0; b < 256; b++) {
    next[b] = start;
    start += size[b];
    end[b] = start;
  }
  for (int b = 0; b < 256; b++) {
    while (next[b] < end[b]) {
      int heap = e[next[b]].key[0];
      exchange(&e[next[b]], &e[next[heap]]);
      next[heap]++;
    }
  }
  for (int b = 0; b < 256; b++) {
    if (size[b] > 0) {
      qsort(&e[end[b] - size[b]], (size_t)size[b], sizeof *e, by_worth);
    }
  }
}

static bool first_of_run(const htf_archive *archive, int64_t i) {
  return i == 0 || memcmp(archive->entries[i - 1].key, archive->entries[i].key,
                          HTF_ARCHIVE__KEY) != 0;
}

static void count_runs(htf_archive *archive) {
  bool counted = false;
  archive->runs = 0;
  for (int64_t i = 0; i < archive->count; i++) {
    counted = counted && !first_of_run(archive, i);
    if (!counted && archive->entries[i].state != HTF_ARCHIVE__BAD) {
      counted = true;
      archive->runs++;
    }
  }
}

static void resolve(htf_archive *archive) {
  sort_entries(archive->entries, archive->count);
  count_runs(archive);
  if (archive->checkpoints > 0) {
    qsort(archive->checkpoint, (size_t)archive->checkpoints, sizeof *archive->checkpoint,
          by_date);
  }
}

// ---- opening ----------------------------------------------------------------------------

static htf_status scan_all(htf_archive *archive) {
  htf_status status = HTF_OK;
  archive->checkpoints = 0; // are few, and read anew
  HTF_TRY(htf_archive__reserve(archive));
  for (int i = 0; i < archive->files; i++) {
    HTF_TRY(htf_archive__scan(archive, i));
  }
  resolve(archive);
done:
  return status;
}

static htf_status open_archive(const char *directory, bool observes, htf_archive **out) {
  htf_status status = HTF_OK;
  htf_archive *archive = NULL;
  HTF_NEW(archive, 1);
  archive->observes = observes;
  HTF_TRY(htf_file__format(&archive->folder, "%s/journal", directory));
  HTF_TRY(htf_archive__list(directory, archive));
  HTF_TRY(scan_all(archive));
  *out = archive;
  archive = NULL;
done:
  htf_archive_close(&archive);
  return status;
}

htf_status htf_archive_open(const char *directory, htf_archive **archive) {
  return open_archive(directory, false, archive);
}

htf_status htf_archive_observe(const char *directory, htf_archive **archive) {
  return open_archive(directory, true, archive);
}

htf_status htf_archive_refresh(htf_archive *archive) {
  htf_status status = HTF_OK;
  char *directory = NULL;
  for (int i = 0; i < archive->files && archive->observes; i++) {
    htf_archive__close_file(archive, &archive->file[i]); // one read past a half-done write
  }
  HTF_TRY(htf_file__parent(archive->folder, &directory));
  HTF_TRY(htf_archive__list(directory, archive));
  HTF_TRY(scan_all(archive));
done:
  HTF_FREE(directory);
  return status;
}

void htf_archive_close(htf_archive **archive) {
  htf_archive *a = *archive;
  if (a != NULL) {
    for (int i = 0; i < a->files; i++) {
      htf_archive__close_file(a, &a->file[i]);
      HTF_FREE(a->file[i].path);
    }
    HTF_FREE(a->file);
    HTF_FREE(a->entries);
    HTF_FREE(a->checkpoint);
    HTF_FREE(a->folder);
    HTF_FREE(*archive);
  }
}

// ---- asking -----------------------------------------------------------------------------

entry *htf_archive__find(const htf_archive *archive, const htf_digest *identity) {
  int64_t low = 0, high = archive->count;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (memcmp(archive->entries[middle].key, identity->bytes, HTF_ARCHIVE__KEY) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < archive->count; low++) {
    entry *e = &archive->entries[low];
    if (memcmp(e->key, identity->bytes, HTF_ARCHIVE__KEY) != 0) {
      return NULL;
    }
    if (e->state != HTF_ARCHIVE__BAD) {
      return e;
    }
  }
  return NULL;
}

int64_t htf_archive_count(const htf_archive *archive) {
  return archive->runs;
}

int htf_archive_state(const htf_archive *archive, const htf_digest *identity) {
  const entry *e = htf_archive__find(archive, identity);
  return e != NULL ? (int)e->state : HTF_RUN_PENDING;
}

const char *htf_archive_checkpoint(const htf_archive *archive, const htf_digest *identity) {
  static _Thread_local char writer[256];
  for (int64_t i = 0; i < archive->checkpoints; i++) {
    const htf_archive__checkpoint *c = &archive->checkpoint[i];
    if (memcmp(&c->identity, identity, sizeof *identity) == 0) {
      const char *name = strrchr(archive->file[c->file].path, '/') + 1;
      size_t length = strlen(name) - strlen(".sqlite");
      length = length < sizeof writer ? length : sizeof writer - 1;
      memcpy(writer, name, length);
      writer[length] = '\0';
      return writer;
    }
  }
  return NULL;
}

// The row's bytes against their digest, and what they say against the table.
static htf_status unpack_row(sqlite3_stmt *row, const char *path,
                             const htf_archive__entry *e, htf_record *record) {
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
  HTF_CHECK(memcmp(record->identity.bytes, e->key, sizeof e->key) == 0 &&
                record->state == e->state,
            HTF_E_DATA, "%s: damaged: record %lld is of another run", path,
            (long long)e->number);
done:
  return status;
}

htf_status htf_archive__read(htf_archive *archive, const entry *e, htf_record *record) {
  htf_status status = HTF_OK;
  htf_archive__file *file = &archive->file[e->file];
  HTF_TRY(htf_archive__open_file(archive, file));
  SQL_TRY(file->path, file->db, sqlite3_bind_int64(file->get, 1, e->number));
  int code = sqlite3_step(file->get);
  SQL_TRY(file->path, file->db, code);
  HTF_CHECK(code == SQLITE_ROW, HTF_E_DATA, "%s: damaged: record %lld is gone", file->path,
            (long long)e->number);
  HTF_TRY(unpack_row(file->get, file->path, e, record));
done:
  if (file->get != NULL) {
    sqlite3_reset(file->get);
    htf_archive__release_file(file);
  }
  if (status != HTF_OK) {
    htf_record_clear(record);
  }
  return status;
}

htf_status htf_archive_get(htf_archive *archive, const htf_digest *identity,
                           htf_record *record) {
  htf_status status = HTF_OK;
  char text[HTF_DIGEST_TEXT];
  entry *e = htf_archive__find(archive, identity);
  htf_digest_text(identity, text);
  HTF_CHECK(e != NULL, HTF_E_INTERNAL, "no record of run %.12s", text);
  do {
    status = htf_archive__read(archive, e, record);
    if (status == HTF_E_DATA) {
      e->state = HTF_ARCHIVE__BAD;
      e = htf_archive__find(archive, identity);
    }
  } while (status == HTF_E_DATA && e != NULL);
  HTF_TRY(status);
done:
  return status;
}

// ---- verifying --------------------------------------------------------------------------

static htf_status verify_entries(htf_archive *archive) {
  htf_status status = HTF_OK;
  htf_record record;
  htf_record_init(&record);
  for (int64_t i = 0; i < archive->count; i++) {
    entry *e = &archive->entries[i];
    if (e->state == HTF_ARCHIVE__BAD || archive->file[e->file].torn) {
      continue; // known already, or seen to be whole
    }
    status = htf_archive__read(archive, e, &record);
    if (status == HTF_E_DATA) {
      htf_log(HTF_LOG_WARN, "store", "%s; its run counts as not done", htf_error_message());
      e->state = HTF_ARCHIVE__BAD;
      htf_error_clear();
      status = HTF_OK;
    }
    HTF_TRY(status);
    htf_record_clear(&record);
  }
done:
  htf_record_clear(&record);
  return status;
}

htf_status htf_archive_verify(htf_archive *archive, int64_t *damaged) {
  htf_status status = HTF_OK;
  int64_t before = archive->runs;
  HTF_TRY(verify_entries(archive));
  count_runs(archive);
  *damaged = before - archive->runs;
done:
  return status;
}
