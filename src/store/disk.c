// SPDX-License-Identifier: BSD-3-Clause
#include "disk_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "htflow/memory.h"

htf_status htf_file__format(char **out, const char *format, ...) {
  htf_status status = HTF_OK;
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  HTF_CHECK(length >= 0, HTF_E_INTERNAL, "bad format %s", format);
  HTF_NEW(text, length + 1);
  va_start(arguments, format);
  vsnprintf(text, (size_t)length + 1, format, arguments);
  va_end(arguments);
  *out = text;
done:
  return status;
}

htf_status htf_file__parent(const char *path, char **parent) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) {
    return htf_file__format(parent, ".");
  }
  int length = slash == path ? 1 : (int)(slash - path);
  return htf_file__format(parent, "%.*s", length, path);
}

// Processes of two machines may write beside each other, so the host is part of the name.
htf_status htf_file__part(const char *path, char **part) {
  htf_status status = HTF_OK;
  char host[65] = "";
  gethostname(host, sizeof host - 1);
  *part = NULL;
  HTF_TRY(htf_file__format(part, "%s.%s.%ld.part", path, host, (long)getpid()));
  HTF_CHECK(unlink(*part) == 0 || errno == ENOENT, HTF_E_IO,
            "%s: cannot write beside it: %s", path, strerror(errno));
done:
  if (status != HTF_OK) {
    HTF_FREE(*part);
  }
  return status;
}

static htf_status sync_path(const char *path, int flags) {
  htf_status status = HTF_OK;
  int fd = open(path, flags | O_CLOEXEC);
  HTF_CHECK(fd >= 0, HTF_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
  HTF_CHECK(fsync(fd) == 0, HTF_E_IO, "%s: cannot be synced: %s", path, strerror(errno));
done:
  if (fd >= 0) {
    close(fd);
  }
  return status;
}

htf_status htf_file__sync_directory(const char *directory) {
  return sync_path(directory, O_RDONLY | O_DIRECTORY);
}

htf_status htf_file__commit(const char *part, const char *path) {
  htf_status status = HTF_OK;
  char *parent = NULL;
  HTF_TRY(htf_file__parent(path, &parent));
  HTF_TRY(sync_path(part, O_RDWR));
  HTF_CHECK(rename(part, path) == 0, HTF_E_IO, "%s: cannot be renamed to %s: %s", part,
            path, strerror(errno));
  HTF_TRY(htf_file__sync_directory(parent));
done:
  HTF_FREE(parent);
  return status;
}
