// SPDX-License-Identifier: BSD-3-Clause
// Chunks encoded outside HDF5: HDF5 reads them as its own.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <hdf5.h>

#include "encode_impl.h"
#include "store_test.h"

static char scratch[64], path[128];

static void begin(void) {
  make_scratch(scratch);
  snprintf(path, sizeof path, "%s/chunk.h5", scratch);
}

static void end(void) {
  remove_scratch(scratch);
}

TestSuite(encode, .init = begin, .fini = end);

typedef struct coded {
  htf_results__reply head;
  size_t made;
  uint8_t bytes[];
} coded;

static coded *encode(const void *raw, size_t bytes, size_t element) {
  htf_results_encoder *encoder = NULL;
  htf_results__task head = {element};
  uint8_t *task = malloc(sizeof head + bytes);
  uint8_t *reply = malloc(sizeof head + bytes + HTF_RESULTS_MORE);
  coded *out = malloc(sizeof *out + bytes + HTF_RESULTS_MORE);
  memcpy(task, &head, sizeof head);
  memcpy(task + sizeof head, raw, bytes);
  cr_assert(eq(int, htf_results_encoder_create(&encoder), HTF_OK));
  cr_assert(eq(int,
               htf_results_encode(encoder, task, sizeof head + bytes, reply, &out->made),
               HTF_OK));
  out->made -= sizeof out->head;
  memcpy(&out->head, reply, sizeof out->head);
  memcpy(out->bytes, reply + sizeof out->head, out->made);
  htf_results_encoder_destroy(&encoder);
  free(task);
  free(reply);
  return out;
}

// A file whose one dataset is one chunk, of the filters and with these bytes in it.
static void write_chunk(const coded *c, size_t bytes, size_t element) {
  hsize_t count = bytes / element, start = 0;
  hid_t type = element == 1 ? H5T_STD_I8LE : H5T_STD_I64LE;
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &count, NULL);
  H5Pset_chunk(list, 1, &count);
  H5Pset_shuffle(list);
  H5Pset_deflate(list, 1);
  H5Pset_fletcher32(list);
  hid_t set = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  cr_assert(ge(int,
               H5Dwrite_chunk(set, H5P_DEFAULT, (uint32_t)c->head.skipped, &start, c->made,
                              c->bytes),
               0));
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(list);
  H5Fclose(file);
}

static herr_t read_chunk(size_t element, void *out) {
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  hid_t set = H5Dopen2(file, "x", H5P_DEFAULT);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  herr_t code = H5Dread(set, element == 1 ? H5T_NATIVE_SCHAR : H5T_NATIVE_INT64, H5S_ALL,
                        H5S_ALL, H5P_DEFAULT, out);
  H5Dclose(set);
  H5Fclose(file);
  return code;
}

// Bytes that repeat, or, with `noise`, bytes that no compressor makes fewer.
static uint8_t *make_bytes(size_t bytes, bool noise) {
  uint8_t *raw = malloc(bytes);
  uint64_t state = 88172645463325252ULL;
  for (size_t i = 0; i < bytes; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    raw[i] = noise ? (uint8_t)(state >> 24) : (uint8_t)(i / 100 % 50);
  }
  return raw;
}

Test(encode, hdf5_reads_every_size_and_kind) {
  const size_t sizes[] = {8, 16, 800, 4096, 5752, 100000, 1 << 18};
  for (int i = 0; i < 7 * 4; i++) {
    size_t bytes = sizes[i / 4], element = i % 2 ? 1 : 8;
    uint8_t *raw = make_bytes(bytes, i / 2 % 2), *back = malloc(bytes);
    coded *c = encode(raw, bytes, element);
    write_chunk(c, bytes, element);
    cr_assert(ge(int, read_chunk(element, back), 0), "%zu bytes", bytes);
    cr_assert(eq(int, memcmp(raw, back, bytes), 0), "%zu bytes", bytes);
    free(raw);
    free(back);
    free(c);
  }
}

Test(encode, an_odd_number_of_bytes_has_a_checksum_too) {
  const size_t sizes[] = {1, 7, 721, 100001};
  for (int i = 0; i < 8; i++) {
    size_t bytes = sizes[i / 2];
    uint8_t *raw = make_bytes(bytes, i % 2), *back = malloc(bytes);
    coded *c = encode(raw, bytes, 1);
    write_chunk(c, bytes, 1);
    cr_assert(ge(int, read_chunk(1, back), 0), "%zu bytes", bytes);
    cr_assert(eq(int, memcmp(raw, back, bytes), 0), "%zu bytes", bytes);
    free(raw);
    free(back);
    free(c);
  }
}

Test(encode, what_does_not_get_smaller_is_kept) {
  uint8_t *raw = make_bytes(1 << 16, true), *even = make_bytes(1 << 16, false);
  coded *noise = encode(raw, 1 << 16, 8), *smooth = encode(even, 1 << 16, 8);
  cr_assert(eq(u64, noise->head.skipped, 1U << HTF_RESULTS__DEFLATE));
  cr_assert(eq(sz, noise->made, (1 << 16) + 4));
  cr_assert(eq(u64, smooth->head.skipped, 0));
  cr_assert(lt(sz, smooth->made, 1 << 13));
  free(raw);
  free(even);
  free(noise);
  free(smooth);
}

Test(encode, a_flipped_bit_is_seen_by_hdf5) {
  uint8_t *raw = make_bytes(40000, true), *back = malloc(40000);
  coded *c = encode(raw, 40000, 8);
  for (size_t at = 1; at < c->made; at += 3989) {
    c->bytes[at] ^= 16;
    write_chunk(c, 40000, 8);
    cr_assert(lt(int, read_chunk(8, back), 0), "byte %zu", at);
    c->bytes[at] ^= 16;
  }
  free(raw);
  free(back);
  free(c);
}

Test(encode, what_is_no_task_is_refused) {
  htf_results_encoder *encoder = NULL;
  uint8_t task[64] = {0}, reply[64 + HTF_RESULTS_MORE];
  size_t made;
  htf_results__task head = {8};
  cr_assert(eq(int, htf_results_encoder_create(&encoder), HTF_OK));
  cr_assert(eq(int, htf_results_encode(encoder, task, 8, reply, &made), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_results_encode(encoder, task, 64, reply, &made), HTF_E_INTERNAL));
  memcpy(task, &head, sizeof head);
  cr_assert(eq(int, htf_results_encode(encoder, task, 63, reply, &made), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_results_encode(encoder, task, 64, reply, &made), HTF_OK));
  htf_results_encoder_destroy(&encoder);
}
