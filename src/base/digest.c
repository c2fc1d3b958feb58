// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "htflow/memory.h"

struct htf_digester {
  EVP_MD_CTX *context;
};

static htf_status begin(htf_digester *digester) {
  htf_status status = HTF_OK;
  HTF_CHECK(EVP_DigestInit_ex(digester->context, EVP_sha256(), NULL) == 1, HTF_E_INTERNAL,
            "libcrypto has no SHA-256");
done:
  return status;
}

htf_status htf_digester_create(htf_digester **out) {
  htf_status status = HTF_OK;
  htf_digester *digester = NULL;
  HTF_NEW(digester, 1);
  digester->context = EVP_MD_CTX_new();
  HTF_CHECK(digester->context != NULL, HTF_E_MEMORY, "no memory for a digest");
  HTF_TRY(begin(digester));
  *out = digester;
  digester = NULL;
done:
  htf_digester_destroy(&digester);
  return status;
}

htf_status htf_digester_feed(htf_digester *digester, const void *bytes, size_t count) {
  htf_status status = HTF_OK;
  HTF_CHECK(EVP_DigestUpdate(digester->context, bytes, count) == 1, HTF_E_INTERNAL,
            "SHA-256 failed on %zu bytes", count);
done:
  return status;
}

htf_status htf_digester_finish(htf_digester *digester, htf_digest *digest) {
  htf_status status = HTF_OK;
  HTF_CHECK(EVP_DigestFinal_ex(digester->context, digest->bytes, NULL) == 1, HTF_E_INTERNAL,
            "SHA-256 failed to finish");
  HTF_TRY(begin(digester));
done:
  return status;
}

void htf_digester_destroy(htf_digester **digester) {
  if (*digester != NULL) {
    EVP_MD_CTX_free((*digester)->context);
    HTF_FREE(*digester);
  }
}

htf_status htf_digest_of(const void *bytes, size_t count, htf_digest *digest) {
  htf_status status = HTF_OK;
  HTF_CHECK(EVP_Digest(bytes, count, digest->bytes, NULL, EVP_sha256(), NULL) == 1,
            HTF_E_INTERNAL, "SHA-256 failed on %zu bytes", count);
done:
  return status;
}

void htf_digest_text(const htf_digest *digest, char text[HTF_DIGEST_TEXT]) {
  for (int i = 0; i < HTF_DIGEST_BYTES; i++) {
    snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
  }
}
