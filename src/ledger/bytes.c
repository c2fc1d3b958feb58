// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/bytes.h"

#include <string.h>

#include "htflow/memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the byte order of the formats");

htf_status htf_bytes_pack(const char *what, htf_bytes_visit *visit, void *object,
                          uint8_t **to, size_t *count) {
  htf_status status = HTF_OK;
  htf_bytes b = {.what = what};
  HTF_TRY(visit(&b, object));
  HTF_NEW(b.to, b.used);
  b.used = 0;
  HTF_TRY(visit(&b, object));
  *to = b.to;
  *count = b.used;
  b.to = NULL;
done:
  HTF_FREE(b.to);
  return status;
}

htf_status htf_bytes_unpack(const char *what, htf_bytes_visit *visit, const uint8_t *from,
                            size_t count, void *object) {
  htf_status status = HTF_OK;
  htf_bytes b = {.what = what, .reading = true, .from = from, .size = count};
  HTF_TRY(visit(&b, object));
  HTF_CHECK(b.used == b.size, HTF_E_DATA, "%zu bytes follow the end of %s", b.size - b.used,
            what);
done:
  return status;
}

bool htf_bytes_reading(const htf_bytes *b) {
  return b->reading;
}

// ---- members --------------------------------------------------------------------------

htf_status htf_bytes_raw(htf_bytes *b, void *data, size_t count) {
  htf_status status = HTF_OK;
  HTF_CHECK(!b->reading || count <= b->size - b->used, HTF_E_DATA,
            "%s of %zu bytes ends where %zu more were expected at byte %zu", b->what,
            b->size, count, b->used);
  if (count > 0 && b->reading) {
    memcpy(data, b->from + b->used, count);
  } else if (count > 0 && b->to != NULL) {
    memcpy(b->to + b->used, data, count);
  }
  b->used += count;
done:
  return status;
}

htf_status htf_bytes_integer(htf_bytes *b, int64_t *value) {
  return htf_bytes_raw(b, value, sizeof *value);
}

htf_status htf_bytes_real(htf_bytes *b, double *value) {
  return htf_bytes_raw(b, value, sizeof *value);
}

htf_status htf_bytes_bounded(htf_bytes *b, int64_t low, int64_t high, int64_t *value) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_bytes_integer(b, value));
  HTF_CHECK(!b->reading || (low <= *value && *value <= high), HTF_E_DATA,
            "byte %zu of %s holds %lld, not one of %lld to %lld", b->used - sizeof *value,
            b->what, (long long)*value, (long long)low, (long long)high);
done:
  return status;
}

htf_status htf_bytes_int(htf_bytes *b, int low, int high, int *value) {
  htf_status status = HTF_OK;
  int64_t wide = *value;
  HTF_TRY(htf_bytes_bounded(b, low, high, &wide));
  *value = (int)wide;
done:
  return status;
}

htf_status htf_bytes_flag(htf_bytes *b, bool *value) {
  htf_status status = HTF_OK;
  int wide = *value;
  HTF_TRY(htf_bytes_int(b, 0, 1, &wide));
  *value = wide == 1;
done:
  return status;
}

htf_status htf_bytes_text(htf_bytes *b, char *text, size_t size) {
  htf_status status = HTF_OK;
  int64_t length = b->reading ? 0 : (int64_t)strlen(text);
  HTF_TRY(htf_bytes_bounded(b, 0, (int64_t)size - 1, &length));
  HTF_TRY(htf_bytes_raw(b, text, (size_t)length));
  text[length] = '\0';
  HTF_CHECK(strlen(text) == (size_t)length, HTF_E_DATA,
            "a text of %s has a zero byte in it", b->what);
done:
  return status;
}

htf_status htf_bytes_reals(htf_bytes *b, int64_t count, double *values) {
  return htf_bytes_raw(b, values, (size_t)count * sizeof *values);
}

htf_status htf_bytes_new_reals(htf_bytes *b, int64_t count, double **values) {
  htf_status status = HTF_OK;
  if (b->reading) {
    HTF_CHECK(0 <= count && (uint64_t)count <= (b->size - b->used) / sizeof **values,
              HTF_E_DATA, "%s of %zu bytes cannot hold %lld numbers at byte %zu", b->what,
              b->size, (long long)count, b->used);
    HTF_NEW(*values, count);
  }
  HTF_TRY(htf_bytes_reals(b, count, *values));
done:
  return status;
}

htf_status htf_bytes_format(htf_bytes *b, uint64_t magic, int64_t version) {
  htf_status status = HTF_OK;
  uint64_t found = magic;
  int64_t of = version;
  HTF_TRY(htf_bytes_raw(b, &found, sizeof found));
  HTF_CHECK(found == magic, HTF_E_DATA, "these bytes are not %s", b->what);
  HTF_TRY(htf_bytes_integer(b, &of));
  HTF_CHECK(of == version, HTF_E_DATA, "%s of version %lld; this htflow reads %lld",
            b->what, (long long)of, (long long)version);
done:
  return status;
}
