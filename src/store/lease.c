// SPDX-License-Identifier: BSD-3-Clause
// Leases of blocks of runs, as hard links to a job's file.
#include "htflow/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"
#include "htflow/clock.h"
#include "htflow/log.h"
#include "htflow/memory.h"

enum { TEXT = 256, BEATS = 6 }; // bytes of a job's file; beats in its patience

// What a job's file says.
typedef struct facts {
  char name[120], host[65], slurm[32]; // slurm: "" outside of SLURM
  long restart, beat;
  bool ended;
} facts;

// Another job, and when its beat was last seen to change.
typedef struct other {
  facts last;
  double seen;
} other;

struct htf_leases {
  char *folder, *job; // `leases`, and this job's file in it
  char prefix[24];    // of the plan
  facts own;
  int lock; // descriptor of the job's file, which is locked as long as the job lives
  double patience, beaten;
  int others;
  other *other; // [others]
  int64_t held, room;
  int64_t *block; // [held]
};

// ---- a job's file -----------------------------------------------------------------------

static void print_facts(const facts *f, char *text) {
  snprintf(text, TEXT, "%s %s %s %ld %ld %s\n", f->name, f->host,
           f->slurm[0] != '\0' ? f->slurm : "-", f->restart, f->beat,
           f->ended ? "ended" : "lives");
}

// False where there is no such file, or it is of no job.
static bool read_facts(const char *path, facts *f) {
  char text[TEXT + 1] = "", state[16];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd >= 0 ? read(fd, text, TEXT) : -1;
  if (fd >= 0) {
    close(fd);
  }
  memset(f, 0, sizeof *f);
  bool good = count > 0 && sscanf(text, "%119s %64s %31s %ld %ld %15s", f->name, f->host,
                                  f->slurm, &f->restart, &f->beat, state) == 6;
  f->ended = good && strcmp(state, "ended") == 0;
  return good;
}

// Opened and closed each time: that is what carries a change over NFS. A beat that fails
// costs work at worst, not results.
static bool write_facts(const htf_leases *leases) {
  char text[TEXT];
  memset(text, '\n', sizeof text);
  print_facts(&leases->own, text);
  text[strlen(text)] = '\n';
  int fd = open(leases->job, O_WRONLY | O_CLOEXEC);
  bool good = fd >= 0 && pwrite(fd, text, TEXT, 0) == TEXT;
  if (fd >= 0) {
    good = close(fd) == 0 && good;
  }
  return good;
}

static void name_job(facts *f) {
  const char *slurm = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
  gethostname(f->host, sizeof f->host - 1);
  for (char *c = f->host; *c != '\0'; c++) {
    *c = *c == ' ' || *c == '/' ? '_' : *c;
  }
  snprintf(f->name, sizeof f->name, "%s-%ld-%.0f", f->host[0] != '\0' ? f->host : "host",
           (long)getpid(), 1e3 * htf_clock_date());
  snprintf(f->slurm, sizeof f->slurm, "%s", slurm != NULL ? slurm : "");
  f->restart = restart != NULL ? strtol(restart, NULL, 10) : 0;
}

static htf_status make_job(htf_leases *leases) {
  htf_status status = HTF_OK;
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  leases->lock = open(leases->job, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  HTF_CHECK(leases->lock >= 0, HTF_E_IO, "%s: cannot be made: %s", leases->job,
            strerror(errno));
  HTF_CHECK(write_facts(leases), HTF_E_IO, "%s: cannot be written: %s", leases->job,
            strerror(errno));
  // Where locks are not granted, the beat has to do.
  if (fcntl(leases->lock, F_OFD_SETLK, &whole) != 0) {
    htf_log(HTF_LOG_DEBUG, "store", "%s: cannot be locked: %s", leases->job,
            strerror(errno));
  }
done:
  return status;
}

// ---- the others -------------------------------------------------------------------------

// Locks of one host are always told to the processes of that host.
static bool locked(const char *path) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd = open(path, O_RDWR | O_CLOEXEC);
  bool held = fd < 0 || fcntl(fd, F_OFD_GETLK, &whole) != 0 || whole.l_type != F_UNLCK;
  if (fd >= 0) {
    close(fd);
  }
  return held;
}

static htf_status find_other(htf_leases *leases, const facts *now, other **found) {
  htf_status status = HTF_OK;
  *found = NULL;
  for (int i = 0; i < leases->others; i++) {
    if (strcmp(leases->other[i].last.name, now->name) == 0) {
      *found = &leases->other[i];
      return HTF_OK;
    }
  }
  HTF_RESIZE(leases->other, leases->others + 1);
  *found = &leases->other[leases->others++];
  **found = (other){*now, htf_clock_now()};
done:
  return status;
}

// Whether the job whose file, or lease, this is can be taken for dead.
static htf_status is_dead(htf_leases *leases, const char *path, const facts *now,
                          bool *dead) {
  htf_status status = HTF_OK;
  const facts *own = &leases->own;
  other *o = NULL;
  HTF_TRY(find_other(leases, now, &o));
  if (o->last.beat != now->beat) {
    *o = (other){*now, htf_clock_now()};
  }
  bool same_slurm = own->slurm[0] != '\0' && strcmp(own->slurm, now->slurm) == 0;
  *dead = now->ended || (same_slurm && now->restart < own->restart) ||
          (strcmp(own->host, now->host) == 0 && !locked(path)) ||
          htf_clock_now() - o->seen > leases->patience;
done:
  return status;
}

static bool ends_in(const char *name, const char *ending) {
  size_t length = strlen(name), end = strlen(ending);
  return length > end && strcmp(name + length - end, ending) == 0;
}

static int not_hidden(const struct dirent *item) {
  return item->d_name[0] != '.';
}

// How many other jobs' files there are, and how many of living ones.
static htf_status count_others(htf_leases *leases, int *there, int *living) {
  htf_status status = HTF_OK;
  struct dirent **names = NULL;
  char *path = NULL;
  *there = *living = 0;
  int count = scandir(leases->folder, &names, not_hidden, alphasort);
  HTF_CHECK(count >= 0, HTF_E_IO, "%s: cannot be listed: %s", leases->folder,
            strerror(errno));
  for (int i = 0; i < count; i++) {
    facts now;
    bool dead = true;
    HTF_FREE(path);
    HTF_TRY(htf_file__format(&path, "%s/%s", leases->folder, names[i]->d_name));
    if (!ends_in(path, ".job") || strcmp(path, leases->job) == 0) {
      continue;
    }
    if (read_facts(path, &now)) {
      HTF_TRY(is_dead(leases, path, &now, &dead));
    }
    ++*there;
    *living += !dead;
  }
done:
  for (int i = 0; i < count; i++) {
    free(names[i]); // scandir's own
  }
  free(names);
  HTF_FREE(path);
  return status;
}

// Who is alone, and holds nothing, removes what is left of the others, the leases of blocks
// that nobody will ask for too: nobody needs it any more.
static htf_status clean_up(htf_leases *leases) {
  htf_status status = HTF_OK;
  struct dirent **names = NULL;
  char *path = NULL;
  int there, living, count = 0;
  HTF_TRY(count_others(leases, &there, &living));
  count = living == 0 ? scandir(leases->folder, &names, not_hidden, alphasort) : 0;
  for (int i = 0; i < count; i++) {
    HTF_FREE(path);
    HTF_TRY(htf_file__format(&path, "%s/%s", leases->folder, names[i]->d_name));
    if (strcmp(path, leases->job) != 0) {
      unlink(path);
    }
  }
done:
  for (int i = 0; i < count; i++) {
    free(names[i]); // scandir's own
  }
  free(names);
  HTF_FREE(path);
  return status;
}

htf_status htf_leases_company(htf_leases *leases, bool *company) {
  htf_status status = HTF_OK;
  int there, living;
  HTF_TRY(count_others(leases, &there, &living));
  *company = there > 0;
done:
  return status;
}

// ---- joining and leaving ----------------------------------------------------------------

htf_status htf_leases_open(const char *directory, const htf_digest *plan, double patience,
                           htf_leases **out) {
  htf_status status = HTF_OK;
  htf_leases *leases = NULL;
  char hash[HTF_DIGEST_TEXT];
  HTF_NEW(leases, 1);
  leases->lock = -1;
  leases->patience = patience;
  leases->beaten = htf_clock_now();
  htf_digest_text(plan, hash);
  snprintf(leases->prefix, sizeof leases->prefix, "%.12s", hash);
  name_job(&leases->own);
  HTF_TRY(htf_file__format(&leases->folder, "%s/leases", directory));
  HTF_TRY(htf_file__format(&leases->job, "%s/%s.job", leases->folder, leases->own.name));
  HTF_CHECK(mkdir(leases->folder, 0777) == 0 || errno == EEXIST, HTF_E_IO,
            "%s: cannot be made: %s", leases->folder, strerror(errno));
  HTF_TRY(make_job(leases));
  HTF_TRY(clean_up(leases));
  *out = leases;
  leases = NULL;
done:
  htf_leases_close(&leases);
  return status;
}

void htf_leases_close(htf_leases **leases) {
  htf_leases *l = *leases;
  if (l == NULL) {
    return;
  }
  while (l->held > 0) {
    htf_leases_release(l, l->block[0]);
  }
  if (l->lock >= 0) {
    l->own.ended = true;
    write_facts(l);
    int there = 0, living = 0;
    if (clean_up(l) == HTF_OK && count_others(l, &there, &living) == HTF_OK && there == 0) {
      unlink(l->job);
    }
    close(l->lock);
  }
  HTF_FREE(l->folder);
  HTF_FREE(l->job);
  HTF_FREE(l->other);
  HTF_FREE(l->block);
  HTF_FREE(*leases);
}

void htf_leases_beat(htf_leases *leases) {
  double now = htf_clock_now();
  if (now - leases->beaten >= leases->patience / BEATS) {
    leases->beaten = now;
    leases->own.beat++;
    write_facts(leases);
  }
}

// ---- blocks -----------------------------------------------------------------------------

static htf_status block_path(const htf_leases *leases, int64_t block, char **path) {
  return htf_file__format(path, "%s/%s-%lld.lease", leases->folder, leases->prefix,
                          (long long)block);
}

// Moves a dead job's lease away; of several who try one succeeds. Had the block changed
// hands meanwhile, its new holder's lease is gone, and the block may be done twice.
static htf_status break_lease(const htf_leases *leases, const char *path,
                              const facts *dead) {
  htf_status status = HTF_OK;
  char *away = NULL;
  HTF_TRY(htf_file__format(&away, "%s.%s", path, leases->own.name));
  if (rename(path, away) == 0) {
    unlink(away);
    htf_log(HTF_LOG_INFO, "store", "%s: taken over from job %s, which is gone", path,
            dead->name);
  }
done:
  HTF_FREE(away);
  return status;
}

// A link that was made may be reported as failed over NFS: then it is to our own file. And
// that may be gone, where this job seemed dead to another.
static htf_status try_link(htf_leases *leases, const char *path, bool *made) {
  htf_status status = HTF_OK;
  struct stat own, there;
  *made = link(leases->job, path) == 0;
  if (!*made && errno == ENOENT) {
    close(leases->lock);
    HTF_TRY(make_job(leases));
    *made = link(leases->job, path) == 0;
  }
  if (!*made) {
    HTF_CHECK(errno == EEXIST, HTF_E_IO, "%s: cannot be made: %s", path, strerror(errno));
    *made = fstat(leases->lock, &own) == 0 && stat(path, &there) == 0 &&
            own.st_ino == there.st_ino && own.st_dev == there.st_dev;
  }
done:
  return status;
}

htf_status htf_leases_take(htf_leases *leases, int64_t block, bool *taken) {
  htf_status status = HTF_OK;
  char *path = NULL;
  facts now;
  bool dead = false;
  if (leases->held == leases->room) {
    HTF_RESIZE(leases->block, 2 * leases->room + 8);
    leases->room = 2 * leases->room + 8;
  }
  HTF_TRY(block_path(leases, block, &path));
  HTF_TRY(try_link(leases, path, taken));
  if (!*taken && read_facts(path, &now)) {
    HTF_TRY(is_dead(leases, path, &now, &dead));
    if (dead) {
      HTF_TRY(break_lease(leases, path, &now));
      HTF_TRY(try_link(leases, path, taken));
    }
  }
  if (*taken) {
    leases->block[leases->held++] = block;
  }
done:
  HTF_FREE(path);
  return status;
}

// A lease that cannot be removed ends with the job.
void htf_leases_release(htf_leases *leases, int64_t block) {
  char *path = NULL;
  facts now;
  for (int64_t i = 0; i < leases->held; i++) {
    if (leases->block[i] == block) {
      leases->block[i] = leases->block[--leases->held];
      if (block_path(leases, block, &path) == HTF_OK && read_facts(path, &now) &&
          strcmp(now.name, leases->own.name) == 0) {
        unlink(path);
      }
      HTF_FREE(path);
      return;
    }
  }
}
