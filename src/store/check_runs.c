// SPDX-License-Identifier: BSD-3-Clause
// /runs and /timings against the tables that the writer makes them by, the states of the
// runs, and which of them follow the flow.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "htflow/record.h"
#include "tables_impl.h"

// ---- the tables -------------------------------------------------------------------------

// Tables of meanings only grow: those of a file may be the first ones.
static bool begins(const char *table, const char *meanings) {
  size_t length = strlen(meanings);
  return length > 0 && strncmp(table, meanings, length) == 0 &&
         (table[length] == ' ' || table[length] == '\0');
}

static htf_status check_flags(hid_t dataset, const htf_results__about *about) {
  htf_status status = HTF_OK;
  char meanings[1024] = "", wanted[1024] = "";
  for (int i = 0; i < about->flags; i++) {
    strcat(strcat(wanted, i > 0 ? " " : ""), about->flag[i]);
  }
  HTF_TRY(htf_reader__text(dataset, "its", "flag_meanings", meanings, sizeof meanings));
  HTF_CHECK(begins(wanted, meanings), HTF_E_DATA,
            "its attribute flag_meanings is \"%s\", expected \"%s\"", meanings, wanted);
  HTF_CHECK(H5Aexists(dataset, "flag_values") > 0, HTF_E_DATA,
            "its attribute flag_values is missing");
done:
  return status;
}

static htf_status check_variable(const htf_reader__file *group,
                                 const htf_results__about *about, int64_t runs) {
  htf_status status = HTF_OK;
  hid_t dataset = -1, type = -1;
  hsize_t count = 0;
  HTF_TRY(htf_reader__dataset(group, about->name, 1, &dataset, &count));
  HTF_CHECK((int64_t)count == runs, HTF_E_DATA, "%llu rows, where there are %lld runs",
            (unsigned long long)count, (long long)runs);
  HDF5_OPEN(HTF_E_DATA, type, H5Dget_type(dataset));
  H5T_class_t class = H5Tget_class(type), wanted = about->kind == HTF_ARRAY_REAL ? H5T_FLOAT
                                                   : about->kind == HTF_ARRAY_TEXT
                                                       ? H5T_STRING
                                                       : H5T_INTEGER;
  HTF_CHECK(class == wanted, HTF_E_DATA, "its elements should be %s",
            wanted == H5T_FLOAT    ? "floating-point numbers"
            : wanted == H5T_STRING ? "texts"
                                   : "integers");
  if (about->kind == HTF_ARRAY_FLAG) {
    HTF_TRY(check_flags(dataset, about));
  }
done:
  htf_file__drop(&type);
  htf_file__drop(&dataset);
  return status;
}

// `run` counts the runs, and each variable of the table is there.
static htf_status check_table(const htf_check__state *state, const char *name,
                              int variables, const htf_results__about *table,
                              int64_t runs) {
  htf_status status = HTF_OK;
  htf_reader__file group = {.at = -1, .bytes = state->file.bytes};
  char path[128];
  int64_t *run = NULL;
  if (!htf_reader__exists(state->file.at, name)) {
    return HTF_OK; // said of the root already
  }
  HDF5_OPEN(HTF_E_DATA, group.at, H5Gopen2(state->file.at, name, H5P_DEFAULT));
  for (int i = 0; i < variables; i++) {
    snprintf(path, sizeof path, "/%s/%s", name, table[i].name);
    HTF_TRY(htf_check__absorb(state, path, check_variable(&group, &table[i], runs)));
  }
  snprintf(path, sizeof path, "/%s/run", name);
  HTF_TRY(htf_check__absorb(state, path,
                            htf_check__read_column(&group, "run", HTF_READER_INTEGERS, runs,
                                                   NULL, (void **)&run)));
  htf_check__tally wrong = {0};
  for (int64_t i = 0; run != NULL && i < runs; i++) {
    if (run[i] != i) {
      htf_check__note(&wrong, "run[%lld] is %lld", (long long)i, (long long)run[i]);
    }
  }
  htf_check__tell(state, HTF_CHECK_ERROR, path, &wrong);
done:
  HTF_FREE(run);
  htf_file__drop(&group.at);
  return status;
}

// ---- what a run is ----------------------------------------------------------------------

static int64_t at(const int64_t *values, int64_t i, int64_t missing) {
  return values != NULL ? values[i] : missing;
}

static htf_status check_states(const htf_check__state *state, const htf_check__runs *runs) {
  const int states_known = htf_tables__runs[HTF_RUNS_STATUS].flags,
            reasons_known = htf_tables__runs[HTF_RUNS_STOP_REASON].flags;
  htf_check__tally states = {0}, reasons = {0}, rows = {0};
  for (int64_t i = 0; i < runs->count; i++) {
    int64_t s = at(runs->state, i, HTF_RUN_PENDING), r = at(runs->reason, i, HTF_STOP_NONE),
            row = at(runs->row, i, -1);
    bool trajectory =
        runs->trajectory.text != NULL && htf_check__text(&runs->trajectory, i)[0] != '\0';
    if (s < 0 || s >= states_known) {
      htf_check__note(&states, "status[%lld] is %lld, expected 0 to %d", (long long)i,
                      (long long)s, states_known - 1);
    }
    if (r < 0 || r >= reasons_known) {
      htf_check__note(&reasons, "stop_reason[%lld] is %lld, expected 0 to %d", (long long)i,
                      (long long)r, reasons_known - 1);
    } else if (runs->state != NULL && runs->reason != NULL &&
               (s == HTF_RUN_PENDING) != (r == HTF_STOP_NONE)) {
      htf_check__note(&reasons, "run %lld is %s, but its stop_reason %s", (long long)i,
                      s == HTF_RUN_PENDING ? "pending" : "not pending",
                      htf_stop_reason_text((int)r));
    }
    if (runs->trajectory.text != NULL && runs->row != NULL && (row >= 0) != trajectory) {
      htf_check__note(&rows, "row[%lld] is %lld, its trajectory \"%s\"", (long long)i,
                      (long long)row, htf_check__text(&runs->trajectory, i));
    }
  }
  htf_check__tell(state, HTF_CHECK_ERROR, "/runs/status", &states);
  htf_check__tell(state, HTF_CHECK_ERROR, "/runs/stop_reason", &reasons);
  htf_check__tell(state, HTF_CHECK_ERROR, "/runs/row", &rows);
  return HTF_OK;
}

// Each name is one of a dataset beside it.
static htf_status check_coordinates(const htf_check__state *state, hid_t group) {
  htf_status status = HTF_OK;
  char names[4096];
  HTF_TRY(htf_reader__text(group, "its", "coordinates", names, sizeof names));
  for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " ")) {
    if (!htf_reader__exists(group, name)) {
      htf_check__say(state, HTF_CHECK_ERROR, "/runs",
                     "its attribute coordinates names %s, which is missing", name);
    }
  }
done:
  return status;
}

// The physics of a run: its drift, where its method keeps what the flow keeps.
static void check_drift(const htf_check__state *state, const htf_check__runs *runs) {
  htf_check__tally drifts = {0};
  for (int64_t i = 0; runs->drift != NULL && i < runs->count; i++) {
    double most = htf_record_most_drift(runs->rtol[i], at(runs->steps, i, 0));
    if (!isnan(runs->rtol[i]) && runs->drift[i] > most) {
      htf_check__note(&drifts, "run %lld drifted by %.3g, more than %.3g (rtol %g)",
                      (long long)i, runs->drift[i], most, runs->rtol[i]);
    }
  }
  htf_check__tell(state, HTF_CHECK_PHYSICS, "/runs/unbalancedness_drift", &drifts);
}

htf_status htf_check__runs_group(const htf_check__state *state, htf_check__runs *runs) {
  htf_status status = HTF_OK;
  hid_t group = -1;
  HTF_TRY(check_table(state, "runs", HTF_RUNS_VARIABLES, htf_tables__runs, runs->count));
  HTF_TRY(check_table(state, "timings", HTF_TIMINGS_VARIABLES, htf_tables__timings,
                      runs->count));
  HDF5_OPEN(HTF_E_DATA, group, H5Gopen2(state->file.at, "runs", H5P_DEFAULT));
  HTF_TRY(htf_check__absorb(state, "/runs", check_coordinates(state, group)));
  HTF_TRY(check_states(state, runs));
  check_drift(state, runs);
done:
  htf_file__drop(&group);
  return status;
}

// ---- reading ----------------------------------------------------------------------------

htf_status htf_check__read_runs(const htf_check__state *state, htf_check__runs *runs) {
  htf_status status = HTF_OK;
  htf_reader__file group = {.at = -1, .bytes = state->file.bytes};
  int64_t *run = NULL;
  struct {
    const char *name;
    htf_reader__type type;
    void **values;
  } columns[] = {
      {"status", HTF_READER_INTEGERS, (void **)&runs->state},
      {"stop_reason", HTF_READER_INTEGERS, (void **)&runs->reason},
      {"row", HTF_READER_INTEGERS, (void **)&runs->row},
      {"steps", HTF_READER_INTEGERS, (void **)&runs->steps},
      {"final_train_loss", HTF_READER_REALS, (void **)&runs->train_loss},
      {"flow_time", HTF_READER_REALS, (void **)&runs->flow_time},
      {"unbalancedness_drift", HTF_READER_REALS, (void **)&runs->drift},
  };
  HDF5_OPEN(HTF_E_DATA, group.at, H5Gopen2(state->file.at, "runs", H5P_DEFAULT));
  HTF_TRY(htf_check__read_column(&group, "run", HTF_READER_INTEGERS, -1, &runs->count,
                                 (void **)&run));
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    // what cannot be read is said by the table's check
    status = htf_check__read_column(&group, columns[i].name, columns[i].type, runs->count,
                                    NULL, columns[i].values);
    HTF_TRY(status == HTF_E_DATA ? HTF_OK : status);
  }
  status = htf_check__read_texts(&group, "trajectory", &runs->trajectory);
  if (status != HTF_OK || runs->trajectory.count != runs->count) {
    htf_check__drop_texts(&runs->trajectory);
  }
  HTF_TRY(status == HTF_E_DATA ? HTF_OK : status);
  HTF_NEW(runs->rtol, runs->count);
  HTF_NEW(runs->frozen, runs->count);
  for (int64_t i = 0; i < runs->count; i++) {
    runs->rtol[i] = NAN;
  }
  HTF_TRY(htf_check__absorb(state, "/runs", htf_check__parameters(state, &group, runs)));
done:
  HTF_FREE(run);
  htf_file__drop(&group.at);
  return status;
}

void htf_check__drop_runs(htf_check__runs *runs) {
  HTF_FREE(runs->state);
  HTF_FREE(runs->reason);
  HTF_FREE(runs->row);
  HTF_FREE(runs->steps);
  HTF_FREE(runs->train_loss);
  HTF_FREE(runs->flow_time);
  HTF_FREE(runs->drift);
  HTF_FREE(runs->rtol);
  HTF_FREE(runs->frozen);
  htf_check__drop_texts(&runs->trajectory);
}
