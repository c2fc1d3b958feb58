// SPDX-License-Identifier: BSD-3-Clause
#include "manifest_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk_impl.h"
#include "htflow/memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are of little-endian");

htf_status htf_manifest__enter(htf_manifest__list *list, const char *path, char kind,
                               int rank, const hsize_t *dims, const htf_digest *digest) {
  htf_status status = HTF_OK;
  char shape[32 * H5S_MAX_RANK] = "", text[HTF_DIGEST_TEXT];
  for (int i = 0, used = 0; i < rank; i++) {
    used += snprintf(shape + used, sizeof shape - (size_t)used, "%s%llu", i > 0 ? "x" : "",
                     (unsigned long long)dims[i]);
  }
  htf_digest_text(digest, text);
  if (list->lines == list->room) {
    int64_t room = list->room > 0 ? 2 * list->room : 64;
    HTF_RESIZE(list->line, room);
    list->room = room;
  }
  HTF_TRY(
      htf_file__format(&list->line[list->lines], "%s %c %s %s\n", path, kind, shape, text));
  list->lines++;
done:
  return status;
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

htf_status htf_manifest__checksum(htf_manifest__list *list, htf_digest *checksum) {
  htf_status status = HTF_OK;
  htf_digester *digester = NULL;
  HTF_TRY(htf_digester_create(&digester));
  if (list->lines > 0) {
    qsort(list->line, (size_t)list->lines, sizeof *list->line, by_bytes);
  }
  for (int64_t i = 0; i < list->lines; i++) {
    HTF_TRY(htf_digester_feed(digester, list->line[i], strlen(list->line[i])));
  }
  HTF_TRY(htf_digester_finish(digester, checksum));
done:
  htf_digester_destroy(&digester);
  return status;
}

void htf_manifest__clear(htf_manifest__list *list) {
  for (int64_t i = 0; i < list->lines; i++) {
    HTF_FREE(list->line[i]);
  }
  HTF_FREE(list->line);
  list->lines = list->room = 0;
}

void htf_manifest__copy_reals(int64_t n, const double *from, double *to) {
  for (int64_t i = 0; i < n; i++) {
    to[i] = isnan(from[i]) ? NAN : from[i];
  }
}

htf_status htf_manifest__feed_texts(htf_digester *digester, int64_t n, char *const *texts) {
  htf_status status = HTF_OK;
  for (int64_t i = 0; i < n; i++) {
    const char *text = texts[i] != NULL ? texts[i] : "";
    uint64_t length = strlen(text);
    HTF_TRY(htf_digester_feed(digester, &length, sizeof length));
    HTF_TRY(htf_digester_feed(digester, text, length));
  }
done:
  return status;
}
