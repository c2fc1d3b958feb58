// SPDX-License-Identifier: BSD-3-Clause
// door.h: what every public header wraps its declarations in.
//
// The library is compiled with hidden visibility; what stands between HTF_BEGIN_DOOR and
// HTF_END_DOOR is exported, with C linkage.
#pragma once

#ifdef __cplusplus
#define HTF_BEGIN_DOOR                                                                     \
  extern "C" {                                                                             \
  _Pragma("GCC visibility push(default)")
#define HTF_END_DOOR                                                                       \
  _Pragma("GCC visibility pop")                                                            \
  }
#else
#define HTF_BEGIN_DOOR _Pragma("GCC visibility push(default)")
#define HTF_END_DOOR   _Pragma("GCC visibility pop")
#endif

// Checks the arguments of a printf-like function against its format.
#define HTF_PRINTF(text, first) __attribute__((format(printf, text, first)))
// A function that does not come back; C++ has no _Noreturn.
#define HTF_NORETURN __attribute__((noreturn))
