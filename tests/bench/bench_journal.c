// SPDX-License-Identifier: BSD-3-Clause
// How fast a journal takes records of 50 KB, against what its disk can do.
//
//   bench_journal [DIR] [SECONDS]    (a scratch directory is made in DIR, or in /tmp)
//
// The disk: fdatasync after 4 KiB appended, and plain writes synced every 8 MB. The
// journal: a commit after each record, and groups as a sweep makes them.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "htflow/journal.h"
#include "htflow/random.h"

enum { RECORD_BYTES = 50 * 1024, GROUP_BYTES = 8 * 1024 * 1024 };

static char directory[256];
static double seconds = 2;
static char block[GROUP_BYTES];

// Writes a second so; blocks written and synced in a second.
static double write_blocks(size_t bytes, off_t wrap) {
  char path[300];
  snprintf(path, sizeof path, "%s/plain", directory);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  double begin = htf_clock_now();
  int64_t count = 0;
  while (fd >= 0 && htf_clock_now() - begin < seconds) {
    if (pwrite(fd, block, bytes, (off_t)bytes * count % wrap) != (ssize_t)bytes ||
        fdatasync(fd) != 0) {
      break;
    }
    count++;
  }
  double rate = (double)count / (htf_clock_now() - begin);
  close(fd);
  unlink(path);
  return rate;
}

// Numbers that do not repeat, so that no disk can shorten them.
static htf_status fill(htf_record *record, int64_t run) {
  htf_status status = HTF_OK;
  htf_column *column = NULL;
  htf_record_init(record);
  memcpy(record->identity.bytes, &run, sizeof run);
  record->state = HTF_RUN_DONE;
  record->samples = RECORD_BYTES / 8;
  HTF_TRY(htf_record_add(record, "train_loss", 1, NULL, &column));
  for (int64_t i = 0; i < record->samples; i++) {
    column->data[i] = (double)(run * 7919 + i) * 0x1.9e3779b97f4a8p-1;
  }
done:
  return status;
}

static htf_status put_records(htf_journal *journal, size_t group, const char *what) {
  htf_status status = HTF_OK;
  htf_record record;
  htf_record_init(&record);
  double begin = htf_clock_now(), cpu = htf_clock_cpu();
  int64_t count = 0, commits = 0;
  HTF_TRY(fill(&record, 1));
  while (htf_clock_now() - begin < seconds) {
    memcpy(record.identity.bytes, &count, sizeof count);
    record.columns[0].data[0] = (double)count++;
    HTF_TRY(htf_journal_add(journal, &record));
    if (htf_journal_waiting(journal) >= group) {
      HTF_TRY(htf_journal_commit(journal));
      commits++;
    }
  }
  HTF_TRY(htf_journal_commit(journal));
  double took = htf_clock_now() - begin;
  printf("%-38s %8.0f records a second, %6.0f MB/s, %5.0f commits a second, %.0f us CPU a "
         "record\n",
         what, (double)count / took, (double)count * RECORD_BYTES / took / 1e6,
         (double)commits / took, 1e6 * (htf_clock_cpu() - cpu) / (double)count);
done:
  htf_record_clear(&record);
  return status;
}

int main(int argc, char **argv) {
  static const htf_digest plan = {{1}};
  htf_journal *journal = NULL;
  char command[300];
  snprintf(directory, sizeof directory, "%s/htf-bench-journal-XXXXXX",
           argc > 1 ? argv[1] : "/tmp");
  seconds = argc > 2 ? atof(argv[2]) : seconds;
  if (mkdtemp(directory) == NULL) {
    perror(directory);
    return 1;
  }
  for (size_t i = 0; i < sizeof block; i++) {
    block[i] = (char)(i * 2654435761u >> 13);
  }
  printf("%-38s %8.0f syncs a second\n", "disk, 4 KiB and fdatasync",
         write_blocks(4096, 1 << 28));
  printf("%-38s %8.0f MB/s\n", "disk, 8 MB and fdatasync",
         write_blocks(sizeof block, 1 << 30) * (double)sizeof block / 1e6);
  htf_status status = htf_journal_open(directory, NULL, &plan, &journal);
  if (status == HTF_OK) {
    status = put_records(journal, 1, "journal, a commit a record");
  }
  if (status == HTF_OK) {
    status = put_records(journal, GROUP_BYTES, "journal, groups of 8 MB");
  }
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n", htf_error_message());
  }
  htf_journal_close(&journal);
  snprintf(command, sizeof command, "rm -rf %s", directory);
  return system(command) != 0 || status != HTF_OK;
}
