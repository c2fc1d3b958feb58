// SPDX-License-Identifier: BSD-3-Clause
// One rank's work: a run begun or gone on with, its checkpoints, its record.
#include "htflow/clock.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/run.h"
#include "run_impl.h"

// What a run asks of its surroundings.
typedef struct surroundings {
  htf_cli_worker *worker;
  int64_t run;
  htf_digest identity;
  int64_t attempts; // this one counted
  double saved;     // when it was begun, or last saved
  htf_sweep_wish (*ask)(void *token);
  void *token;
} surroundings;

static htf_status load(void *context, const htf_spec *spec, htf_problem **problem) {
  surroundings *s = context;
  return htf_cli__load(&s->worker->data, spec, problem);
}

static bool interrupt(void *context) {
  surroundings *s = context;
  return s->ask(s->token) == HTF_SWEEP_LEAVE_NOW;
}

static htf_run_choice boundary(void *context) {
  surroundings *s = context;
  if (s->ask(s->token) != HTF_SWEEP_GO_ON) {
    return HTF_RUN_LEAVE;
  }
  bool due = htf_clock_now() - s->saved >= s->worker->checkpoint;
  return due ? HTF_RUN_SAVE : HTF_RUN_GO_ON;
}

static htf_status save(void *context, const uint8_t *bytes, size_t count) {
  htf_status status = HTF_OK;
  surroundings *s = context;
  HTF_TRY(htf_journal_add_checkpoint(s->worker->journal, &s->identity, s->attempts, bytes,
                                     count));
  HTF_TRY(htf_journal_commit(s->worker->journal));
  s->saved = htf_clock_now();
  htf_cli__log_event(
      s->worker->log, "checkpoint",
      json_pack("{sI sI}", "run", (json_int_t)s->run, "bytes", (json_int_t)count));
done:
  return status;
}

// The run's last checkpoint; none where it cannot be read, for then the run can still be
// begun anew.
static htf_status find_checkpoint(const htf_sweep_grant *grant, surroundings *s,
                                  void **bytes, size_t *count) {
  htf_status status = HTF_OK;
  int64_t attempts = 0;
  *bytes = NULL;
  *count = 0;
  if (grant->note[0] != '\0') {
    status = htf_journal_read_checkpoint(s->worker->directory, grant->note, &s->identity,
                                         bytes, count, &attempts);
  }
  if (status != HTF_OK && status != HTF_E_MEMORY) {
    htf_log_all(HTF_LOG_WARN, "run", "run %lld is begun anew: %s", (long long)grant->run,
                htf_error_message());
    htf_error_clear();
    status = HTF_OK;
  }
  s->attempts = attempts + 1;
  return status;
}

static htf_status run_from(const htf_spec *spec, htf_run_hooks *hooks, void *bytes,
                           size_t count, htf_record *record) {
  hooks->resume = bytes;
  hooks->resume_count = count;
  htf_status status = htf_run_execute(spec, hooks, record);
  if (status == HTF_E_DATA && bytes != NULL) {
    htf_log_all(HTF_LOG_WARN, "run", "a run is begun anew: %s", htf_error_message());
    htf_error_clear();
    hooks->resume = NULL;
    hooks->resume_count = 0;
    status = htf_run_execute(spec, hooks, record);
  }
  return status;
}

htf_status htf_cli__execute(htf_cli_worker *worker, const htf_sweep_grant *grant,
                            htf_sweep_wish (*ask)(void *), void *token,
                            htf_record *record) {
  htf_status status = HTF_OK;
  surroundings s = {.worker = worker,
                    .run = grant->run,
                    .saved = htf_clock_now(),
                    .ask = ask,
                    .token = token};
  htf_run_hooks hooks = {.load = load,
                         .weights = htf_cli__weights,
                         .interrupt = interrupt,
                         .boundary = boundary,
                         .save = save,
                         .context = &s};
  htf_spec spec;
  void *bytes = NULL;
  size_t count;
  HTF_TRY(htf_plan_spec(worker->plan, grant->run, &spec));
  HTF_TRY(htf_spec_identity(&spec, &s.identity));
  HTF_TRY(find_checkpoint(grant, &s, &bytes, &count));
  htf_cli__log_event(worker->log, "start",
                     json_pack("{sI}", "run", (json_int_t)grant->run));
  status = run_from(&spec, &hooks, bytes, count, record);
  if (status == HTF_E_STOPPED) {
    htf_cli__log_event(worker->log, "leave",
                       json_pack("{sI}", "run", (json_int_t)grant->run));
  }
  HTF_TRY(status);
  record->timing.attempts = s.attempts;
  htf_cli__log_end(worker->log, grant->run, record);
done:
  HTF_FREE(bytes);
  return status;
}

htf_status htf_cli__add(htf_cli_worker *worker, const htf_record *record, size_t *waiting) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_journal_add(worker->journal, record));
  *waiting = htf_journal_waiting(worker->journal);
done:
  return status;
}
