// SPDX-License-Identifier: BSD-3-Clause
// Journals with bytes changed: the input is a list of changes to a sound one, each of two
// bytes place, one byte kind, one byte value; or, where it begins with SQLite's own first
// word, the whole file. Whatever it is: what the archive hands out was written by somebody.
#include "files_fuzz.h"

#include <sys/stat.h>

#include "htflow/journal.h"
#include "htflow/log.h"

enum { RUNS = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *sound;
static size_t sound_size;

static htf_digest identity_of(int64_t run) {
  htf_digest identity = {{0}};
  demand(htf_digest_of(&run, sizeof run, &identity) == HTF_OK);
  return identity;
}

static void journal_path(char *path, size_t size) {
  snprintf(path, size, "%s/journal/w.sqlite", fuzz_directory());
}

static void make_sound(void) {
  const htf_digest plan = {{1}};
  htf_journal *journal = NULL;
  char path[256];
  htf_log_set_level(HTF_LOG_ERROR);
  fuzz_path("");
  demand(htf_journal_open(fuzz_directory(), "w", &plan, &journal) == HTF_OK);
  for (int64_t run = 0; run < RUNS; run++) {
    htf_record record;
    htf_column *column;
    htf_record_init(&record);
    record.identity = identity_of(run);
    record.state = HTF_RUN_DONE;
    record.samples = 100 * run; // some take pages of their own
    demand(htf_record_add(&record, "x", 1, NULL, &column) == HTF_OK);
    demand(htf_journal_put(journal, &record) == HTF_OK);
    htf_record_clear(&record);
  }
  demand(htf_journal_add_checkpoint(journal, &(htf_digest){{7}}, 1, "abc", 3) == HTF_OK);
  demand(htf_journal_commit(journal) == HTF_OK);
  htf_journal_close(&journal);
  journal_path(path, sizeof path);
  FILE *file = fopen(path, "rb");
  demand(file != NULL && fseek(file, 0, SEEK_END) == 0);
  sound_size = (size_t)ftell(file);
  sound = malloc(sound_size);
  rewind(file);
  demand(fread(sound, 1, sound_size, file) == sound_size && fclose(file) == 0);
}

static void write_changed(const char *path, const uint8_t *data, size_t size) {
  size_t count = sound_size;
  if (size > 16 && memcmp(data, "SQLite format 3", 16) == 0) {
    write_bytes(path, data, size);
    return;
  }
  char *bytes = malloc(sound_size);
  memcpy(bytes, sound, sound_size);
  for (size_t i = 0; i + 4 <= size; i += 4) {
    // The first pages hold the tables' roots, and are hit more often.
    size_t at = (size_t)data[i] << 8 | data[i + 1];
    at = data[i + 2] & 1 ? at % sound_size : at * 8 % sound_size;
    if (data[i + 2] >= 250) {
      count = at; // cut off
    } else if (data[i + 2] & 2) {
      bytes[at] ^= (char)(1 << (data[i + 3] % 8));
    } else {
      bytes[at] = (char)data[i + 3];
    }
  }
  write_bytes(path, bytes, count);
  free(bytes);
}

static void read_all(bool observes) {
  htf_archive *archive = NULL;
  htf_status status = observes ? htf_archive_observe(fuzz_directory(), &archive)
                               : htf_archive_open(fuzz_directory(), &archive);
  if (status != HTF_OK) { // a newer schema, or what the file system would not do
    demand(status == HTF_E_ENVIRONMENT || status == HTF_E_IO || status == HTF_E_DATA);
    htf_error_clear();
    return;
  }
  for (int64_t run = 0; run < RUNS; run++) {
    htf_digest identity = identity_of(run);
    if (htf_archive_state(archive, &identity) != HTF_RUN_PENDING) {
      htf_record record;
      htf_record_init(&record);
      status = htf_archive_get(archive, &identity, &record);
      demand(status == HTF_OK || status == HTF_E_DATA || status == HTF_E_IO);
      demand(status != HTF_OK ||
             (record.samples == 100 * run && record.state == HTF_RUN_DONE));
      htf_error_clear();
      htf_record_clear(&record);
    }
  }
  htf_archive_close(&archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[256];
  if (sound == NULL) {
    make_sound();
  }
  int64_t blocks = htf_memory_blocks();
  journal_path(path, sizeof path);
  write_changed(path, data, size);
  read_all(true);
  read_all(false);
  demand(htf_memory_blocks() == blocks);
  return 0;
}
