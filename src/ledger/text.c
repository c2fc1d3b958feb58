// SPDX-License-Identifier: BSD-3-Clause
// Numbers as text, and how alike two words are.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/spec.h"

static const char *skip_digits(const char *text) {
  return text + strspn(text, "0123456789");
}

// Whether the text is [-+]? ( [0-9]+ ( . [0-9]* )? | . [0-9]+ ) ( [eE] [-+]? [0-9]+ )?
static bool is_decimal(const char *text) {
  const char *whole = text + (*text == '-' || *text == '+');
  const char *at = skip_digits(whole);
  int64_t digits = at - whole;
  if (*at == '.') {
    const char *fraction = at + 1;
    at = skip_digits(fraction);
    digits += at - fraction;
  }
  if (digits > 0 && (*at == 'e' || *at == 'E')) {
    const char *exponent = at + 1 + (at[1] == '-' || at[1] == '+');
    at = skip_digits(exponent);
    digits = at - exponent;
  }
  return digits > 0 && *at == '\0';
}

bool htf_spec_read_number(const char *text, double *value) {
  if (!is_decimal(text)) {
    return false;
  }
  *value = strtod(text, NULL);
  return isfinite(*value);
}

void htf_spec_write_number(double value, char text[HTF_NUMBER_TEXT]) {
  // Most are small whole numbers, which need no trying: a spec's identity prints fifty.
  if (fabs(value) < 1e15 && value == (double)(int64_t)value && !signbit(value)) {
    snprintf(text, HTF_NUMBER_TEXT, "%lld", (long long)value);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, HTF_NUMBER_TEXT, "%.*g", digits, value);
    if (strtod(text, NULL) == value) {
      break;
    }
  }
  // 1e-06 as 1e-6, 1e+20 as 1e20
  char *mark = strchr(text, 'e');
  if (mark != NULL) {
    char *to = mark + 1, *from = mark + 1;
    to += *from == '-';
    from++;
    from += strspn(from, "0");
    memmove(to, from, strlen(from) + 1);
  }
}

enum { LONGEST = 64 };

static int smaller(int a, int b) {
  return a < b ? a : b;
}

// Damerau's distance without repeated edits of one place: d[i][j] between the first i
// letters of one word and the first j of the other, row by row.
int htf_spec_distance(const char *wrong, const char *name) {
  int n = (int)strnlen(wrong, LONGEST), m = (int)strnlen(name, LONGEST);
  int d[3][LONGEST + 1]; // rows i - 2, i - 1, i at i mod 3
  for (int j = 0; j <= m; j++) {
    d[0][j] = j;
  }
  for (int i = 1; i <= n; i++) {
    int *row = d[i % 3], *above = d[(i - 1) % 3], *higher = d[(i + 1) % 3];
    row[0] = i;
    for (int j = 1; j <= m; j++) {
      row[j] = smaller(smaller(above[j], row[j - 1]) + 1,
                       above[j - 1] + (wrong[i - 1] != name[j - 1]));
      if (i > 1 && j > 1 && wrong[i - 1] == name[j - 2] && wrong[i - 2] == name[j - 1]) {
        row[j] = smaller(row[j], higher[j - 2] + 1);
      }
    }
  }
  return d[n % 3][m];
}

bool htf_spec_resembles(const char *wrong, const char *name) {
  int length = (int)strnlen(name, LONGEST);
  return htf_spec_distance(wrong, name) <= (length < 3 ? 1 : (length + 2) / 3);
}
