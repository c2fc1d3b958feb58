// SPDX-License-Identifier: BSD-3-Clause
// All man pages and completions, as the files that an installation has.
#include <errno.h>
#include <string.h>

#include "htflow/files.h"
#include "manual_impl.h"

static htf_status open_file(const char *share, const char *folder, const char *name,
                            char path[HTF_MAX_TEXT], FILE **file) {
  htf_status status = HTF_OK;
  int length = snprintf(path, HTF_MAX_TEXT, "%s/%s", share, folder);
  HTF_CHECK(length < HTF_MAX_TEXT / 2, HTF_E_USAGE, "%s: too long a path", share);
  HTF_TRY(htf_file_make_directory(path));
  snprintf(path + length, HTF_MAX_TEXT - (size_t)length, "/%s", name);
  *file = fopen(path, "w");
  HTF_CHECK(*file != NULL, HTF_E_IO, "%s: cannot be written: %s", path, strerror(errno));
done:
  return status;
}

static htf_status close_file(FILE *file, const char *path) {
  htf_status status = HTF_OK;
  bool good = !ferror(file);
  good = fclose(file) == 0 && good;
  HTF_CHECK(good, HTF_E_IO, "%s: cannot be written: %s", path, strerror(errno));
done:
  return status;
}

// `writer` writes what `of` names.
static htf_status write_file(const char *share, const char *folder, const char *name,
                             htf_status (*writer)(const char *of, FILE *out),
                             const char *of) {
  htf_status status = HTF_OK;
  char path[HTF_MAX_TEXT];
  FILE *file = NULL;
  HTF_TRY(open_file(share, folder, name, path, &file));
  HTF_TRY(writer(of, file));
done:
  if (file != NULL) {
    htf_status closed = close_file(file, path);
    status = status == HTF_OK ? closed : status;
  }
  return status;
}

static htf_status write_pages(const char *share) {
  htf_status status = HTF_OK;
  char name[HTF_MAX_LABEL];
  int commands, formats;
  const htf_cli_entry *entry = htf_cli__commands(&commands);
  const htf_manual_format *format = htf_manual__formats(&formats);
  HTF_TRY(write_file(share, "man/man1", "htflow.1", htf_manual__write, "htflow"));
  for (int i = 0; i < commands; i++) {
    snprintf(name, sizeof name, "htflow-%s.1", entry[i].name);
    HTF_TRY(write_file(share, "man/man1", name, htf_manual__write, entry[i].name));
  }
  for (int i = 0; i < formats; i++) {
    snprintf(name, sizeof name, "htflow-%s.5", format[i].name);
    HTF_TRY(write_file(share, "man/man5", name, htf_manual__write, format[i].name));
  }
done:
  return status;
}

htf_status htf_manual__install(const char *share) {
  static const char *const shells[][3] = {
      {"bash", "bash-completion/completions", "htflow"},
      {"zsh", "zsh/site-functions", "_htflow"},
      {"fish", "fish/vendor_completions.d", "htflow.fish"},
  };
  htf_status status = HTF_OK;
  HTF_TRY(write_pages(share));
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
    HTF_TRY(
        write_file(share, shells[i][1], shells[i][2], htf_completion__write, shells[i][0]));
  }
done:
  return status;
}
