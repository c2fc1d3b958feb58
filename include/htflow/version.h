// SPDX-License-Identifier: BSD-3-Clause
// version.h: what this build is (room: base).
#pragma once

#include "htflow/door.h"

HTF_BEGIN_DOOR

const char *htf_version(void); // "0.1.0"
const char *
htf_version_commit(void); // git commit, "-dirty" appended if changed; or "unknown"
const char *htf_version_date(void);     // of that commit, "2026-11-26"; or ""
const char *htf_version_compiler(void); // "GNU 12.2.0"
const char *htf_version_flags(void);    // compiler flags of the build

HTF_END_DOOR
