// SPDX-License-Identifier: BSD-3-Clause
// journal.h: records on disk the moment they are done (room: store; library: SQLite).
//
// A sweep directory holds one journal file a writer (`journal/<writer>.sqlite`), never one
// a run. A writer adds finished records, and commits them, several in one transaction: when
// htf_journal_commit has returned, they survive kill -9 of this process and, where the file
// system keeps its promise of fsync, power loss. Until then they count as not done. Records
// are never overwritten: of several of one run the latest with state done counts, else the
// latest. Beside each record stands the SHA-256 of its bytes.
//
// A run in flight leaves its last checkpoint in the journal too: a later one takes its
// place, and its record removes it. Of checkpoints in several journals the latest counts.
//
// Settings of SQLite, and why:
// - journal_mode = PERSIST, a rollback journal: a write-ahead log needs memory shared by
//   writer and readers, which no network file system gives; a rollback journal needs byte
//   locks alone (NFS, Lustre with flock). PERSIST keeps its file and only clears the
//   header, so that a commit changes no directory.
// - synchronous = FULL: the old pages are synced before the database is touched, the
//   database before the header is cleared, and that before a commit returns: three to four
//   fsyncs, whatever number of records the transaction holds.
// - cache_spill = OFF: nothing is written, and no reader kept out, before the commit.
// - No exclusive locking: between two commits anyone may read. A reader waits at most 5 s
//   for a commit; an archive then passes over a journal whose writer hangs, with a word in
//   the log, and takes it in when it can. A commit waits at most 60 s for readers.
// - A lock of its own (`<writer>.lock`) keeps a second writer out. It ends with the
//   process, however that ends. Each writer is alone with its file.
// - A database is made under another name and renamed, so that one without its tables is
//   always damage. A killed writer's half-done transaction is undone by whoever opens the
//   file next and may write to it.
//
// Damage (a torn file, flipped bytes) costs the records it hit and no others. The archive
// keeps every record of a damaged file that still matches its digest, and says in the log
// what it kept. A writer that finds its own file damaged sets it aside, as
// `<writer>.damaged-<n>.sqlite`, where it is still read, and begins a new one.
//
// The schema is versioned: older ones are read (and brought up to date by their writer),
// newer ones refused with HTF_E_ENVIRONMENT.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/record.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// ---- writing --------------------------------------------------------------------------

typedef struct htf_journal htf_journal;

// Opens, or makes, a journal in the sweep directory (which must exist, and whose `journal`
// folder is made). `writer` names it; NULL takes the first of `<host>-00000`,
// `<host>-00001`, .. that no living process holds, so that the processes of a host, of
// whatever jobs, are never two on one file, and there are no more files than processes
// lived on the host at once. `plan`, the plan's hash, is noted in a new journal: records
// count by the identity of their runs, so journals may outlive a plan. Raises HTF_E_IO if
// it cannot be written or another process holds it, HTF_E_ENVIRONMENT if its schema is
// newer than this program's.
htf_status htf_journal_open(const char *directory, const char *writer,
                            const htf_digest *plan, htf_journal **journal);
// The writer's name, borrowed.
const char *htf_journal_writer(const htf_journal *journal);

// Adds a finished record to those that the next commit makes safe; it is copied. Raises
// HTF_E_MEMORY.
htf_status htf_journal_add(htf_journal *journal, const htf_record *record);
// Adds a run's checkpoint likewise: `bytes` are copied. `attempts`: how many times the run
// has been begun or gone on with.
htf_status htf_journal_add_checkpoint(htf_journal *journal, const htf_digest *identity,
                                      int64_t attempts, const void *bytes, size_t count);
// Bytes that wait for a commit.
size_t htf_journal_waiting(const htf_journal *journal);
// Makes safe what was added, in one transaction. Raises HTF_E_IO (a full disk too),
// HTF_E_MEMORY; nothing is then in the journal, all that was added waits still, and a later
// commit may succeed.
htf_status htf_journal_commit(htf_journal *journal);
// Adds and commits; where that fails, the record is neither in the journal nor waiting.
htf_status htf_journal_put(htf_journal *journal, const htf_record *record);
// What was not committed is lost.
void htf_journal_close(htf_journal **journal);

// ---- reading --------------------------------------------------------------------------

// All records of all writers of a sweep directory; safe beside live writers. Duplicates are
// resolved at opening.
typedef struct htf_archive htf_archive;

// Raises HTF_E_IO, HTF_E_MEMORY; HTF_E_ENVIRONMENT for a journal of a newer htflow. A
// directory without journals is empty. 32 bytes a record stay in memory.
htf_status htf_archive_open(const char *directory, htf_archive **archive);
void htf_archive_close(htf_archive **archive);
// The same for one who only looks: no file is opened for writing and no lock outlives a
// call. What a writer that was killed left half done cannot be undone so; it is read past,
// and records of that last transaction may be missing.
htf_status htf_archive_observe(const char *directory, htf_archive **archive);
// Takes in what was written since it was opened or last refreshed. Raises what opening
// does.
htf_status htf_archive_refresh(htf_archive *archive);
int64_t htf_archive_count(const htf_archive *archive); // runs with a record
// State of a run, HTF_RUN_PENDING if it has no record.
int htf_archive_state(const htf_archive *archive, const htf_digest *identity);
// What the journals say of one run.
typedef struct htf_archive_place {
  int state;            // htf_run_state
  int writer;           // of the record that counts; -1 if there is none
  double written;       // when that was, seconds since 1970
  int64_t records;      // that the run has, damaged ones left out
  int checkpoint;       // the writer that holds its latest checkpoint, or -1
  double checkpoint_at; // when that was written
} htf_archive_place;
htf_archive_place htf_archive_find(const htf_archive *archive, const htf_digest *identity);

// The writers, damaged files set aside being writers too.
typedef struct htf_archive_writer {
  char name[128];
  int alive;   // 1: a process holds its journal; 0: none does; -1: locks cannot tell here
  double last; // its last record or checkpoint, seconds since 1970; 0 if there is none
} htf_archive_writer;
int htf_archive_writers(const htf_archive *archive);
// Fills [htf_archive_writers] of them.
void htf_archive_list_writers(const htf_archive *archive, htf_archive_writer *writers);

// The record of a run into an initialised empty record; where the one that counts is
// damaged, the next best. Raises HTF_E_INTERNAL if there is none, HTF_E_DATA if all are
// damaged.
htf_status htf_archive_get(htf_archive *archive, const htf_digest *identity,
                           htf_record *record);
// Reads every record and drops those that do not match their digests, with a word in the
// log for each file. *damaged: how many runs have lost their only record; their state is
// now HTF_RUN_PENDING. Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_archive_verify(htf_archive *archive, int64_t *damaged);

// The writer whose journal holds the latest checkpoint of a run, borrowed until the next
// refresh; NULL if there is none.
const char *htf_archive_checkpoint(const htf_archive *archive, const htf_digest *identity);
// That checkpoint, read by whoever goes on with the run; *bytes is the caller's to
// HTF_FREE, NULL if the journal holds none any more. Raises HTF_E_DATA if it is damaged,
// HTF_E_IO, HTF_E_MEMORY.
htf_status htf_journal_read_checkpoint(const char *directory, const char *writer,
                                       const htf_digest *identity, void **bytes,
                                       size_t *count, int64_t *attempts);

// The journal's library and its version.
const char *htf_journal_library(void);

HTF_END_DOOR
