// SPDX-License-Identifier: BSD-3-Clause
// FROSTT text files.
#include "files_test.h"
#include "htflow/random.h"

TestSuite(tns, .init = begin, .fini = end);

static void expect_bad_text(const char *text, const char *words) {
  write_bytes("x.tns", text, strlen(text));
  expect_bad(HTF_E_DATA, words);
}

Test(tns, is_read_as_training_entries) {
  const char *text = "# a comment\n\n1 2 3 0.5\r\n  4\t1 1   -1e-3 # more\n2 2 2 7";
  int64_t blocks = htf_memory_blocks();
  write_bytes("x.tns", text, strlen(text));
  htf_file_data data = read_good();
  const int64_t indices[] = {0, 1, 2, 3, 0, 0, 1, 1, 1}, shape[] = {4, 2, 3};
  const double values[] = {0.5, -1e-3, 7};
  cr_assert(eq(int, data.shape.order, 3));
  cr_assert(eq(int, memcmp(data.shape.size, shape, sizeof shape), 0));
  cr_assert(eq(i64, data.train, 3));
  cr_assert(eq(int, memcmp(data.train_indices, indices, sizeof indices), 0));
  cr_assert(eq(int, memcmp(data.train_values, values, sizeof values), 0));
  cr_assert(eq(i64, data.test, 0));
  htf_file_data_clear(&data);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

Test(tns, may_be_long) {
  enum { ENTRIES = 5000 };
  name_file("x.tns");
  FILE *file = fopen(path, "w");
  for (int i = 0; i < ENTRIES; i++) {
    fprintf(file, "%d %d %.17g\n", i + 1, i % 7 + 1, 1.0 / (i + 3));
  }
  fclose(file);
  htf_file_data data = read_good();
  cr_assert(eq(i64, data.train, ENTRIES));
  for (int i = 0; i < ENTRIES; i++) {
    cr_assert(eq(i64, data.train_indices[2 * i], i));
    cr_assert(eq(i64, data.train_indices[2 * i + 1], i % 7));
    cr_assert(eq(dbl, data.train_values[i], 1.0 / (i + 3)));
  }
  htf_file_data_clear(&data);
}

Test(tns, without_entries_is_refused) {
  expect_bad_text("", " no entries");
  expect_bad_text("# nothing\n\n   \n", " no entries");
  expect_bad_text("3\n", "1:1: expected indices and a value, found 1 number");
}

Test(tns, with_another_count_of_numbers_is_refused_where_it_differs) {
  expect_bad_text("1 1 5\n1 2\n", "2:4: expected 3 numbers, found 2");
  expect_bad_text("1 1 5\n1 2 3 4\n", "2:7: expected 3 numbers at most, found more");
  expect_bad_text("1 1 5\n1 2", "2:4: expected 3 numbers, found 2");
}

Test(tns, with_a_bad_index_is_refused_where_it_stands) {
  expect_bad_text("1 1 5\n1 0 5\n", "2:3: index 0, expected 1 or more");
  expect_bad_text("1 1 5\n-1 1 5\n", "2:1: \"-1\" is not an index");
  expect_bad_text("1 1 5\n1 1.5 5\n", "2:3: \"1.5\" is not an index");
  expect_bad_text("1 1 5\n1 1e3 5\n", "2:3: \"1e3\" is not an index");
  expect_bad_text("1 2147483648 5\n", "1:3: index 2147483648 is above 2147483647");
  expect_bad_text("1 99999999999999999999999999 5\n", "1:3: index 9999999999");
}

Test(tns, with_the_largest_index_asks_for_no_memory_by_it) {
  write_bytes("x.tns", "1 2147483647 5\n", 15);
  htf_file_data data = read_good();
  cr_assert(eq(i64, data.shape.size[1], 2147483647));
  cr_assert(lt(i64, htf_memory_bytes(), 1 << 20));
  htf_file_data_clear(&data);
}

Test(tns, with_a_bad_value_is_refused_where_it_stands) {
  expect_bad_text("1 1 nan\n", "1:5: value nan is not finite");
  expect_bad_text("1 1 -inf\n", "1:5: value -inf is not finite");
  expect_bad_text("1 1 1e999\n", "1:5: value 1e999 is not finite");
  expect_bad_text("1 1 x\n", "1:5: \"x\" is not a number");
  expect_bad_text("1 1 1,5\n", "1:5: \"1,5\" is not a number");
  expect_bad_text("1 1 5\n1 2 3\xff\n", "2:6: character 255 is no part of a number");
}

Test(tns, with_a_duplicate_is_refused_with_both_lines) {
  expect_bad_text("1 1 5\n# c\n1 2 5\n1 1 6\n1 2 7\n",
                  " lines 1 and 4 are the same entry (1, 1)");
}

Test(tns, with_endless_numbers_or_columns_is_refused) {
  char text[2000];
  memset(text, '1', sizeof text);
  write_bytes("x.tns", text, sizeof text);
  expect_bad(HTF_E_DATA, "1:1: a number of more than 399 characters");
  for (size_t i = 1; i < sizeof text; i += 2) {
    text[i] = ' ';
  }
  write_bytes("x.tns", text, sizeof text);
  expect_bad(HTF_E_DATA, "1:131: expected 65 numbers at most, found more");
}

Test(tns, of_zero_bytes_and_noise_is_refused) {
  char noise[4096] = {0};
  write_bytes("x.tns", noise, sizeof noise);
  expect_bad(HTF_E_DATA, "1:1: character 0 is no part of a number");
  srand(5);
  for (int round = 0; round < 200; round++) {
    for (size_t i = 0; i < sizeof noise; i++) {
      noise[i] = (char)(rand() & 255);
    }
    write_bytes("x.tns", noise, sizeof noise);
    htf_file_data data;
    cr_assert(eq(int, htf_file_read_problem(path, &data), HTF_E_DATA));
  }
}

// Good text with a few characters changed is read or refused, and never harms.
Test(tns, survives_changed_characters) {
  const char *good = "# c\n1 2 3 0.5\n4 1 1 -1e-3\n2 2 2 7\n10 1 2 1.5e+300\n";
  const char *letters = "0123456789.-+e# \n\tnaif";
  htf_random stream = htf_random_open(3, HTF_RANDOM_TEST, 0);
  int64_t blocks = htf_memory_blocks();
  for (int round = 0; round < 3000; round++) {
    char text[64];
    memcpy(text, good, strlen(good));
    for (int i = 0; i < 3; i++) {
      text[htf_random_index(&stream, (int64_t)strlen(good))] =
          letters[htf_random_index(&stream, (int64_t)strlen(letters))];
    }
    write_bytes("x.tns", text, strlen(good));
    htf_file_data data;
    htf_status status = htf_file_read_problem(path, &data);
    cr_assert(status == HTF_OK || status == HTF_E_DATA);
    for (int64_t i = 0; i < data.train * data.shape.order; i++) {
      cr_assert(ge(i64, data.train_indices[i], 0));
      cr_assert(lt(i64, data.train_indices[i], data.shape.size[i % data.shape.order]));
    }
    htf_file_data_clear(&data);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
}

Test(tns, gives_back_all_when_memory_is_short) {
  write_bytes("x.tns", "1 1 5\n2 1 5\n", 12);
  int64_t blocks = htf_memory_blocks();
  htf_status status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_file_data data;
    htf_memory_fail_at(nth);
    status = htf_file_read_problem(path, &data);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_file_data_clear(&data);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
}
