// SPDX-License-Identifier: BSD-3-Clause
// archive_impl.h: the journals of a sweep as an archive holds them.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "htflow/journal.h"

// One journal. `last` is the number of the last record taken in. Of a torn one only records
// that match their digests are taken in, once. `locked`: its writer hangs amid a commit, or
// did when last asked; nobody waits long for it again.
typedef struct htf_archive__file {
  char *path;
  sqlite3 *db; // NULL while closed
  sqlite3_stmt *get;
  int64_t last;
  bool torn, locked;
} htf_archive__file;

// A record; state -1 once it was found damaged. Half of an identity tells runs apart: of
// 10^9 runs two share one with a probability of 10^-21.
enum { HTF_ARCHIVE__KEY = HTF_DIGEST_BYTES / 2 };
typedef struct htf_archive__entry {
  uint8_t key[HTF_ARCHIVE__KEY]; // the first bytes of the identity
  int64_t written;
  int64_t number : 40;
  int64_t file : 20;
  int64_t state : 4;
} htf_archive__entry;

enum { HTF_ARCHIVE__BAD = -1 };

typedef struct htf_archive__checkpoint {
  htf_digest identity;
  int64_t written;
  int file;
} htf_archive__checkpoint;

struct htf_archive {
  char *folder;
  bool observes; // opens nothing for writing
  int files;
  htf_archive__file *file; // [files]
  int open;                // how many of them are open
  int next_closed;         // which is closed next when there are too many
  int64_t runs;            // distinct runs among the entries that are not bad
  int64_t count, room;
  htf_archive__entry *entries; // [count], by key, then by worth
  int64_t checkpoints, checkpoint_room;
  htf_archive__checkpoint *checkpoint; // [checkpoints], by identity, then the latest first
};

// Looks for new journals. Raises HTF_E_IO.
htf_status htf_archive__list(const char *directory, htf_archive *archive);
// Opens one, within a read transaction unless it was open before; and ends that.
htf_status htf_archive__open_file(htf_archive *archive, htf_archive__file *file);
void htf_archive__release_file(htf_archive__file *file);
void htf_archive__close_file(htf_archive *archive, htf_archive__file *file);
// Makes room for the records there are, as far as that can be told at once.
htf_status htf_archive__reserve(htf_archive *archive);
// Adds the record that a row of (number, identity, state, written) stands for. Raises
// HTF_E_DATA if it is none.
htf_status htf_archive__add_entry(htf_archive *archive, int file, sqlite3_stmt *row);
// Adds the records a file has beyond those taken in, and its checkpoints, unsorted. A file
// that is found damaged is salvaged.
htf_status htf_archive__scan(htf_archive *archive, int file);
// Adds what can still be read of a damaged file, after forgetting what it had; and says so.
htf_status htf_archive__salvage(htf_archive *archive, int file);
// The first entry of a run's that is not bad, or NULL.
htf_archive__entry *htf_archive__find(const htf_archive *archive,
                                      const htf_digest *identity);
// Reads the record of an entry. Raises HTF_E_DATA if it is damaged; `record` is then empty.
htf_status htf_archive__read(htf_archive *archive, const htf_archive__entry *entry,
                             htf_record *record);
