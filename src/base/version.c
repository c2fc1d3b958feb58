// SPDX-License-Identifier: BSD-3-Clause
// The macros come from CMakeLists.txt.
#include "htflow/version.h"

const char *htf_version(void) {
  return HTF_VERSION;
}

const char *htf_version_commit(void) {
  return HTF_COMMIT;
}

const char *htf_version_date(void) {
  return HTF_DATE;
}

const char *htf_version_compiler(void) {
  return HTF_COMPILER;
}

const char *htf_version_flags(void) {
  return HTF_FLAGS;
}
