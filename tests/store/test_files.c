// SPDX-License-Identifier: BSD-3-Clause
// Texts, digests, directories.
#include <fcntl.h>
#include <sys/mount.h>

#include "files_test.h"

TestSuite(files, .init = begin, .fini = end);

Test(files, texts_are_written_whole_and_read_back) {
  char *text = NULL;
  int64_t blocks = htf_memory_blocks();
  name_file("a.yaml");
  cr_assert(eq(int, htf_file_write_text(path, "name: a\n"), HTF_OK));
  cr_assert(eq(int, htf_file_write_text(path, "name: ü\n"), HTF_OK)); // replaced
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_OK));
  cr_assert(eq(str, text, "name: ü\n"));
  HTF_FREE(text);
  cr_assert(eq(int, count_names(scratch), 1));
  cr_assert(eq(int, htf_file_write_text(path, ""), HTF_OK));
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_OK));
  cr_assert(eq(str, text, ""));
  HTF_FREE(text);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

Test(files, long_texts_come_back_whole) {
  enum { LENGTH = 100000 };
  static char long_text[LENGTH + 1];
  char *text = NULL;
  for (int i = 0; i < LENGTH; i++) {
    long_text[i] = (char)('a' + i % 23);
  }
  for (int length = 4090; length < 4100; length++) { // about the size of the first block
    char kept = long_text[length];
    long_text[length] = '\0';
    name_file("b.txt");
    cr_assert(eq(int, htf_file_write_text(path, long_text), HTF_OK));
    cr_assert(eq(int, htf_file_read_text(path, &text), HTF_OK));
    cr_assert(eq(str, text, long_text));
    HTF_FREE(text);
    long_text[length] = kept;
  }
  cr_assert(eq(int, htf_file_write_text(path, long_text), HTF_OK));
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_OK));
  cr_assert(eq(str, text, long_text));
  HTF_FREE(text);
}

Test(files, that_are_no_texts_are_refused) {
  char *text = NULL;
  int64_t blocks = htf_memory_blocks();
  write_bytes("zero", "ab\0c", 4);
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_E_DATA));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "zero byte at offset 2"))));
  name_file("none");
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_E_IO));
  cr_assert(eq(int, htf_file_read_text(scratch, &text), HTF_E_IO));
  name_file("large");
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  cr_assert(eq(int, ftruncate(fd, (64 << 20) + 1), 0));
  close(fd);
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_E_DATA));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "larger than 64 MiB"))));
  cr_assert(zero(ptr, text));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

Test(files, that_cannot_be_written_leave_nothing_behind) {
  char *text = NULL;
  name_file("none/a.txt");
  cr_assert(eq(int, htf_file_write_text(path, "text"), HTF_E_IO));
  if (mount("tmpfs", scratch, "tmpfs", 0, "size=16k") != 0) {
    cr_skip("mounting needs root");
  }
  name_file("a.txt");
  cr_assert(eq(int, htf_file_write_text(path, "older"), HTF_OK));
  static char long_text[50000];
  memset(long_text, 'x', sizeof long_text - 1);
  cr_assert(eq(int, htf_file_write_text(path, long_text), HTF_E_IO));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "No space left"))), "%s",
            htf_error_message());
  cr_assert(eq(int, count_names(scratch), 1));
  cr_assert(eq(int, htf_file_read_text(path, &text), HTF_OK));
  cr_assert(eq(str, text, "older"));
  HTF_FREE(text);
}

Test(files, digests_are_those_of_sha256sum) {
  char text[HTF_DIGEST_TEXT], command[256], other[HTF_DIGEST_TEXT] = "";
  static char bytes[200000];
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (char)(i * i >> 3);
  }
  write_bytes("bytes", bytes, sizeof bytes);
  snprintf(command, sizeof command, "sha256sum '%s'", path);
  FILE *pipe = popen(command, "r");
  cr_assert(eq(sz, fread(other, 1, sizeof other - 1, pipe), sizeof other - 1));
  pclose(pipe);
  cr_assert(eq(int, htf_file_digest(path, text), HTF_OK));
  cr_assert(eq(str, text, other));
  cr_assert(eq(int, htf_file_digest(scratch, text), HTF_E_IO));
}

Test(files, directories_are_made_with_their_parents) {
  name_file("a/b//c/");
  cr_assert(eq(int, htf_file_make_directory(path), HTF_OK), "%s", htf_error_message());
  cr_assert(eq(int, htf_file_make_directory(path), HTF_OK)); // it may be there
  cr_assert(eq(int, count_names(path), 0));
  write_bytes("file", "x", 1);
  cr_assert(eq(int, htf_file_make_directory(path), HTF_E_IO));
  name_file("file/below");
  cr_assert(eq(int, htf_file_make_directory(path), HTF_E_IO));
  cr_assert(eq(int, htf_file_make_directory("/proc/htflow"), HTF_E_IO));
}

Test(files, give_back_all_when_memory_is_short) {
  int64_t blocks = htf_memory_blocks();
  name_file("a/b");
  htf_status status = HTF_E_MEMORY;
  char digest[HTF_DIGEST_TEXT], file[160];
  snprintf(file, sizeof file, "%s/text", path);
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    char *text = NULL;
    htf_memory_fail_at(nth);
    status = htf_file_make_directory(path);
    status = status == HTF_OK ? htf_file_write_text(file, "text") : status;
    status = status == HTF_OK ? htf_file_digest(file, digest) : status;
    status = status == HTF_OK ? htf_file_read_text(file, &text) : status;
    htf_memory_fail_at(0);
    HTF_FREE(text);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
    cr_assert(le(int, count_names(path), 1));
  }
}
