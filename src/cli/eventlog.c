// SPDX-License-Identifier: BSD-3-Clause
// The structured log. Each line is one write(2) to the end of the file, so that a killed
// writer leaves at most its last line torn; the next one begins on a line of its own.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/version.h"
#include "progress_impl.h"

enum { MOST_BYTES = 4 << 20, LINE = 8192, PATH = 4096 };

struct htf_cli_log {
  char path[PATH], older[PATH];
  int file;      // descriptor, -1 where it could not be opened
  int64_t bytes; // in the file
  bool warned;
};

static void warn(htf_cli_log *log, const char *what) {
  if (!log->warned) {
    htf_log_all(HTF_LOG_WARN, "run", "%s: %s: %s; the sweep goes on without", log->path,
                what, strerror(errno));
    log->warned = true;
  }
}

static void open_file(htf_cli_log *log) {
  struct stat facts;
  char last = '\n';
  log->file = open(log->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (log->file < 0 || fstat(log->file, &facts) != 0) {
    warn(log, "cannot be opened");
    return;
  }
  log->bytes = facts.st_size;
  if (log->bytes > 0 && pread(log->file, &last, 1, facts.st_size - 1) == 1 &&
      last != '\n' && write(log->file, "\n", 1) != 1) {
    warn(log, "cannot be written");
  }
}

static void close_file(htf_cli_log *log) {
  if (log->file >= 0) {
    close(log->file);
    log->file = -1;
  }
}

static void turn_over(htf_cli_log *log) {
  close_file(log);
  if (rename(log->path, log->older) != 0) {
    warn(log, "cannot be renamed");
    return;
  }
  open_file(log);
}

void htf_cli__log_event(htf_cli_log *log, const char *event, json_t *members) {
  char line[LINE];
  json_t *object = json_pack("{sf ss}", "time", htf_clock_date(), "event", event);
  if (members != NULL) {
    json_object_update(object, members);
    json_decref(members);
  }
  size_t count = json_dumpb(object, line, LINE - 1, JSON_COMPACT | JSON_REAL_PRECISION(16));
  json_decref(object);
  if (count == 0 || count > LINE - 1 || log->file < 0) {
    return; // memory has run out, or there is no file: both have been said
  }
  line[count++] = '\n';
  if (write(log->file, line, count) != (ssize_t)count) {
    warn(log, "cannot be written");
  }
  log->bytes += (int64_t)count;
  if (log->bytes >= MOST_BYTES) {
    turn_over(log);
  }
}

// ---- the events -------------------------------------------------------------------------

static void log_opened(htf_cli_log *log, const char *writer) {
  char host[65] = "";
  gethostname(host, sizeof host - 1);
  htf_cli__log_event(log, "open",
                     json_pack("{ss ss sI si si ss}", "writer", writer, "host", host, "pid",
                               (json_int_t)getpid(), "rank", htf_sweep_rank(), "ranks",
                               htf_sweep_ranks(), "version", htf_version()));
}

void htf_cli__log_end(htf_cli_log *log, int64_t run, const htf_record *record) {
  json_t *members = json_pack(
      "{sI ss ss sf}", "run", (json_int_t)run, "state", htf_run_state_text(record->state),
      "reason", htf_stop_reason_text(record->stop_reason), "wall", record->timing.wall);
  if (record->message[0] != '\0') { // not where it is no UTF-8
    json_object_set_new(members, "message", json_string(record->message));
  }
  htf_cli__log_event(log, "end", members);
}

htf_status htf_cli__log_open(const char *directory, const char *writer, htf_cli_log **out) {
  htf_status status = HTF_OK;
  htf_cli_log *log = NULL;
  HTF_NEW(log, 1);
  log->file = -1;
  int length = snprintf(log->path, PATH, "%s/log", directory);
  HTF_CHECK(length + strlen(writer) + 16 < PATH, HTF_E_USAGE, "%s: too long a path",
            directory);
  if (mkdir(log->path, 0777) != 0 && errno != EEXIST) {
    warn(log, "cannot be made");
  }
  snprintf(log->older, PATH, "%s/log/%s.1.jsonl", directory, writer);
  snprintf(log->path, PATH, "%s/log/%s.jsonl", directory, writer);
  open_file(log);
  log_opened(log, writer);
  *out = log;
  log = NULL;
done:
  htf_cli__log_close(&log);
  return status;
}

void htf_cli__log_close(htf_cli_log **log) {
  if (*log != NULL) {
    htf_cli__log_event(*log, "close", NULL);
    close_file(*log);
    HTF_FREE(*log);
  }
}
