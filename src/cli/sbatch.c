// SPDX-License-Identifier: BSD-3-Clause
// The job script of a sweep: jobs/sweep.sbatch, which the build has made a string, with its
// marked lines replaced.
#include "sbatch_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "htflow/memory.h"

enum { PATH = 4096 };

extern const char htf_sbatch__template[]; // sweep_sbatch.c, made by embed.cmake

htf_cli_request htf_cli__request(int64_t ranks, double makespan, double bytes) {
  return (htf_cli_request){.ranks = ranks,
                           .minutes = 10 * (int64_t)ceil((1.5 * makespan / 60 + 5) / 10),
                           .megabytes = 100 * ceil((bytes * 1e-6 + 200) / 100)};
}

void htf_cli__request_text(const htf_cli_request *r, char *text, size_t size) {
  snprintf(text, size, "-n %lld -t %02lld:%02lld:00 --mem-per-cpu=%.0fM",
           (long long)r->ranks, (long long)(r->minutes / 60), (long long)(r->minutes % 60),
           r->megabytes);
}

// ---- what is filled in ------------------------------------------------------------------

// As one word of a shell.
static void print_word(FILE *file, const char *word) {
  fputc('\'', file);
  for (; *word != '\0'; word++) {
    *word == '\'' ? fputs("'\\''", file) : fputc(*word, file);
  }
  fputc('\'', file);
}

// A path from the root on, of a file that need not be there.
static htf_status print_path(FILE *file, const char *path) {
  htf_status status = HTF_OK;
  char here[PATH], whole[2 * PATH];
  HTF_CHECK(getcwd(here, sizeof here) != NULL, HTF_E_IO, "the working directory: %s",
            strerror(errno));
  snprintf(whole, sizeof whole, "%s/%s", here, path);
  print_word(file, path[0] == '/' ? path : whole);
done:
  return status;
}

static htf_status print_arguments(FILE *file, const htf_cli_job *job) {
  htf_status status = HTF_OK;
  char program[PATH];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  HTF_CHECK(length > 0, HTF_E_IO, "/proc/self/exe: %s", strerror(errno));
  program[length] = '\0';
  fprintf(file, "htflow=${htflow:-");
  print_word(file, program);
  fprintf(file, "}\nset -- ");
  HTF_TRY(print_path(file, job->sweep));
  fputc(' ', file);
  HTF_TRY(print_path(file, job->directory));
  for (int i = 0; i < job->set->count; i++) {
    fprintf(file, " --set ");
    print_word(file, job->set->item[i]);
  }
  fprintf(file, " \"$@\"\n");
done:
  return status;
}

static htf_status print_site(FILE *file, const char *path) {
  htf_status status = HTF_OK;
  char *text = NULL;
  if (path != NULL) {
    HTF_TRY(htf_file_read_text(path, &text));
    fprintf(file, "%s\nsite_pasted=yes\n", text);
  }
done:
  HTF_FREE(text);
  return status;
}

// ---- the script -------------------------------------------------------------------------

static bool begins(const char *line, const char *with) {
  return strncmp(line, with, strlen(with)) == 0;
}

static htf_status print_line(FILE *file, const htf_cli_job *job, const char *line,
                             int length) {
  htf_status status = HTF_OK;
  const htf_cli_request *r = &job->request;
  if (begins(line, "#SBATCH --ntasks=")) {
    fprintf(file, "#SBATCH --ntasks=%lld\n", (long long)r->ranks);
  } else if (begins(line, "#SBATCH --time=")) {
    fprintf(file, "#SBATCH --time=%02lld:%02lld:00\n", (long long)(r->minutes / 60),
            (long long)(r->minutes % 60));
  } else if (begins(line, "#SBATCH --mem-per-cpu=")) {
    fprintf(file, "#SBATCH --mem-per-cpu=%.0fM\n", r->megabytes);
  } else if (begins(line, "# @SITE@")) {
    HTF_TRY(print_site(file, job->site));
  } else if (begins(line, "# @ARGUMENTS@")) {
    HTF_TRY(print_arguments(file, job));
  } else {
    fprintf(file, "%.*s\n", length, line);
  }
done:
  return status;
}

static htf_status print_script(FILE *file, const htf_cli_job *job) {
  htf_status status = HTF_OK;
  for (const char *line = htf_sbatch__template; *line != '\0';) {
    int length = (int)strcspn(line, "\n");
    HTF_TRY(print_line(file, job, line, length));
    line += length + (line[length] == '\n');
  }
done:
  return status;
}

htf_status htf_cli__write_job(const htf_cli_job *job) {
  htf_status status = HTF_OK;
  char *script = NULL;
  size_t size = 0;
  bool there = strcmp(job->path, "-") != 0 && access(job->path, F_OK) == 0;
  FILE *file = NULL;
  HTF_CHECK(!there, HTF_E_USAGE, "%s is there already", job->path);
  file = open_memstream(&script, &size);
  HTF_CHECK(file != NULL, HTF_E_MEMORY, "no memory for a job script");
  HTF_TRY(print_script(file, job));
  HTF_CHECK(fflush(file) == 0, HTF_E_MEMORY, "no memory for a job script");
  if (strcmp(job->path, "-") == 0) {
    printf("%s", script);
  } else {
    HTF_TRY(htf_file_write_text(job->path, script));
    printf("sbatch %s\n", job->path);
  }
done:
  if (file != NULL) {
    fclose(file);
  }
  free(script);
  return status;
}
