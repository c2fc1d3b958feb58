// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "htflow/clock.h"

enum { PATH = 4096, TRIES = 5 };

static void name_type(long magic, char *text, size_t size) {
  static const struct {
    long magic;
    const char *name;
  } known[] = {{0xEF53, "ext4"},       {0x6969, "nfs"},       {0x01021994, "tmpfs"},
               {0x58465342, "xfs"},    {0x9123683E, "btrfs"}, {0x794C7630, "overlayfs"},
               {0x0BD00BD0, "lustre"}, {0x47504653, "gpfs"},  {0x19830326, "beegfs"},
               {0x00C36400, "ceph"},   {0x2FC12FC1, "zfs"}};
  snprintf(text, size, "type %#lx", magic);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i].magic == magic) {
      snprintf(text, size, "%s", known[i].name);
    }
  }
}

static int ascending(const void *left, const void *right) {
  const double *a = left, *b = right;
  return (*a > *b) - (*a < *b);
}

static htf_status time_fsync(int file, double *seconds) {
  htf_status status = HTF_OK;
  double taken[TRIES];
  for (int i = 0; i < TRIES; i++) {
    double begin = htf_clock_now();
    HTF_CHECK(pwrite(file, "htflow\n", 7, 0) == 7 && fsync(file) == 0, HTF_E_IO, "%s",
              strerror(errno));
    taken[i] = htf_clock_now() - begin;
  }
  qsort(taken, TRIES, sizeof *taken, ascending);
  *seconds = taken[TRIES / 2];
done:
  return status;
}

static bool grants_lock(int file) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(file, F_SETLK, &lock) == 0;
}

// A second name for a file, made and taken away.
static bool can_link(const char *name) {
  char second[PATH + 8];
  snprintf(second, sizeof second, "%s.link", name);
  bool linked = link(name, second) == 0;
  if (linked) {
    unlink(second);
  }
  return linked;
}

static htf_status measure_space(const char *directory, htf_filesystem *facts) {
  htf_status status = HTF_OK;
  struct statvfs space;
  struct statfs type;
  HTF_CHECK(statvfs(directory, &space) == 0 && statfs(directory, &type) == 0, HTF_E_IO,
            "%s: %s", directory, strerror(errno));
  facts->free_bytes = (double)space.f_bavail * (double)space.f_frsize;
  facts->free_files = (double)space.f_favail;
  name_type((long)type.f_type, facts->type, sizeof facts->type);
done:
  return status;
}

htf_status htf_filesystem_examine(const char *directory, htf_filesystem *facts) {
  htf_status status = HTF_OK;
  char from[PATH], to[PATH];
  int file = -1, other = -1;
  snprintf(from, sizeof from, "%s/.htflow-XXXXXX", directory);
  snprintf(to, sizeof to, "%s/.htflow-XXXXXX", directory);
  *facts = (htf_filesystem){.renames = false};
  file = mkstemp(from);
  HTF_CHECK(file >= 0, HTF_E_IO, "no file can be made in %s: %s", directory,
            strerror(errno));
  other = mkstemp(to);
  HTF_CHECK(other >= 0, HTF_E_IO, "no file can be made in %s: %s", directory,
            strerror(errno));
  HTF_TRY(measure_space(directory, facts));
  HTF_TRY(time_fsync(file, &facts->fsync_seconds));
  facts->locks = grants_lock(file);
  facts->links = can_link(from);
  facts->renames = rename(from, to) == 0;
done:
  if (file >= 0) {
    close(file);
    unlink(from);
  }
  if (other >= 0) {
    close(other);
    unlink(to);
  }
  return status;
}
