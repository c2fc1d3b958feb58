// SPDX-License-Identifier: BSD-3-Clause
// completion_impl.h: completion for shells, written from the tables of commands, options
// and keys.
//
// A script has a fixed part, which knows its shell, and a part that is written from the
// tables. What a value may be is said in the same way in each, as calls of a function of
// the fixed part: `_htflow_add words W ..`, `directories`, `files ENDING ..` (no ending:
// any), or `keys`.
#pragma once

#include "manual_impl.h"

// What one command's part is written with.
typedef struct htf_completion {
  FILE *out;
  const char *command; // its name
  void (*put)(struct htf_completion *completion, const htf_cli_usage *usage);
} htf_completion;

// Visits the usages of all commands.
htf_status htf_completion__each(htf_completion *completion);

// The calls that add what an argument of this name may be: `call words a b; call files h5`.
void htf_completion__put_calls(FILE *out, const char *call, const char *argument);
// Whether there are any such calls.
bool htf_completion__knows(const char *argument);
// A text to stand within single quotes; `escaped` are bytes that a backslash goes before.
void htf_completion__put_quoted(FILE *out, const char *text, const char *escaped);
// "a b c" of "a|b|c".
void htf_completion__put_words(FILE *out, const char *choices);

// Each key of the sweep file between two texts; and each that has choices, these as words.
void htf_completion__put_keys(FILE *out, const char *before, const char *after);
void htf_completion__put_choices(FILE *out, const char *before, const char *between,
                                 const char *after);

htf_status htf_completion__bash(FILE *out);
htf_status htf_completion__zsh(FILE *out);
htf_status htf_completion__fish(FILE *out);
