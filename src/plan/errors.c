// SPDX-License-Identifier: BSD-3-Clause
// Collects what is wrong in a sweep file, to be said all at once.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

enum { WORDS = 1024, SHOWN = 1024, MESSAGE = 32000 };

static bool same_place(htf_plan__place a, htf_plan__place b) {
  return a.line == b.line && a.column == b.column && a.override == b.override;
}

static bool known(const htf_plan__errors *errors, htf_plan__place place, const char *text) {
  for (int i = 0; i < errors->count; i++) {
    if (same_place(errors->error[i].place, place) &&
        strcmp(errors->error[i].text, text) == 0) {
      return true;
    }
  }
  return false;
}

static htf_status add(htf_plan__errors *errors, htf_plan__place place, const char *text) {
  htf_status status = HTF_OK;
  if (known(errors, place, text)) {
    goto done;
  }
  if (errors->count == HTF_PLAN__ERRORS) {
    errors->more++;
    goto done;
  }
  htf_plan__error *error = &errors->error[errors->count];
  HTF_NEW(error->text, strlen(text) + 1);
  strcpy(error->text, text);
  error->place = place;
  errors->count++;
done:
  return status;
}

htf_status htf_plan__complain(htf_plan__errors *errors, htf_plan__place place,
                              const char *format, ...) {
  char text[WORDS];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return add(errors, place, text);
}

htf_status htf_plan__note(htf_plan__errors *errors, htf_plan__place place,
                          htf_status status) {
  if (status == HTF_E_CONFIG) {
    status = add(errors, place, htf_error_message());
    if (status == HTF_OK) {
      htf_error_clear();
    }
  }
  return status;
}

void htf_plan__write_place(const char *file, htf_plan__place place, char *text,
                           size_t size) {
  if (place.override != NULL) {
    snprintf(text, size, "--set %.200s: ", place.override);
  } else {
    snprintf(text, size, "%s:%d:%d: ", file, place.line, place.column);
  }
}

// In the order of the file, overrides last; those of one place in the order found.
static int compare(const void *a, const void *b) {
  const htf_plan__error *one = a, *other = b;
  if ((one->place.override == NULL) != (other->place.override == NULL)) {
    return one->place.override == NULL ? -1 : 1;
  }
  if (one->place.override != NULL) {
    return 0;
  }
  if (one->place.line != other->place.line) {
    return one->place.line < other->place.line ? -1 : 1;
  }
  return (one->place.column > other->place.column) -
         (one->place.column < other->place.column);
}

// Insertion: stable, and there are few.
static void sort(htf_plan__errors *errors) {
  for (int i = 1; i < errors->count; i++) {
    htf_plan__error error = errors->error[i];
    int j = i;
    for (; j > 0 && compare(&errors->error[j - 1], &error) > 0; j--) {
      errors->error[j] = errors->error[j - 1];
    }
    errors->error[j] = error;
  }
}

// The line of an error and a caret below its column, where there is one:
//     3 | init: {std: big}
//       |             ^
// A long line is cut around the column. Columns count characters, not bytes; what is not
// UTF-8 may be one of any length, and what does not fit `size` is left away.
static size_t show(const char *source, htf_plan__place place, char *text, size_t size) {
  enum { BEFORE = 60, WIDE = 90 };
  if (source == NULL || place.override != NULL || place.line < 1) {
    return 0;
  }
  for (int i = 1; i < place.line && source != NULL; i++) {
    source = strchr(source, '\n');
    source = source == NULL ? NULL : source + 1;
  }
  if (source == NULL) {
    return 0;
  }
  int cut = place.column - 1 > WIDE - 10 ? place.column - 1 - BEFORE : 0;
  for (int i = 0; i < cut && *source != '\0' && *source != '\n'; i++) {
    source++;
    while ((*source & 0xC0) == 0x80) {
      source++;
    }
  }
  size_t length = 0;
  for (int i = 0; i < WIDE && source[length] != '\0' && source[length] != '\n'; i++) {
    length++;
    while ((source[length] & 0xC0) == 0x80) {
      length++;
    }
  }
  const char *dots = cut > 0 ? "..." : "";
  int wanted =
      snprintf(text, size, "\n%5d | %s%.*s\n      | %*s^", place.line, dots, (int)length,
               source, place.column - 1 - cut + (int)strlen(dots), "");
  return (size_t)wanted < size ? (size_t)wanted : size - 1;
}

htf_status htf_plan__raise(htf_plan__errors *errors) {
  htf_status status = HTF_OK;
  char *message = NULL, place[HTF_MAX_TEXT];
  size_t used = 0;
  int said = 0;
  if (errors->count == 0) {
    return status;
  }
  HTF_NEW(message, MESSAGE);
  sort(errors);
  for (; said < errors->count; said++) {
    const htf_plan__error *error = &errors->error[said];
    htf_plan__write_place(errors->file, error->place, place, sizeof place);
    size_t needed = strlen(place) + strlen(error->text) + SHOWN + 1;
    if (used + needed + WORDS > MESSAGE) {
      break;
    }
    used += (size_t)snprintf(message + used, MESSAGE - used, "%s%s%s", said > 0 ? "\n" : "",
                             place, error->text);
    used += show(errors->text, error->place, message + used, SHOWN);
  }
  if (said < errors->count || errors->more > 0) {
    snprintf(message + used, MESSAGE - used, "\n%s: and %d more", errors->file,
             errors->count - said + errors->more);
  }
  HTF_CHECK(false, HTF_E_CONFIG, "%s", message);
done:
  HTF_FREE(message);
  return status;
}

void htf_plan__forget(htf_plan__errors *errors) {
  for (int i = 0; i < errors->count; i++) {
    HTF_FREE(errors->error[i].text);
  }
  errors->count = 0;
}
