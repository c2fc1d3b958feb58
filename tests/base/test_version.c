// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/version.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

Test(version, has_three_numbers) {
  int numbers[3], end = 0;
  sscanf(htf_version(), "%d.%d.%d%n", &numbers[0], &numbers[1], &numbers[2], &end);
  cr_assert(end > 0 && htf_version()[end] == '\0', "%s", htf_version());
}

Test(version, the_commit_is_hexadecimal_or_unknown) {
  const char *commit = htf_version_commit();
  size_t digits = strspn(commit, "0123456789abcdef");
  cr_assert(strcmp(commit, "unknown") == 0 ||
                (digits >= 7 &&
                 (commit[digits] == '\0' || strcmp(commit + digits, "-dirty") == 0)),
            "%s", commit);
}

Test(version, compiler_and_flags_are_known) {
  cr_assert(strpbrk(htf_version_compiler(), "0123456789") != NULL);
  cr_assert(htf_version_flags()[0] == '-', "%s", htf_version_flags());
}
