// SPDX-License-Identifier: BSD-3-Clause
// Power loss, simulated: SQLite's file layer is replaced by one that remembers each file as
// it was at its last fsync. At every fsync, and after every put, the power "fails": of each
// file either all that was written is on disk, or only what was synced. Whichever of these
// it is, the archive must open and hold every record that was acknowledged.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "htflow/journal.h"
#include "store_test.h"

static const htf_digest plan = {{9}};
static char scratch[64], after[128];
static bool watching;
static int64_t acknowledged; // runs 0 .. acknowledged - 1
static int failures;         // of the power

// ---- files ------------------------------------------------------------------------------

static void copy_file(const char *from, const char *to) {
  static char block[1 << 16];
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  cr_assert(not(zero(ptr, out)));
  for (size_t n = 1; in != NULL && n > 0;) {
    n = fread(block, 1, sizeof block, in);
    cr_assert(eq(sz, fwrite(block, 1, n, out), n));
  }
  if (in != NULL) {
    fclose(in);
  }
  fclose(out);
}

// A file of the journal as it is, or as it was when last synced (empty if it never was).
static void keep(const char *name, bool synced) {
  char from[192], to[192];
  snprintf(from, sizeof from, "%s/%s/%s", scratch, synced ? "synced" : "journal", name);
  snprintf(to, sizeof to, "%s/journal/%s", after, name);
  copy_file(from, to);
}

static void expect_all(void) {
  htf_archive *archive = NULL;
  htf_record record;
  htf_status status = htf_archive_open(after, &archive);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  cr_assert(ge(i64, htf_archive_count(archive), acknowledged));
  for (int64_t run = 0; run < acknowledged; run++) {
    htf_digest identity = identity_of(run);
    htf_record_init(&record);
    status = htf_archive_get(archive, &identity, &record);
    cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
    cr_assert(eq(i64, record.steps, run));
    htf_record_clear(&record);
  }
  htf_archive_close(&archive);
}

static void fail_power(void) {
  if (watching) {
    watching = false;
    for (int which = 0; which < 4; which++) {
      keep("w0.sqlite", which & 1);
      keep("w0.sqlite-journal", which & 2);
      expect_all();
      failures++;
    }
    watching = true;
  }
}

// ---- SQLite's file layer ----------------------------------------------------------------

typedef struct watched {
  sqlite3_file base;
  char name[64];
  sqlite3_file *real;
} watched;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs watching_vfs;

static sqlite3_file *real_of(sqlite3_file *file) {
  return ((watched *)(void *)file)->real;
}

static int close_watched(sqlite3_file *file) {
  return real_of(file)->pMethods->xClose(real_of(file));
}

static int read_watched(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at) {
  return real_of(file)->pMethods->xRead(real_of(file), bytes, count, at);
}

static int write_watched(sqlite3_file *file, const void *bytes, int count,
                         sqlite3_int64 at) {
  return real_of(file)->pMethods->xWrite(real_of(file), bytes, count, at);
}

static int truncate_watched(sqlite3_file *file, sqlite3_int64 size) {
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int sync_watched(sqlite3_file *file, int flags) {
  watched *w = (watched *)(void *)file;
  char from[192], to[192];
  fail_power();
  int code = w->real->pMethods->xSync(w->real, flags);
  if (watching) {
    snprintf(from, sizeof from, "%s/journal/%s", scratch, w->name);
    snprintf(to, sizeof to, "%s/synced/%s", scratch, w->name);
    copy_file(from, to);
  }
  fail_power();
  return code;
}

static int size_watched(sqlite3_file *file, sqlite3_int64 *size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int lock_watched(sqlite3_file *file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_watched(sqlite3_file *file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int reserved_watched(sqlite3_file *file, int *reserved) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int control_watched(sqlite3_file *file, int what, void *argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int sector_watched(sqlite3_file *file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int device_watched(sqlite3_file *file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static const sqlite3_io_methods watched_methods = {1,
                                                   close_watched,
                                                   read_watched,
                                                   write_watched,
                                                   truncate_watched,
                                                   sync_watched,
                                                   size_watched,
                                                   lock_watched,
                                                   unlock_watched,
                                                   reserved_watched,
                                                   control_watched,
                                                   sector_watched,
                                                   device_watched,
                                                   NULL,
                                                   NULL,
                                                   NULL,
                                                   NULL,
                                                   NULL,
                                                   NULL};

static int open_watched(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                        int *out) {
  watched *w = (watched *)(void *)file;
  const char *name = path != NULL ? strrchr(path, '/') : NULL;
  (void)vfs;
  w->real = (sqlite3_file *)(void *)(w + 1);
  snprintf(w->name, sizeof w->name, "%s", name != NULL ? name + 1 : "");
  int code = real_vfs->xOpen(real_vfs, path, w->real, flags, out);
  w->base.pMethods = w->real->pMethods != NULL ? &watched_methods : NULL;
  return code;
}

// ---- the test ---------------------------------------------------------------------------

static void begin(void) {
  char path[192];
  make_scratch(scratch);
  snprintf(path, sizeof path, "%s/synced", scratch);
  mkdir(path, 0700);
  snprintf(after, sizeof after, "%s/after", scratch);
  mkdir(after, 0700);
  snprintf(path, sizeof path, "%s/after/journal", scratch);
  mkdir(path, 0700);
  real_vfs = sqlite3_vfs_find(NULL);
  watching_vfs = *real_vfs;
  watching_vfs.zName = "watching";
  watching_vfs.xOpen = open_watched;
  watching_vfs.szOsFile = (int)sizeof(watched) + real_vfs->szOsFile;
  sqlite3_vfs_register(&watching_vfs, 1);
}

static void end(void) {
  remove_scratch(scratch);
}

TestSuite(power, .init = begin, .fini = end);

Test(power, loss_takes_no_record_that_was_acknowledged) {
  enum { RUNS = 12 };
  htf_journal *journal = NULL;
  htf_record record;
  char from[192], to[192];
  cr_assert(eq(int, htf_journal_open(scratch, "w0", &plan, &journal), HTF_OK));
  snprintf(from, sizeof from, "%s/journal/w0.sqlite", scratch);
  snprintf(to, sizeof to, "%s/synced/w0.sqlite", scratch);
  copy_file(from, to); // synced before it got its name
  watching = true;
  for (int64_t run = 0; run < RUNS; run++) {
    make_record(run, 10 + 1000 * run, &record);
    cr_assert(eq(int, htf_journal_put(journal, &record), HTF_OK));
    acknowledged = run + 1;
    fail_power();
    htf_record_clear(&record);
  }
  watching = false;
  // At least three fsyncs a put: old pages, database, cleared header.
  cr_assert(ge(int, failures, RUNS * 4 * (2 * 3 + 1)));
  htf_journal_close(&journal);
}
