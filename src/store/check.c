// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check_impl.h"
#include "hdf5_impl.h"
#include "htflow/files.h"
#include "htflow/memory.h"
#include "samples_impl.h"

const char *htf_check_severity_text(htf_check_severity severity) {
  static const char *const texts[] = {"error", "physics", "warning"};
  return texts[severity];
}

// ---- findings ---------------------------------------------------------------------------

void htf_check__say(const htf_check__state *state, htf_check_severity severity,
                    const char *what, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  state->report(state->context, severity, what, text);
}

htf_status htf_check__absorb(const htf_check__state *state, const char *what,
                             htf_status status) {
  if (status == HTF_E_DATA) {
    htf_check__say(state, HTF_CHECK_ERROR, what, "%s", htf_error_message());
    htf_error_clear();
    return HTF_OK;
  }
  return status;
}

void htf_check__note(htf_check__tally *tally, const char *format, ...) {
  va_list arguments;
  if (tally->count++ == 0) {
    va_start(arguments, format);
    vsnprintf(tally->first, sizeof tally->first, format, arguments);
    va_end(arguments);
  }
}

void htf_check__tell(const htf_check__state *state, htf_check_severity severity,
                     const char *what, const htf_check__tally *tally) {
  if (tally->count == 1) {
    htf_check__say(state, severity, what, "%s", tally->first);
  } else if (tally->count > 1) {
    htf_check__say(state, severity, what, "%s, and %lld more", tally->first,
                   (long long)tally->count - 1);
  }
}

// ---- problem and weights files ----------------------------------------------------------

// The readers' messages begin with the path; a finding is about the file anyway.
static htf_status absorb_reader(const htf_check__state *state, const char *path,
                                htf_status status) {
  const char *message = htf_error_message();
  size_t length = strlen(path);
  if (status == HTF_E_DATA) {
    bool named = strncmp(message, path, length) == 0 && message[length] == ':';
    htf_check__say(state, HTF_CHECK_ERROR, "/", "%s",
                   named ? message + length + (message[length + 1] == ' ' ? 2 : 1)
                         : message);
    htf_error_clear();
    return HTF_OK;
  }
  return status;
}

static htf_status note_unread(void *context, const char *name) {
  static const char *const known[] = {"shape", "train", "test", "tensor"};
  for (int i = 0; i < 4; i++) {
    if (strcmp(known[i], name) == 0) {
      return HTF_OK;
    }
  }
  htf_check__say(context, HTF_CHECK_WARNING, name, "nothing that a problem file has");
  return HTF_OK;
}

static htf_status check_problem(htf_check__state *state, const char *path) {
  htf_status status = HTF_OK;
  htf_file_data data = {.train = 0};
  HTF_TRY(absorb_reader(state, path, htf_file_read_problem(path, &data)));
  if (state->file.at >= 0) {
    HTF_TRY(htf_check__links(state->file.at, note_unread, state));
    for (int i = 0; i < 2 && data.task == HTF_TASK_FULL; i++) {
      const char *name = i == 0 ? "train" : "test";
      if (htf_reader__exists(state->file.at, name)) {
        htf_check__say(state, HTF_CHECK_WARNING, name, "not read where the task is full");
      }
    }
  }
done:
  htf_file_data_clear(&data);
  return status;
}

static htf_status note_unread_weights(void *context, const char *name) {
  if (strcmp(name, "weights") != 0) {
    htf_check__say(context, HTF_CHECK_WARNING, name, "nothing that a weights file has");
  }
  return HTF_OK;
}

static htf_status check_weights(htf_check__state *state, const char *path) {
  htf_status status = HTF_OK;
  htf_file_weights weights = {.theta = NULL};
  HTF_TRY(absorb_reader(state, path, htf_file_read_weights(path, &weights)));
  HTF_TRY(htf_check__links(state->file.at, note_unread_weights, state));
done:
  htf_file_weights_clear(&weights);
  return status;
}

// ---- results files ----------------------------------------------------------------------

static const char *const root_attributes[] = {
    "Conventions", "sweep",          "sweep_resolved", "plan_hash",       "seed",
    "compiler",    "compiler_flags", "htflow_version", "content_checksum"};

static const char *const root_groups[] = {"runs", "trajectories", "timings", "weights"};

static htf_status note_group(void *context, const char *name) {
  for (int i = 0; i < 4; i++) {
    if (strcmp(root_groups[i], name) == 0) {
      return HTF_OK;
    }
  }
  htf_check__say(context, HTF_CHECK_WARNING, name, "nothing that a results file has");
  return HTF_OK;
}

static htf_status check_root(htf_check__state *state) {
  htf_status status = HTF_OK;
  hid_t root = state->file.at;
  char text[64];
  int attributes = (int)(sizeof root_attributes / sizeof *root_attributes);
  for (int i = 0; i < attributes; i++) {
    if (H5Aexists(root, root_attributes[i]) <= 0) {
      htf_check__say(state, HTF_CHECK_ERROR, "/", "root attribute %s is missing",
                     root_attributes[i]);
    }
  }
  if (H5Aexists(root, "Conventions") > 0) {
    status = htf_reader__text(root, "root", "Conventions", text, sizeof text);
    if (status == HTF_OK && strncmp(text, "CF-", 3) != 0) {
      htf_check__say(state, HTF_CHECK_ERROR, "/",
                     "root attribute Conventions is \"%s\", expected CF-1.10", text);
    }
    HTF_TRY(htf_check__absorb(state, "/", status));
  }
  for (int i = 0; i < 3; i++) {
    if (!htf_reader__exists(root, root_groups[i])) {
      htf_check__say(state, HTF_CHECK_ERROR, "/", "group %s is missing", root_groups[i]);
    }
  }
  HTF_TRY(htf_check__links(root, note_group, state));
done:
  return status;
}

static htf_status check_results(htf_check__state *state) {
  htf_status status = HTF_OK;
  htf_check__runs runs = {.count = 0};
  HTF_TRY(check_root(state));
  HTF_TRY(htf_check__layout(state));
  if (htf_reader__exists(state->file.at, "runs")) {
    HTF_TRY(htf_check__absorb(state, "/runs", htf_check__read_runs(state, &runs)));
  }
  if (runs.rtol != NULL) {
    HTF_TRY(htf_check__runs_group(state, &runs));
    HTF_TRY(htf_check__classes(state, &runs));
  }
done:
  htf_check__drop_runs(&runs);
  return status;
}

// ---- the file ---------------------------------------------------------------------------

static htf_status check_hdf5(htf_check__state *state, const char *path) {
  htf_status status = HTF_OK;
  char kind[64] = "results";
  if (H5Aexists(state->file.at, "kind") > 0) {
    status = htf_reader__text(state->file.at, "root", "kind", kind, sizeof kind);
    HTF_TRY(htf_check__absorb(state, "/", status));
  } else if (H5Aexists(state->file.at, "Conventions") <= 0 &&
             !htf_reader__exists(state->file.at, "runs")) {
    htf_check__say(state, HTF_CHECK_ERROR, "/",
                   "neither a results file (no attribute Conventions, no group runs) nor a "
                   "problem or weights file (no attribute kind)");
    goto done;
  }
  if (strcmp(kind, "problem") == 0) {
    HTF_TRY(check_problem(state, path));
  } else if (strcmp(kind, "weights") == 0) {
    HTF_TRY(check_weights(state, path));
  } else if (strcmp(kind, "results") == 0) {
    HTF_TRY(check_results(state));
  } else {
    htf_check__say(state, HTF_CHECK_ERROR, "/",
                   "root attribute kind is \"%s\", expected \"problem\" or \"weights\"",
                   kind);
  }
done:
  return status;
}

htf_status htf_check_file(const char *path, htf_check_report report,
                          htf_check_law_report law, void *context) {
  htf_status status = HTF_OK;
  htf_check__state state = {
      .file = {.at = -1}, .report = report, .law = law, .context = context};
  HTF_TRY(htf_file__regular(path));
  if (htf_file__ends(path, ".tns")) {
    HTF_TRY(check_problem(&state, path));
  } else {
    HTF_TRY(htf_check__absorb(&state, "/", htf_reader__open(path, &state.file)));
    if (state.file.at >= 0) {
      HTF_TRY(htf_check__absorb(&state, "/", check_hdf5(&state, path)));
    }
  }
done:
  htf_reader__close(&state.file);
  return status;
}
