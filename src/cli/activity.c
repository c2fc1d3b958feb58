// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "status_impl.h"

enum { TAIL = 256 << 10, PATH = 4096 };

static double number(const json_t *event, const char *name) {
  return json_number_value(json_object_get(event, name));
}

static void take(const json_t *event, htf_cli_activity *a) {
  const char *what = json_string_value(json_object_get(event, "event"));
  double time = number(event, "time");
  if (what == NULL || time <= 0) {
    return;
  }
  bool opens = strcmp(what, "open") == 0;
  a->closed = strcmp(what, "close") == 0;
  if (opens || a->opened == 0) {
    *a = (htf_cli_activity){.opened = time, .run = -1, .closed = a->closed};
  }
  if (strcmp(what, "start") == 0) {
    a->run = (int64_t)number(event, "run");
    a->since = time;
  } else if (strcmp(what, "end") == 0 || strcmp(what, "leave") == 0) {
    a->busy += a->run >= 0 ? time - a->since : 0;
    a->run = -1;
  }
  a->last = time;
}

static void take_lines(char *text, htf_cli_activity *a) {
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    json_t *event = json_loads(line, 0, NULL);
    if (json_is_object(event)) {
      take(event, a);
    }
    json_decref(event);
  }
}

htf_status htf_cli__activity(const char *directory, const char *writer,
                             htf_cli_activity *activity) {
  htf_status status = HTF_OK;
  char path[PATH], *text = NULL;
  FILE *file = NULL;
  *activity = (htf_cli_activity){.run = -1};
  snprintf(path, sizeof path, "%s/log/%s.jsonl", directory, writer);
  file = fopen(path, "re");
  HTF_CHECK(file != NULL || errno == ENOENT || errno == ENOTDIR, HTF_E_IO, "%s: %s", path,
            strerror(errno));
  if (file != NULL) {
    HTF_NEW(text, TAIL + 1);
    if (fseek(file, -TAIL, SEEK_END) != 0) { // it is shorter
      rewind(file);
    }
    text[fread(text, 1, TAIL, file)] = '\0';
    take_lines(text, activity);
  }
done:
  if (file != NULL) {
    fclose(file);
  }
  HTF_FREE(text);
  return status;
}
