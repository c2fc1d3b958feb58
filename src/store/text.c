// SPDX-License-Identifier: BSD-3-Clause
#include <stdbool.h>
#include <stdint.h>

#include "layout_impl.h"

// The length of the UTF-8 sequence that starts here, 0 if none does.
static int sequence(const unsigned char *c) {
  static const struct {
    unsigned char mask, lead;
  } form[] = {{0x80, 0x00}, {0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  for (int n = 0; n < 4; n++) {
    if ((c[0] & form[n].mask) == form[n].lead) {
      uint32_t point = c[0] & (uint32_t)(unsigned char)~form[n].mask;
      for (int i = 1; i <= n; i++) {
        if ((c[i] & 0xc0) != 0x80) {
          return 0;
        }
        point = point << 6 | (c[i] & 0x3fu);
      }
      bool surrogate = point >= 0xd800 && point < 0xe000;
      return point < least[n] || point > 0x10ffff || surrogate ? 0 : n + 1;
    }
  }
  return 0;
}

void htf_results__clean(char *text) {
  while (*text != '\0') {
    int n = sequence((const unsigned char *)text);
    *text = n > 0 ? *text : '?';
    text += n > 0 ? n : 1;
  }
}
