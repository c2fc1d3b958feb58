// SPDX-License-Identifier: BSD-3-Clause
// Texts written piece by piece: the resolved sweep, the sample, the schema.
#pragma once

#include "plan_impl.h"

// Text put into a buffer as far as it fits; `used` counts all of it. A first pass without a
// buffer measures.
typedef struct htf_output {
  char *text;
  size_t size, used;
} htf_output;

void htf_output__bytes(htf_output *out, const char *bytes, size_t count);
void htf_output__put(htf_output *out, const char *text);
// In double quotes, as YAML and JSON read them.
void htf_output__quoted(htf_output *out, const char *text);
void htf_output__number(htf_output *out, double value);
// A field's text, quoted where YAML would read something else.
void htf_output__value(htf_output *out, const htf_field *field, const char *text);

// How many characters of a key its sections take: 8 of problem.shape.
size_t htf_output__section_length(const char *key);
void htf_output__indent(htf_output *out, const char *key);
// The lines that open the sections of a key that the key before was not in.
void htf_output__sections(htf_output *out, const char *key, const char *before);

// What a writer writes, as a text that is the caller's to HTF_FREE.
htf_status htf_output__make(void (*write)(htf_output *out, const void *of), const void *of,
                            char **text);
