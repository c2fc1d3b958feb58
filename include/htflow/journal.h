// SPDX-License-Identifier: BSD-3-Clause
// journal.h: records on disk the moment they are done (room: store; library: SQLite).
//
// A sweep directory holds one journal file a writer (`journal/<writer>.sqlite`), never one
// a run. A writer puts each finished record in one transaction: when htf_journal_put has
// returned, the record survives kill -9 of this process and, where the file system keeps
// its promise of fsync, power loss. Nothing is ever overwritten: of several records of one
// run the latest with state done counts, else the latest. Beside each record stands the
// SHA-256 of its bytes.
//
// Settings of SQLite, and why:
// - journal_mode = PERSIST, a rollback journal: a write-ahead log needs memory shared by
//   writer and readers, which no network file system gives; a rollback journal needs byte
//   locks alone (NFS, Lustre with flock). PERSIST keeps its file and only clears the
//   header, so that a commit changes no directory.
// - synchronous = FULL: the old pages are synced before the database is touched, the
//   database before the header is cleared, and that before a put returns.
// - No exclusive locking: between two puts anyone may read. A reader waits for a put at
// most
//   60 s, a put for readers likewise; then it is HTF_E_IO.
// - A lock of its own (`<writer>.lock`) keeps a second writer out after a second's wait. It
//   ends with the process, however that ends.
// - A database is made under another name and renamed, so that one without its tables is
//   always damage. A killed writer's half-done transaction is undone by whoever opens the
//   file next and may write to it.
#pragma once

#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/record.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// ---- writing --------------------------------------------------------------------------

typedef struct htf_journal htf_journal;

// Opens, or makes, the journal of this writer in the sweep directory (which must exist, and
// whose `journal` folder is made). `plan` is the plan's hash: a journal of another plan
// raises HTF_E_CONFIG. Raises HTF_E_IO if it cannot be written or another process holds it,
// HTF_E_DATA if it is damaged.
htf_status htf_journal_open(const char *directory, const char *writer,
                            const htf_digest *plan, htf_journal **journal);
// Raises HTF_E_IO (a full disk too; after it is emptied, putting works again),
// HTF_E_MEMORY; the record is then not in the journal.
htf_status htf_journal_put(htf_journal *journal, const htf_record *record);
void htf_journal_close(htf_journal **journal);

// ---- reading --------------------------------------------------------------------------

// All records of all writers of a sweep directory; safe beside live writers. Duplicates are
// resolved at opening.
typedef struct htf_archive htf_archive;

// Raises HTF_E_IO; HTF_E_DATA naming a damaged file, or two files of different plans. A
// directory without journals is empty. 56 bytes a record stay in memory.
htf_status htf_archive_open(const char *directory, htf_archive **archive);
void htf_archive_close(htf_archive **archive);
int64_t htf_archive_count(const htf_archive *archive); // runs with a record
// State of a run, HTF_RUN_PENDING if it has no record.
int htf_archive_state(const htf_archive *archive, const htf_digest *identity);
// The record of a run into an initialised empty record. Raises HTF_E_INTERNAL if there is
// none, HTF_E_DATA if its bytes are damaged.
htf_status htf_archive_get(htf_archive *archive, const htf_digest *identity,
                           htf_record *record);

// The journal's library and its version.
const char *htf_journal_library(void);

HTF_END_DOOR
