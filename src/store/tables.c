// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/results.h"
#include "tables_impl.h"

static const char *const state_texts[] = {
#define TEXT(name, text, meaning) text,
    HTF_RUN_STATE_TABLE(TEXT)};
static const char *const reason_texts[] = {HTF_STOP_REASON_TABLE(TEXT)
#undef TEXT
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#define OVER_RUN(name, kind, units, long_name, comment)                                    \
  { name, HTF_ARRAY_##kind, 1, {"run"}, units, long_name, comment, 0, NULL }
#define FLAG_OVER_RUN(name, texts, long_name, comment)                                     \
  { name, HTF_ARRAY_FLAG, 1, {"run"}, "1", long_name, comment, COUNT(texts), texts }

const htf_results__about htf_tables__runs[] = {
    [HTF_RUNS_STATUS] =
        FLAG_OVER_RUN("status", state_texts, "state of the run", "what became of it"),
    [HTF_RUNS_STOP_REASON] = FLAG_OVER_RUN(
        "stop_reason", reason_texts, "what ended the run", "a stop key, or a failure"),
    [HTF_RUNS_MESSAGE] = OVER_RUN("message", TEXT, "1", "message",
                                  "why the run failed; empty if it did not"),
#define ROW(type, name, units, long_name, comment)                                         \
  [HTF_RUNS_##name] = OVER_RUN(#name, type, units, long_name, comment),
    HTF_RECORD_SCALAR_TABLE(ROW)
#undef ROW
        [HTF_RUNS_TRAJECTORY] =
            OVER_RUN("trajectory", TEXT, "1", "trajectory group",
                     "name of its group in /trajectories; empty if it has none"),
    [HTF_RUNS_ROW] = OVER_RUN("row", INTEGER, "1", "row in the trajectory group",
                              "index along its dimension run; -1 if it has none"),
    [HTF_RUNS_IDENTITY] =
        OVER_RUN("identity", TEXT, "1", "identity of the run",
                 "SHA-256 of its resolved parameters and the schema version"),
};

const htf_results__about htf_tables__timings[] = {
    [HTF_TIMINGS_STARTED] =
        OVER_RUN("started", REAL, "seconds since 1970-01-01 00:00:00 UTC",
                 "start of the run", "by the clock of its host"),
    [HTF_TIMINGS_WALL] = OVER_RUN("wall", REAL, "s", "wall time", "from set-up to record"),
    [HTF_TIMINGS_CPU] =
        OVER_RUN("cpu", REAL, "s", "processor time", "of the run's process"),
    [HTF_TIMINGS_HOST] =
        OVER_RUN("host", TEXT, "1", "host", "name of the node that ran it"),
    [HTF_TIMINGS_RANK] =
        OVER_RUN("rank", INTEGER, "1", "MPI rank", "that ran it; -1 if none did"),
    [HTF_TIMINGS_ATTEMPTS] =
        OVER_RUN("attempts", INTEGER, "1", "attempts", "how often it was begun"),
};

static bool tell(const htf_results__about *table, int count, int i,
                 htf_results_variable *variable) {
  static const char *const types[] = {[HTF_ARRAY_REAL] = "float64",
                                      [HTF_ARRAY_INTEGER] = "int64",
                                      [HTF_ARRAY_FLAG] = "int8, flags",
                                      [HTF_ARRAY_TEXT] = "text"};
  if (i < 0 || i >= count) {
    return false;
  }
  *variable = (htf_results_variable){table[i].name, types[table[i].kind], table[i].units,
                                     table[i].long_name, table[i].comment};
  return true;
}

bool htf_results_runs_variable(int i, htf_results_variable *variable) {
  return tell(htf_tables__runs, HTF_RUNS_VARIABLES, i, variable);
}

bool htf_results_timings_variable(int i, htf_results_variable *variable) {
  return tell(htf_tables__timings, HTF_TIMINGS_VARIABLES, i, variable);
}
