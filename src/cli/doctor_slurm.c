// SPDX-License-Identifier: BSD-3-Clause
// What `scontrol show config` says that matters to a sweep. Lines are "Key = value"; a key
// that is not there is passed over, since versions differ.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "doctor_impl.h"
#include "htflow/memory.h"

enum { MOST_BYTES = 1 << 20, VALUE = 128 };

// ---- what a command says ----------------------------------------------------------------

// The output of a command, and its exit code; false if it could not be started. A command
// that waits for a dead daemon is ended.
static bool ask(const char *command, char *text, size_t size, int *code) {
  char line[256];
  snprintf(line, sizeof line, "timeout 20 %s 2>&1", command);
  fflush(stdout);
  FILE *pipe = popen(line, "r");
  if (pipe == NULL) {
    return false;
  }
  size_t length = fread(text, 1, size - 1, pipe);
  text[length] = '\0';
  for (size_t i = 0; i < length; i++) { // what is no ASCII would be no JSON
    text[i] = 0 < text[i] && text[i] < 127 ? text[i] : '?';
  }
  while (fgetc(pipe) != EOF) { // or the command may die of a closed pipe
  }
  int ended = pclose(pipe);
  *code = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return true;
}

// The value of a key without blanks around it, or false.
static bool look_up(const char *config, const char *key, char value[VALUE]) {
  size_t length = strlen(key);
  for (const char *line = config; line != NULL && *line != '\0';) {
    line += strspn(line, " \t\n");
    const char *after = line + length;
    size_t blanks = strncmp(line, key, length) == 0 ? strspn(after, " \t") : 0;
    if (strncmp(line, key, length) == 0 && after[blanks] == '=') {
      after += blanks + 1;
      after += strspn(after, " \t");
      int count = (int)strcspn(after, "\r\n");
      while (count > 0 && after[count - 1] == ' ') {
        count--;
      }
      snprintf(value, VALUE, "%.*s", count, after);
      return true;
    }
    line = strchr(line, '\n');
  }
  return false;
}

// ---- findings ---------------------------------------------------------------------------

static void judge_requeue(htf_cli_doctor *d, const char *value) {
  bool on = atoi(value) == 1;
  htf_cli__finding(
      d, "requeue", on ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
      "jobs/sweep.sbatch asks for --requeue; where that is refused it submits itself "
      "again, and jobs/chain.sh needs neither",
      "JobRequeue=%s: jobs %s started again after a node failure or a requeue, if "
      "they do not say otherwise",
      value, on ? "are" : "are not");
}

static void judge_preemption(htf_cli_doctor *d, const char *value) {
  bool cancels = strstr(value, "CANCEL") != NULL;
  bool suspends = strstr(value, "SUSPEND") != NULL || strstr(value, "GANG") != NULL;
  const char *what = strstr(value, "REQUEUE") != NULL ? "preempted jobs are requeued"
                     : cancels                        ? "preempted jobs are cancelled"
                     : suspends                       ? "preempted jobs are suspended"
                                                      : "no job is preempted";
  htf_cli__finding(
      d, "preemption", cancels || suspends ? HTF_CLI_WORTH_KNOWING : HTF_CLI_FINE,
      cancels ? "jobs/sweep.sbatch submits itself again when it is preempted so; "
                "keep again=auto in site.conf"
              : "where several jobs share a directory, run with --patience longer "
                "than the longest suspension",
      "PreemptMode=%s: %s (a partition may differ)", value, what);
}

static void judge_kill_wait(htf_cli_doctor *d, const char *value) {
  bool enough = atoi(value) >= 30;
  htf_cli__finding(
      d, "signals", enough ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
      "be warned in time, by --signal=B:USR1@120 as in jobs/sweep.sbatch; what is "
      "cut short goes on from its last checkpoint",
      "KillWait=%s from TERM to KILL; a rank takes up to 20 s to save its run", value);
}

static void judge_arrays(htf_cli_doctor *d, const char *value) {
  int most = atoi(value);
  htf_cli__finding(
      d, "arrays", most > 1 ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
      "use one job of more ranks, or jobs/chain.sh, instead of jobs/array.sbatch",
      "MaxArraySize=%s: indices of array jobs from 0 to %d", value,
      most > 0 ? most - 1 : 0);
}

static void judge_binding(htf_cli_doctor *d, const char *value) {
  bool binds = strstr(value, "affinity") != NULL || strstr(value, "cgroup") != NULL;
  htf_cli__finding(
      d, "binding", binds ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
      "ask for whole nodes (--exclusive), or ranks may share cores with other jobs",
      "TaskPlugin=%s: SLURM %s ranks to the cores they asked for", value,
      binds ? "can bind" : "does not bind");
}

static const struct {
  const char *key;
  void (*judge)(htf_cli_doctor *d, const char *value);
} rules[] = {{"JobRequeue", judge_requeue},
             {"PreemptMode", judge_preemption},
             {"KillWait", judge_kill_wait},
             {"MaxArraySize", judge_arrays},
             {"TaskPlugin", judge_binding}};

// Whether srun can start the ranks of Open MPI.
static void examine_srun(htf_cli_doctor *d, char *text) {
  int code;
  bool asked = ask("srun --mpi=list", text, MOST_BYTES, &code) && code == 0;
  bool has = asked && strstr(text, "pmix") != NULL;
  htf_cli__finding(d, "srun", has ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
                   "set launcher=mpirun in jobs/site.conf", "srun --mpi=list %s pmix",
                   has ? "has" : "does not have");
}

static void examine_config(htf_cli_doctor *d, const char *config) {
  char value[VALUE], name[VALUE];
  const char *job = getenv("SLURM_JOB_ID");
  bool known = look_up(config, "SLURM_VERSION", value);
  htf_cli__finding(d, "slurm", HTF_CLI_FINE, "", "SLURM %s, cluster %s%s%s",
                   known ? value : "of a version it does not tell",
                   look_up(config, "ClusterName", name) ? name : "without a name",
                   job != NULL ? ", in job " : "", job != NULL ? job : "");
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    if (look_up(config, rules[i].key, value)) {
      rules[i].judge(d, value);
    }
  }
}

void htf_cli__examine_slurm(htf_cli_doctor *d) {
  enum { NOT_FOUND = 127 }; // a shell's code for a command that is not there
  int code;
  char *text = htf_memory_get(MOST_BYTES, 1);
  if (text == NULL || !ask("scontrol show config", text, MOST_BYTES, &code)) {
    htf_cli__finding(d, "slurm", HTF_CLI_WRONG, "free memory and processes on this machine",
                     "scontrol cannot be started");
  } else if (code == NOT_FOUND) {
    htf_cli__finding(d, "slurm", HTF_CLI_FINE, "",
                     "no scontrol on PATH: no cluster, or its module is not loaded");
  } else if (code != 0) {
    text[strcspn(text, "\n")] = '\0';
    htf_cli__finding(
        d, "slurm", HTF_CLI_WORTH_KNOWING,
        "ask the site whether its SLURM is up, and whether this is a login node",
        "scontrol show config fails: %.200s", text[0] != '\0' ? text : "no answer");
  } else {
    examine_config(d, text);
    examine_srun(d, text);
  }
  htf_memory_release(text);
}
