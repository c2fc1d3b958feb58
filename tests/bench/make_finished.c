// SPDX-License-Identifier: BSD-3-Clause
// make_finished SWEEP.yaml DIR RUNS WRITERS: journals of WRITERS writers that say of the
// first RUNS runs of a sweep that they are done, with records of 1 KB; for resume.py.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/files.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "htflow/plan.h"

static htf_status put_run(const htf_plan *plan, int64_t run, htf_journal *journal) {
  htf_status status = HTF_OK;
  htf_spec spec;
  htf_record record;
  htf_column *column;
  htf_record_init(&record);
  HTF_TRY(htf_plan_spec(plan, run, &spec));
  HTF_TRY(htf_spec_identity(&spec, &record.identity));
  record.state = HTF_RUN_DONE;
  record.samples = 80;
  memcpy(record.tree, spec.model.tree.newick, sizeof record.tree);
  HTF_TRY(htf_record_add(&record, "train_loss", 1, NULL, &column));
  HTF_TRY(htf_journal_add(journal, &record));
  if (htf_journal_waiting(journal) > 8 << 20) {
    HTF_TRY(htf_journal_commit(journal));
  }
done:
  htf_record_clear(&record);
  return status;
}

static htf_status make(const char *sweep, const char *directory, int64_t runs,
                       int64_t writers) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  htf_journal *journal = NULL;
  char *text = NULL, name[32];
  HTF_TRY(htf_file_read_text(sweep, &text));
  htf_plan_source source = {.name = sweep, .text = text};
  HTF_TRY(htf_plan_create(&source, &plan));
  for (int64_t w = 0; w < writers; w++) {
    snprintf(name, sizeof name, "made-%03d", (int)w);
    HTF_TRY(htf_journal_open(directory, name, htf_plan_hash(plan), &journal));
    for (int64_t run = w; run < runs; run += writers) {
      HTF_TRY(put_run(plan, run, journal));
    }
    HTF_TRY(htf_journal_commit(journal));
    htf_journal_close(&journal);
  }
done:
  htf_journal_close(&journal);
  htf_plan_destroy(&plan);
  HTF_FREE(text);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: make_finished SWEEP.yaml DIR RUNS WRITERS\n");
    return 2;
  }
  htf_status status = make(argv[1], argv[2], atoll(argv[3]), atoll(argv[4]));
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n", htf_error_message());
  }
  return status != HTF_OK;
}
