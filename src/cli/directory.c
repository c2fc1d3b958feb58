// SPDX-License-Identifier: BSD-3-Clause
// A sweep directory made this plan's, and records taken over from another.
#include <stdio.h>
#include <string.h>

#include "htflow/log.h"
#include "htflow/memory.h"
#include "run_impl.h"

// ---- claiming -------------------------------------------------------------------------

// The first line in which two texts differ, in both; for the message.
static void first_difference(const char *a, const char *b, char *left, char *right,
                             size_t size) {
  while (*a != '\0' && *b != '\0') {
    size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");
    if (la != lb || memcmp(a, b, la) != 0) {
      break;
    }
    a += la + (a[la] == '\n');
    b += lb + (b[lb] == '\n');
  }
  snprintf(left, size, "%.*s", (int)strcspn(a, "\n"), a);
  snprintf(right, size, "%.*s", (int)strcspn(b, "\n"), b);
}

// Both texts: as given, which gather puts into the results, and resolved, which makes it a
// sweep directory and so comes last.
static htf_status keep(const htf_plan *plan, const char *directory) {
  htf_status status = HTF_OK;
  char path[HTF_MAX_TEXT];
  snprintf(path, sizeof path, "%s/sweep-as-given.yaml", directory);
  HTF_TRY(htf_file_write_text(path, htf_plan_text(plan)));
  snprintf(path, sizeof path, "%s/sweep.yaml", directory);
  HTF_TRY(htf_file_write_text(path, htf_plan_resolved(plan)));
done:
  return status;
}

htf_status htf_cli__claim(const htf_plan *plan, const char *directory, bool grow) {
  htf_status status = HTF_OK;
  const char *text = htf_plan_resolved(plan);
  char path[HTF_MAX_TEXT], ours[256], theirs[256], *kept = NULL;
  HTF_TRY(htf_file_make_directory(directory));
  snprintf(path, sizeof path, "%s/sweep.yaml", directory);
  status = htf_file_read_text(path, &kept);
  if (status == HTF_E_IO) { // none there yet
    htf_error_clear();
    return keep(plan, directory);
  }
  HTF_TRY(status);
  if (strcmp(kept, text) != 0) {
    first_difference(text, kept, ours, theirs, sizeof ours);
    HTF_CHECK(grow, HTF_E_CONFIG,
              "%s holds another sweep: there '%s', here '%s'; choose another --out, or "
              "--grow it into this one",
              directory, theirs, ours);
    HTF_TRY(keep(plan, directory));
    htf_log(HTF_LOG_INFO, "run", "%s is grown: '%s' is now '%s'", directory, theirs, ours);
  }
done:
  HTF_FREE(kept);
  return status;
}

// ---- reusing --------------------------------------------------------------------------

static htf_status copy_record(htf_archive *from, const htf_digest *identity,
                              htf_journal *journal) {
  htf_status status = HTF_OK;
  htf_record record;
  htf_record_init(&record);
  HTF_TRY(htf_archive_get(from, identity, &record));
  HTF_TRY(htf_journal_add(journal, &record));
done:
  htf_record_clear(&record);
  return status;
}

// A record that is damaged there is no record here.
static htf_status copy_if_done(htf_archive *from, const htf_archive *have,
                               const htf_digest *identity, htf_journal *journal,
                               int64_t *copied) {
  htf_status status = HTF_OK;
  if (htf_archive_state(have, identity) != HTF_RUN_DONE &&
      htf_archive_state(from, identity) == HTF_RUN_DONE) {
    status = copy_record(from, identity, journal);
    *copied += status == HTF_OK;
    if (status == HTF_E_DATA) {
      htf_log(HTF_LOG_WARN, "run", "%s; its run is done again", htf_error_message());
      htf_error_clear();
      status = HTF_OK;
    }
  }
  return status;
}

htf_status htf_cli__reuse(const htf_plan *plan, const char *directory, const char *other,
                          htf_journal *journal, int64_t *copied) {
  enum { GROUP_BYTES = 8 * 1024 * 1024 };
  htf_status status = HTF_OK;
  htf_archive *from = NULL, *have = NULL;
  htf_spec spec;
  htf_digest identity;
  *copied = 0;
  HTF_TRY(htf_archive_open(other, &from));
  HTF_TRY(htf_archive_open(directory, &have));
  for (int64_t run = 0; run < htf_plan_runs(plan); run++) {
    HTF_TRY(htf_plan_spec(plan, run, &spec));
    HTF_TRY(htf_spec_identity(&spec, &identity));
    HTF_TRY(copy_if_done(from, have, &identity, journal, copied));
    if (htf_journal_waiting(journal) >= GROUP_BYTES) {
      HTF_TRY(htf_journal_commit(journal));
    }
  }
  HTF_TRY(htf_journal_commit(journal));
done:
  htf_archive_close(&from);
  htf_archive_close(&have);
  return status;
}
