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

typedef struct reuse {
  htf_archive *from, *have;
  htf_journal *journal;
  int64_t copied;
} reuse;

// A record that is damaged there is no record here.
static htf_status copy_if_done(reuse *r, const htf_digest *identity) {
  htf_status status = HTF_OK;
  if (htf_archive_state(r->have, identity) != HTF_RUN_DONE &&
      htf_archive_state(r->from, identity) == HTF_RUN_DONE) {
    status = copy_record(r->from, identity, r->journal);
    r->copied += status == HTF_OK;
    if (status == HTF_E_DATA) {
      htf_log(HTF_LOG_WARN, "run", "%s; its run is done again", htf_error_message());
      htf_error_clear();
      status = HTF_OK;
    }
  }
  return status;
}

static htf_status take_over(void *context, int64_t run, const htf_spec *spec,
                            const htf_digest *identity) {
  enum { GROUP_BYTES = 8 * 1024 * 1024 };
  htf_status status = HTF_OK;
  reuse *r = context;
  (void)run;
  (void)spec;
  HTF_TRY(copy_if_done(r, identity));
  if (htf_journal_waiting(r->journal) >= GROUP_BYTES) {
    HTF_TRY(htf_journal_commit(r->journal));
  }
done:
  return status;
}

htf_status htf_cli__reuse(const htf_plan *plan, const char *directory, const char *other,
                          htf_journal *journal, int64_t *copied) {
  htf_status status = HTF_OK;
  reuse r = {.journal = journal};
  HTF_TRY(htf_archive_open(other, &r.from));
  HTF_TRY(htf_archive_open(directory, &r.have));
  HTF_TRY(htf_cli__identities(plan, take_over, &r));
  HTF_TRY(htf_journal_commit(journal));
done:
  *copied = r.copied;
  htf_archive_close(&r.from);
  htf_archive_close(&r.have);
  return status;
}
