// SPDX-License-Identifier: BSD-3-Clause
// Through the pipe goes the status with its message, then what was sent, then a last word,
// so that a child which died while sending is told from one which did not.
#include "htflow/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct answer {
  int status;
  char message[4096];
} answer;

static const char last_word[8] = "htf done";
static bool guarding = true;

void htf_guard_turn(bool on) {
  guarding = on;
}

htf_status htf_guard_put(FILE *out, const void *bytes, size_t count) {
  htf_status status = HTF_OK;
  HTF_CHECK(count == 0 || fwrite(bytes, 1, count, out) == count, HTF_E_IO,
            "a child cannot send: %s", strerror(errno));
done:
  return status;
}

htf_status htf_guard_get(FILE *in, void *bytes, size_t count) {
  htf_status status = HTF_OK;
  HTF_CHECK(count == 0 || fread(bytes, 1, count, in) == count, HTF_E_IO,
            "a child sent less than it said");
done:
  return status;
}

// ---- the child --------------------------------------------------------------------------

// Limits the address space, which is what malloc and mmap ask for. What this process has of
// it already Linux says in pages; where nobody says, there is no limit.
static void limit_memory(double bytes) {
  FILE *facts = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (facts != NULL && fscanf(facts, "%lu", &pages) == 1) {
    double most = (double)pages * (double)sysconf(_SC_PAGESIZE) + bytes;
    if (most < 0x1p62) {
      struct rlimit space = {(rlim_t)most, (rlim_t)most};
      setrlimit(RLIMIT_AS, &space);
    }
  }
  if (facts != NULL) {
    fclose(facts);
  }
}

// MPI and sanitizers catch crashes and talk about them at length.
static void be_quiet(double seconds) {
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU};
  struct rlimit none = {0, 0}, time = {0, 0};
  int nowhere = open("/dev/null", O_WRONLY);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
    signal(crashes[i], SIG_DFL);
  }
  time.rlim_cur = time.rlim_max = (rlim_t)ceil(seconds);
  signal(SIGPIPE, SIG_IGN); // the other end gave up: writing fails
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &time);
  if (nowhere >= 0) {
    dup2(nowhere, STDERR_FILENO);
  }
}

static _Noreturn void be_child(const htf_guard *guard, int fd) {
  answer a = {.status = HTF_OK};
  FILE *out = fdopen(fd, "w");
  be_quiet(guard->seconds);
  if (guard->memory > 0) {
    limit_memory(guard->memory);
  }
  if (out == NULL) {
    _exit(1);
  }
  a.status = (int)guard->work(guard->context);
  strncpy(a.message, htf_error_message(), sizeof a.message - 1);
  bool sent = htf_guard_put(out, &a, sizeof a) == HTF_OK &&
              (a.status != HTF_OK || guard->send == NULL ||
               guard->send(guard->context, out) == HTF_OK) &&
              htf_guard_put(out, last_word, sizeof last_word) == HTF_OK;
  _exit(sent && fflush(out) == 0 ? 0 : 1);
}

// ---- this process -----------------------------------------------------------------------

static htf_status listen_to(const htf_guard *guard, FILE *in) {
  htf_status status = HTF_OK;
  answer a;
  char word[sizeof last_word];
  HTF_TRY(htf_guard_get(in, &a, sizeof a));
  a.message[sizeof a.message - 1] = '\0';
  HTF_CHECK(a.status == HTF_OK, (htf_status)a.status, "%s", a.message);
  if (guard->receive != NULL) {
    HTF_TRY(guard->receive(guard->context, in));
  }
  HTF_TRY(htf_guard_get(in, word, sizeof word));
done:
  return status;
}

static htf_status judge(pid_t child, bool *died) {
  htf_status status = HTF_OK;
  int how = 0;
  pid_t found;
  do {
    found = waitpid(child, &how, 0);
  } while (found < 0 && errno == EINTR);
  *died = true;
  HTF_CHECK(found == child, HTF_E_IO, "a child is lost: %s", strerror(errno));
  int by = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
  HTF_CHECK(by != SIGXCPU && by != SIGKILL, HTF_E_DATA,
            "reading it does not come to an end: it is damaged");
  HTF_CHECK(by == 0, HTF_E_DATA,
            "reading it ended in a crash (%s) in a process made for it: it is damaged",
            strsignal(by));
  *died = WEXITSTATUS(how) != 0;
done:
  return status;
}

htf_status htf_guard_run(const htf_guard *guard) {
  htf_status status = HTF_OK, verdict;
  int ends[2] = {-1, -1};
  FILE *in = NULL;
  bool died = false;
  if (!guarding) {
    return guard->work(guard->context);
  }
  HTF_CHECK(pipe2(ends, O_CLOEXEC) == 0, HTF_E_IO, "no pipe: %s", strerror(errno));
  in = fdopen(ends[0], "r");
  HTF_CHECK(in != NULL, HTF_E_MEMORY, "no memory for a pipe");
  pid_t child = fork();
  HTF_CHECK(child >= 0, HTF_E_MEMORY, "no child process: %s", strerror(errno));
  if (child == 0) {
    be_child(guard, ends[1]);
  }
  close(ends[1]);
  ends[1] = -1;
  status = listen_to(guard, in);
  fclose(in); // a child that still sends ends
  in = NULL;
  ends[0] = -1;
  htf_status heard = status;
  char message[4096];
  strncpy(message, htf_error_message(), sizeof message - 1);
  message[sizeof message - 1] = '\0';
  verdict = judge(child, &died);
  HTF_TRY(verdict);
  HTF_CHECK(heard == HTF_OK, heard, "%s", message);
  HTF_CHECK(!died, HTF_E_DATA, "reading it failed in a process made for it");
done:
  if (in != NULL) {
    fclose(in);
  } else if (ends[0] >= 0) {
    close(ends[0]);
  }
  if (ends[1] >= 0) {
    close(ends[1]);
  }
  return status;
}
