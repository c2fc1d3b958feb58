// SPDX-License-Identifier: BSD-3-Clause
// roff_impl.h: text as the source of a man page (man(7)), which groff and mandoc read.
//
// Words of a text are told apart by their look: --options and what stands in `backquotes`
// become bold, and so do keys of the sweep file; names of places to fill, which are told
// beforehand, become italic; htflow-sweep(5) becomes a reference.
#pragma once

#include <stdio.h>

typedef struct htf_roff {
  FILE *out;
  const char *const *place; // names that become italic: "DIR"; NULL at the end, or NULL
} htf_roff;

// .TH; `section` is 1 or 5.
void htf_roff__title(const htf_roff *roff, const char *name, int section);
void htf_roff__section(const htf_roff *roff, const char *name);
void htf_roff__subsection(const htf_roff *roff, const char *name);
// A request as it stands: ".PP".
void htf_roff__request(const htf_roff *roff, const char *request);
// Words of a text, broken into lines where sentences end; what is blank between them does
// not count.
void htf_roff__text(const htf_roff *roff, const char *text);
// A paragraph of its own.
void htf_roff__paragraph(const htf_roff *roff, const char *text);
// Bytes as they are to be seen, after the font \f<font> ('B', 'I', 'R').
void htf_roff__put(const htf_roff *roff, char font, const char *text);
// A term and its description.
void htf_roff__item(const htf_roff *roff, const char *term, const char *text);
// Lines that are not filled.
void htf_roff__verbatim(const htf_roff *roff, const char *text);
