// SPDX-License-Identifier: BSD-3-Clause
// FROSTT text: an entry a line, its indices from 1 and its value last; `#` begins a
// comment. Memory grows with what was read, never with what a line claims.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "samples_impl.h"

// The longest number; any that a double or an index can be written as is shorter.
enum { TOKEN = 400, FIELDS = HTF_MAX_ORDER + 1 };

typedef struct token {
  char text[TOKEN];
  int64_t column;
} token;

typedef struct tns {
  const char *path;
  FILE *file;
  int64_t line, column; // of the character that comes next, from 1
  int fields;           // numbers a line, 0 before the first
  token field[FIELDS];  // of the current line
  int64_t room;
  int64_t *lines; // [room], where each entry stands
  htf_file_data *data;
} tns;

#define TNS_CHECK(t, at, condition, format, ...)                                           \
  HTF_CHECK(condition, HTF_E_DATA, "%s:%lld:%lld: " format, (t)->path,                     \
            (long long)(t)->line, (long long)(at), __VA_ARGS__)

// ---- characters to tokens ---------------------------------------------------------------

static int next(tns *t) {
  int c = getc_unlocked(t->file);
  t->column++;
  return c;
}

static bool ends_line(int c) {
  return c == '\n' || c == EOF;
}

static bool is_blank(int c) {
  return c == ' ' || c == '\t' || c == '\r';
}

// Reads a token that begins with `first`; *after is the character behind it.
static htf_status read_token(tns *t, int first, token *out, int *after) {
  htf_status status = HTF_OK;
  int length = 0, c = first;
  out->column = t->column - 1;
  while (!ends_line(c) && !is_blank(c) && c != '#') {
    TNS_CHECK(t, out->column, length < TOKEN - 1, "a number of more than %d characters",
              TOKEN - 1);
    TNS_CHECK(t, t->column - 1, ' ' < c && c < 127, "character %d is no part of a number",
              c);
    out->text[length++] = (char)c;
    c = next(t);
  }
  out->text[length] = '\0';
  *after = c;
done:
  return status;
}

// The numbers of the next line that has any; *count 0 at the end of the file.
static htf_status read_line(tns *t, int *count) {
  htf_status status = HTF_OK;
  int c = 0;
  *count = 0;
  while (*count == 0 && c != EOF) {
    t->line++;
    t->column = 1;
    c = next(t);
    while (!ends_line(c)) {
      if (is_blank(c)) {
        c = next(t);
      } else if (c == '#') {
        while (!ends_line(c)) {
          c = next(t);
        }
      } else {
        int most = t->fields > 0 ? t->fields : FIELDS;
        TNS_CHECK(t, t->column - 1, *count < most,
                  "expected %d numbers at most, found more", most);
        HTF_TRY(read_token(t, c, &t->field[*count], &c));
        ++*count;
      }
    }
  }
  HTF_CHECK(!ferror(t->file), HTF_E_IO, "%s: %s", t->path, strerror(errno));
done:
  return status;
}

// ---- tokens to numbers ------------------------------------------------------------------

static htf_status parse_index(const tns *t, const token *from, int64_t *index) {
  htf_status status = HTF_OK;
  int64_t value = 0;
  TNS_CHECK(t, from->column, strspn(from->text, "0123456789") == strlen(from->text),
            "\"%.40s\" is not an index, expected a whole number from 1", from->text);
  for (const char *c = from->text; *c != '\0' && value <= HTF_FILE_MODE; c++) {
    value = 10 * value + (*c - '0');
  }
  TNS_CHECK(t, from->column, value >= 1, "index %.40s, expected 1 or more", from->text);
  TNS_CHECK(t, from->column, value <= HTF_FILE_MODE, "index %.40s is above %d", from->text,
            HTF_FILE_MODE);
  *index = value - 1;
done:
  return status;
}

static htf_status parse_value(const tns *t, const token *from, double *value) {
  htf_status status = HTF_OK;
  char *end = NULL;
  *value = strtod(from->text, &end);
  TNS_CHECK(t, from->column, *end == '\0' && end != from->text, "\"%.40s\" is not a number",
            from->text);
  TNS_CHECK(t, from->column, isfinite(*value), "value %.40s is not finite", from->text);
done:
  return status;
}

static htf_status reserve(tns *t) {
  htf_status status = HTF_OK;
  if (t->data->train == t->room) {
    int64_t room = t->room > 0 ? 2 * t->room : 256;
    HTF_RESIZE(t->data->train_indices, room * (t->fields - 1));
    HTF_RESIZE(t->data->train_values, room);
    HTF_RESIZE(t->lines, room);
    t->room = room;
  }
done:
  return status;
}

static htf_status add_entry(tns *t) {
  htf_status status = HTF_OK;
  htf_file_data *data = t->data;
  HTF_TRY(reserve(t));
  for (int i = 0; i < t->fields - 1; i++) {
    int64_t index = 0;
    HTF_TRY(parse_index(t, &t->field[i], &index));
    data->train_indices[data->train * (t->fields - 1) + i] = index;
    if (index >= data->shape.size[i]) {
      data->shape.size[i] = index + 1;
    }
  }
  HTF_TRY(parse_value(t, &t->field[t->fields - 1], &data->train_values[data->train]));
  t->lines[data->train++] = t->line;
done:
  return status;
}

static htf_status check_duplicates(const tns *t) {
  htf_status status = HTF_OK;
  int64_t row = -1, earlier = -1;
  int order = t->fields - 1;
  char text[256] = "";
  HTF_TRY(htf_file__find_duplicate(order, t->data->train, t->data->train_indices, &row,
                                   &earlier));
  if (row >= 0) {
    htf_file__print_row(order, t->data->train_indices + row * order, 1, text, sizeof text);
  }
  HTF_CHECK(row < 0, HTF_E_DATA, "%s: lines %lld and %lld are the same entry %s", t->path,
            (long long)t->lines[earlier < 0 ? 0 : earlier],
            (long long)t->lines[row < 0 ? 0 : row], text);
done:
  return status;
}

htf_status htf_file__read_tns(const char *path, htf_file_data *data) {
  htf_status status = HTF_OK;
  int count = 0;
  tns t = {.path = path, .data = data, .file = fopen(path, "re")};
  HTF_CHECK(t.file != NULL, HTF_E_IO, "%s: %s", path, strerror(errno));
  HTF_TRY(read_line(&t, &count));
  HTF_CHECK(count > 0, HTF_E_DATA, "%s: no entries", path);
  TNS_CHECK(&t, t.field[0].column, count >= 2,
            "expected indices and a value, found %d number", count);
  t.fields = count;
  data->shape.order = count - 1;
  while (count > 0) {
    TNS_CHECK(&t, t.column - 1, count == t.fields, "expected %d numbers, found %d",
              t.fields, count);
    HTF_TRY(add_entry(&t));
    HTF_TRY(read_line(&t, &count));
  }
  HTF_TRY(check_duplicates(&t));
done:
  HTF_FREE(t.lines);
  if (t.file != NULL) {
    fclose(t.file);
  }
  return status;
}
