// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/digest.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "htflow/memory.h"

// The examples of FIPS 180-4 (NIST), as sha256sum prints them.
static const char *const of_nothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char *const of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char *const of_million_a =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void is(const htf_digest *digest, const char *expected) {
  char text[HTF_DIGEST_TEXT];
  htf_digest_text(digest, text);
  cr_assert(eq(str, text, (char *)expected));
}

Test(digest, is_sha_256) {
  htf_digest digest;
  cr_assert(eq(int, htf_digest_of("", 0, &digest), HTF_OK));
  is(&digest, of_nothing);
  cr_assert(eq(int, htf_digest_of(NULL, 0, &digest), HTF_OK));
  is(&digest, of_nothing);
  cr_assert(eq(int, htf_digest_of("abc", 3, &digest), HTF_OK));
  is(&digest, of_abc);
}

Test(digest, does_not_depend_on_how_the_bytes_come) {
  static char letters[1000000];
  memset(letters, 'a', sizeof letters);
  for (size_t piece = 1; piece < sizeof letters; piece = 3 * piece + 1) {
    htf_digester *digester = NULL;
    htf_digest digest;
    cr_assert(eq(int, htf_digester_create(&digester), HTF_OK));
    for (size_t at = 0; at < sizeof letters; at += piece) {
      size_t left = sizeof letters - at;
      htf_digester_feed(digester, letters + at, left < piece ? left : piece);
    }
    cr_assert(eq(int, htf_digester_finish(digester, &digest), HTF_OK));
    is(&digest, of_million_a);
    htf_digester_destroy(&digester);
  }
}

Test(digest, a_digester_starts_anew_after_each_digest) {
  htf_digester *digester = NULL;
  htf_digest digest;
  htf_digester_create(&digester);
  for (int i = 0; i < 3; i++) {
    htf_digester_feed(digester, "abc", 3);
    htf_digester_feed(digester, NULL, 0);
    cr_assert(eq(int, htf_digester_finish(digester, &digest), HTF_OK));
    is(&digest, of_abc);
  }
  cr_assert(eq(int, htf_digester_finish(digester, &digest), HTF_OK));
  is(&digest, of_nothing);
  htf_digester_destroy(&digester);
}

Test(digest, its_text_has_64_lower_case_digits_and_an_end) {
  htf_digest digest;
  char text[HTF_DIGEST_TEXT];
  for (int i = 0; i < HTF_DIGEST_BYTES; i++) {
    digest.bytes[i] = (uint8_t)(i * 8 + 3);
  }
  memset(text, '!', sizeof text);
  htf_digest_text(&digest, text);
  cr_assert(eq(sz, strlen(text), 64));
  cr_assert(eq(sz, strspn(text, "0123456789abcdef"), 64));
  cr_assert(strncmp(text, "030b131b", 8) == 0);
}

Test(digest, leaks_nothing_and_survives_lack_of_memory) {
  int64_t blocks = htf_memory_blocks();
  htf_digester *digester = NULL;
  htf_memory_fail_at(1);
  cr_assert(eq(int, htf_digester_create(&digester), HTF_E_MEMORY));
  cr_assert(digester == NULL);
  cr_assert(eq(int, htf_digester_create(&digester), HTF_OK));
  htf_digester_destroy(&digester);
  cr_assert(digester == NULL);
  htf_digester_destroy(&digester);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}
