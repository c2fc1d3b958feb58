// SPDX-License-Identifier: BSD-3-Clause
// A writer's lock: one of the open file description. It ends with the process however that
// ends, excludes a second opening by this process too, and works over NFS. The file names
// who holds it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "journal_impl.h"

static const double lock_wait = 1.0; // seconds

static void read_holder(const char *path, char *holder, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd >= 0 ? read(fd, holder, size - 1) : 0;
  holder[count > 0 ? count : 0] = '\0';
  if (fd >= 0) {
    close(fd);
  }
}

static void write_holder(int fd) {
  char host[65] = "", holder[128];
  gethostname(host, sizeof host - 1);
  int length = snprintf(holder, sizeof holder, "%s, process %ld", host, (long)getpid());
  // Only a message of another process reads this: nothing is lost where it fails.
  if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)length, 0) != length) {
    return;
  }
}

htf_status htf_journal__try_lock(const char *path, int *out) {
  htf_status status = HTF_OK;
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  *out = -1;
  HTF_CHECK(fd >= 0, HTF_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
  if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
    write_holder(fd);
    *out = fd;
    fd = -1;
  } else {
    HTF_CHECK(errno == EAGAIN || errno == EACCES || errno == EINTR, HTF_E_IO,
              "%s: cannot be locked: %s", path, strerror(errno));
  }
done:
  if (fd >= 0) {
    close(fd);
  }
  return status;
}

htf_status htf_journal__lock(const char *path, int *fd) {
  htf_status status = HTF_OK;
  char holder[128] = "";
  double end = htf_clock_now() + lock_wait;
  HTF_TRY(htf_journal__try_lock(path, fd));
  while (*fd < 0) {
    read_holder(path, holder, sizeof holder);
    HTF_CHECK(htf_clock_now() < end, HTF_E_IO,
              "%s: held by another process (%s); is this sweep running already?", path,
              holder[0] != '\0' ? holder : "unknown");
    htf_clock_sleep(0.02);
    HTF_TRY(htf_journal__try_lock(path, fd));
  }
done:
  return status;
}
