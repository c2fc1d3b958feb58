// SPDX-License-Identifier: BSD-3-Clause
// Fields that are lists, and what they share with single values.
#pragma once

#include "htflow/spec.h"

// The choice number `index` of "a|b|c"; false if there are not so many.
bool htf_spec__choice_at(const char *choices, int index, char name[HTF_MAX_LABEL]);
htf_status htf_spec__set_choice(const htf_field *field, const char *text, int *member);
// A number in the field's range.
htf_status htf_spec__set_real(const htf_field *field, const char *text, double *member);

// From "[a, b]", or "a" for a list of one.
htf_status htf_spec__set_list(const htf_field *field, const char *text, htf_list *member);
htf_status htf_spec__set_names(const htf_field *field, const char *text,
                               char member[HTF_MAX_TEXT]);
void htf_spec__print_list(const htf_list *list, char *text, size_t size);
void htf_spec__print_names(const char *names, char *text, size_t size);
