// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/log.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// What was written to stderr between listen() and heard().
static FILE *ear;
static int true_stderr;
static char text[1 << 16];

static void listen(void) {
  fflush(stderr);
  ear = tmpfile();
  true_stderr = dup(STDERR_FILENO);
  dup2(fileno(ear), STDERR_FILENO);
}

static const char *heard(void) {
  dup2(true_stderr, STDERR_FILENO);
  close(true_stderr);
  rewind(ear);
  text[fread(text, 1, sizeof text - 1, ear)] = '\0';
  fclose(ear);
  return text;
}

static int lines(const char *written) {
  int count = 0;
  for (; *written != '\0'; written++) {
    count += *written == '\n';
  }
  return count;
}

static void say_each_level(void) {
  htf_log(HTF_LOG_ERROR, "base", "an error");
  htf_log(HTF_LOG_WARN, "base", "a warning");
  htf_log(HTF_LOG_INFO, "base", "news");
  htf_log(HTF_LOG_DEBUG, "base", "a detail");
}

Test(log, a_line_has_rank_seconds_room_and_text) {
  int rank;
  double seconds;
  char room[16], said[16];
  listen();
  htf_log(HTF_LOG_INFO, "sweep", "run-%d", 17);
  const char *line = heard();
  cr_assert(
      eq(int, sscanf(line, "[%d %lf %15[a-z]] %15s", &rank, &seconds, room, said), 4));
  cr_assert(eq(int, rank, 0));
  cr_assert(seconds >= 0 && seconds < 60);
  cr_assert(eq(str, room, "sweep"));
  cr_assert(eq(str, said, "run-17"));
  cr_assert(eq(int, lines(line), 1));
}

Test(log, errors_and_warnings_say_that_they_are) {
  listen();
  say_each_level();
  const char *all = heard();
  cr_assert(strstr(all, "] error: an error\n") != NULL, "%s", all);
  cr_assert(strstr(all, "] warning: a warning\n") != NULL, "%s", all);
  cr_assert(strstr(all, "] news\n") != NULL, "%s", all);
}

Test(log, a_level_writes_itself_and_what_is_graver) {
  cr_assert(eq(int, htf_log_get_level(), HTF_LOG_INFO));
  for (int level = HTF_LOG_ERROR; level <= HTF_LOG_DEBUG; level++) {
    htf_log_set_level((htf_log_level)level);
    cr_assert(eq(int, htf_log_get_level(), level));
    listen();
    say_each_level();
    cr_assert(eq(int, lines(heard()), level + 1));
  }
}

Test(log, ranks_but_the_root_report_trouble_alone) {
  htf_log_set_level(HTF_LOG_DEBUG);
  htf_log_set_rank(3);
  listen();
  say_each_level();
  const char *all = heard();
  cr_assert(eq(int, lines(all), 2));
  cr_assert(strncmp(all, "[3 ", 3) == 0, "%s", all);
}

Test(log, every_rank_is_heard_where_that_is_asked_for) {
  htf_log_set_rank(3);
  listen();
  htf_log_all(HTF_LOG_INFO, "sweep", "here");
  htf_log_all(HTF_LOG_DEBUG, "sweep", "not at this level");
  cr_assert(eq(int, lines(heard()), 1));
}

Test(log, a_text_too_long_is_cut_and_still_ends_its_line) {
  static char endless[1 << 15];
  memset(endless, 'x', sizeof endless - 1);
  listen();
  htf_log(HTF_LOG_ERROR, "base", "%s", endless);
  htf_log(HTF_LOG_ERROR, "base", "next");
  const char *all = heard();
  cr_assert(eq(int, lines(all), 2));
  cr_assert(strstr(all, "x\n[0 ") != NULL);
}

Test(log, levels_have_names) {
  cr_assert(eq(int, htf_log_parse_level("error"), HTF_LOG_ERROR));
  cr_assert(eq(int, htf_log_parse_level("warn"), HTF_LOG_WARN));
  cr_assert(eq(int, htf_log_parse_level("info"), HTF_LOG_INFO));
  cr_assert(eq(int, htf_log_parse_level("debug"), HTF_LOG_DEBUG));
  cr_assert(eq(int, htf_log_parse_level("loud"), -1));
  cr_assert(eq(int, htf_log_parse_level(""), -1));
}
