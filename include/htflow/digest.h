// SPDX-License-Identifier: BSD-3-Clause
// digest.h: SHA-256 of bytes fed piece by piece (room: base; library: OpenSSL's libcrypto).
//
// Used for the identity of a run, for checksums of results and for input data; SHA-256 so
// that anyone can check a stored value with Python's hashlib or sha256sum.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

enum { HTF_DIGEST_BYTES = 32, HTF_DIGEST_TEXT = 65 };

typedef struct htf_digest {
  uint8_t bytes[HTF_DIGEST_BYTES];
} htf_digest;

typedef struct htf_digester htf_digester;

// A digest of bytes that come piece by piece. Raises HTF_E_MEMORY, HTF_E_INTERNAL.
htf_status htf_digester_create(htf_digester **digester);
htf_status htf_digester_feed(htf_digester *digester, const void *bytes, size_t count);
// The digest of all that was fed; the digester then starts anew.
htf_status htf_digester_finish(htf_digester *digester, htf_digest *digest);
void htf_digester_destroy(htf_digester **digester);

// The digest of one block of bytes.
htf_status htf_digest_of(const void *bytes, size_t count, htf_digest *digest);
// 64 lower-case hexadecimal digits and a final zero.
void htf_digest_text(const htf_digest *digest, char text[HTF_DIGEST_TEXT]);

HTF_END_DOOR
