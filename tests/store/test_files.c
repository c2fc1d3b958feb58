// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <hdf5.h>
#include <limits.h>
#include <sys/mount.h>

#include "htflow/files.h"
#include "htflow/random.h"
#include "store_test.h"

static char scratch[64], path[128];

static void begin(void) {
  make_scratch(scratch);
}

static void end(void) {
  umount2(scratch, MNT_DETACH);
  remove_scratch(scratch);
}

TestSuite(files, .init = begin, .fini = end);
TestSuite(tns, .init = begin, .fini = end);
TestSuite(problem_file, .init = begin, .fini = end);

static void name_file(const char *name) {
  snprintf(path, sizeof path, "%s/%s", scratch, name);
}

static void write_bytes(const char *name, const void *bytes, size_t count) {
  name_file(name);
  FILE *file = fopen(path, "wb");
  cr_assert(eq(sz, fwrite(bytes, 1, count, file), count));
  fclose(file);
}

// Reads the file at `path`; what it raises must begin with the path and these words.
static void expect_bad(htf_status expected, const char *words) {
  htf_file_data data;
  char text[512];
  int64_t blocks = htf_memory_blocks();
  ssize_t handles = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
  snprintf(text, sizeof text, "%s:%s", path, words);
  htf_status status = htf_file_read_problem(path, &data);
  cr_assert(eq(int, status, expected), "%s", htf_error_message());
  cr_assert(eq(int, strncmp(htf_error_message(), text, strlen(text)), 0),
            "\"%s\" should begin with \"%s\"", htf_error_message(), text);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), handles));
}

static htf_file_data read_good(void) {
  htf_file_data data;
  htf_status status = htf_file_read_problem(path, &data);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return data;
}

// ---- FROSTT text ------------------------------------------------------------------------

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

// ---- HDF5 -------------------------------------------------------------------------------

typedef struct dataset {
  const char *name;
  hid_t type, memory;
  int rank;
  hsize_t dims[3];
  const void *values; // NULL: none written
  bool packed;        // chunked and compressed
} dataset;

// Two modes, three training entries, two held out.
static const int64_t shape[] = {3, 4}, train_indices[] = {0, 0, 2, 3, 1, 1},
                     test_indices[] = {0, 1, 2, 2};
static const double train_values[] = {1, 2.5, -3}, test_values[] = {4, 5};

typedef struct recipe {
  const char *kind, *task; // NULL: none
  bool fixed;              // attributes of fixed length
  dataset set[5];          // without a name: none
} recipe;

static recipe good_recipe(void) {
  hid_t i = H5T_NATIVE_INT64, d = H5T_NATIVE_DOUBLE;
  return (recipe){"problem",
                  "completion",
                  false,
                  {{"shape", i, i, 1, {2}, shape, false},
                   {"train/indices", i, i, 2, {3, 2}, train_indices, false},
                   {"train/values", d, d, 1, {3}, train_values, false},
                   {"test/indices", i, i, 2, {2, 2}, test_indices, false},
                   {"test/values", d, d, 1, {2}, test_values, false}}};
}

enum { SHAPE, TRAIN_INDICES, TRAIN_VALUES, TEST_INDICES, TEST_VALUES };

static void put_attribute(hid_t file, const char *name, const char *text, bool fixed) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, fixed ? strlen(text) : H5T_VARIABLE);
  hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  cr_assert(ge(int, H5Awrite(attribute, type, fixed ? (void *)text : (void *)&text), 0));
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

static void put_dataset(hid_t file, const dataset *set) {
  hid_t links = H5Pcreate(H5P_LINK_CREATE), list = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space =
      set->rank > 0 ? H5Screate_simple(set->rank, set->dims, NULL) : H5Screate(H5S_SCALAR);
  H5Pset_create_intermediate_group(links, 1);
  if (set->packed) {
    hsize_t chunk[] = {1000000, 2, 2};
    for (int i = 0; i < set->rank; i++) {
      chunk[i] = chunk[i] < set->dims[i] ? chunk[i] : set->dims[i];
    }
    H5Pset_chunk(list, set->rank, chunk);
    H5Pset_shuffle(list);
    H5Pset_deflate(list, 6);
    H5Pset_fletcher32(list);
  }
  hid_t id = H5Dcreate2(file, set->name, set->type, space, links, list, H5P_DEFAULT);
  cr_assert(ge(i64, id, 0));
  if (set->values != NULL) {
    cr_assert(
        ge(int, H5Dwrite(id, set->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, set->values), 0));
  }
  H5Dclose(id);
  H5Sclose(space);
  H5Pclose(links);
  H5Pclose(list);
}

static void make_file(const recipe *r) {
  name_file("p.h5");
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  cr_assert(ge(i64, file, 0));
  if (r->kind != NULL) {
    put_attribute(file, "kind", r->kind, r->fixed);
  }
  if (r->task != NULL) {
    put_attribute(file, "task", r->task, r->fixed);
  }
  for (int i = 0; i < 5; i++) {
    if (r->set[i].name != NULL) {
      put_dataset(file, &r->set[i]);
    }
  }
  H5Fclose(file);
}

static void expect_good(const recipe *r) {
  int64_t blocks = htf_memory_blocks();
  make_file(r);
  htf_file_data data = read_good();
  cr_assert(eq(int, data.shape.order, 2));
  cr_assert(eq(int, memcmp(data.shape.size, shape, sizeof shape), 0));
  cr_assert(eq(i64, data.train, 3));
  cr_assert(eq(int, memcmp(data.train_indices, train_indices, sizeof train_indices), 0));
  cr_assert(eq(int, memcmp(data.train_values, train_values, sizeof train_values), 0));
  if (r->set[TEST_INDICES].name != NULL) {
    cr_assert(eq(i64, data.test, 2));
    cr_assert(eq(int, memcmp(data.test_indices, test_indices, sizeof test_indices), 0));
    cr_assert(eq(int, memcmp(data.test_values, test_values, sizeof test_values), 0));
  } else {
    cr_assert(eq(i64, data.test, 0));
  }
  htf_file_data_clear(&data);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

static void expect_bad_recipe(const recipe *r, const char *words) {
  make_file(r);
  expect_bad(HTF_E_DATA, words);
}

Test(problem_file, is_read) {
  recipe r = good_recipe();
  expect_good(&r);
  name_file("p.hdf5");
  htf_file_data data;
  cr_assert(eq(int, htf_file_read_problem(path, &data), HTF_E_IO)); // by this name: none
}

Test(problem_file, may_have_texts_of_fixed_length) {
  recipe r = good_recipe();
  r.fixed = true;
  expect_good(&r);
}

Test(problem_file, may_be_compressed) {
  recipe r = good_recipe();
  for (int i = 0; i < 5; i++) {
    r.set[i].packed = true;
  }
  expect_good(&r);
}

Test(problem_file, may_have_integers_and_reals_of_any_width) {
  recipe r = good_recipe();
  r.set[SHAPE].type = H5T_STD_U8BE;
  r.set[TRAIN_INDICES].type = H5T_STD_I8LE;
  r.set[TEST_INDICES].type = H5T_STD_U64BE;
  r.set[TRAIN_VALUES].type = H5T_IEEE_F32BE;
  r.set[TEST_VALUES].type = H5T_STD_I16LE;
  expect_good(&r);
}

Test(problem_file, may_have_nothing_held_out) {
  recipe r = good_recipe();
  r.set[TEST_INDICES].name = r.set[TEST_VALUES].name = NULL;
  expect_good(&r);
}

Test(problem_file, may_have_no_rows_held_out) {
  recipe r = good_recipe();
  r.set[TEST_INDICES].dims[0] = r.set[TEST_VALUES].dims[0] = 0;
  make_file(&r);
  htf_file_data data = read_good();
  cr_assert(eq(i64, data.test, 0));
  htf_file_data_clear(&data);
}

Test(problem_file, of_another_kind_or_task_is_refused) {
  recipe r = good_recipe();
  r.kind = "weights";
  expect_bad_recipe(&r, " root attribute kind is \"weights\", expected \"problem\"");
  r.kind = NULL;
  expect_bad_recipe(&r, " root attribute kind is missing");
  r.kind = "problem";
  r.task = "sensing";
  expect_bad_recipe(&r, " root attribute task is \"sensing\", expected \"completion\"");
}

Test(problem_file, without_a_dataset_is_refused) {
  static const char *const words[] = {
      " dataset shape is missing", " dataset train/indices is missing",
      " dataset train/values is missing", " dataset test/indices is missing",
      " dataset test/values is missing"};
  for (int i = 0; i < 5; i++) {
    recipe r = good_recipe();
    r.set[i].name = NULL;
    expect_bad_recipe(&r, words[i]);
  }
}

Test(problem_file, with_a_group_for_a_dataset_is_refused) {
  recipe r = good_recipe();
  r.set[SHAPE].name = "shape/inside";
  expect_bad_recipe(&r, " shape is not a dataset");
}

Test(problem_file, with_the_wrong_types_is_refused) {
  recipe r = good_recipe();
  r.set[TRAIN_INDICES].type = H5T_NATIVE_DOUBLE;
  expect_bad_recipe(&r,
                    " dataset train/indices: floating-point numbers, expected integers");
  r = good_recipe();
  hid_t text = H5Tcopy(H5T_C_S1);
  r.set[TRAIN_VALUES] = (dataset){"train/values", text, text, 1, {3}, "abc", false};
  expect_bad_recipe(&r, " dataset train/values: texts, expected numbers");
  H5Tclose(text);
}

Test(problem_file, with_the_wrong_shapes_is_refused) {
  recipe r = good_recipe();
  r.set[TRAIN_INDICES] = (dataset){
      "train/indices", H5T_NATIVE_INT64, H5T_NATIVE_INT64, 1, {6}, train_indices, false};
  expect_bad_recipe(&r, " dataset train/indices has 1 dimensions, expected 2");
  r = good_recipe();
  r.set[TRAIN_INDICES].dims[0] = 2;
  r.set[TRAIN_INDICES].dims[1] = 3;
  expect_bad_recipe(&r, " dataset train/indices has 3 columns, expected 2");
  r = good_recipe();
  r.set[TRAIN_VALUES].dims[0] = 2;
  expect_bad_recipe(&r, " dataset train/values has 2 rows, train/indices has 3");
  r = good_recipe();
  r.set[SHAPE].rank = 0;
  expect_bad_recipe(&r, " dataset shape has 0 dimensions, expected 1");
  r = good_recipe();
  r.set[SHAPE].dims[0] = 65;
  r.set[SHAPE].values = NULL;
  expect_bad_recipe(&r, " dataset shape has 65 modes, expected 1 to 64");
  r = good_recipe();
  r.set[TRAIN_INDICES].dims[0] = r.set[TRAIN_VALUES].dims[0] = 0;
  expect_bad_recipe(&r, " dataset train/indices has no rows");
}

Test(problem_file, with_a_mode_of_no_size_is_refused) {
  const int64_t empty[] = {3, 0}, huge[] = {INT64_MAX, 4};
  recipe r = good_recipe();
  r.set[SHAPE].values = empty;
  expect_bad_recipe(&r, " shape[1] is 0, expected 1 to 2147483647");
  r.set[SHAPE].values = huge;
  expect_bad_recipe(&r, " shape[0] is 9223372036854775807, expected 1 to 2147483647");
}

Test(problem_file, with_an_index_out_of_range_is_refused) {
  const int64_t above[] = {0, 0, 2, 4, 1, 1}, below[] = {0, 1, -1, 2};
  recipe r = good_recipe();
  r.set[TRAIN_INDICES].values = above;
  expect_bad_recipe(&r, " train/indices[1, 1] is 4, expected 0 to 3 (shape[1] is 4)");
  r = good_recipe();
  r.set[TEST_INDICES].values = below;
  expect_bad_recipe(&r, " test/indices[1, 0] is -1, expected 0 to 2 (shape[0] is 3)");
  const uint64_t wrapped[] = {0, 0, 2, UINT64_MAX, 1, 1};
  r = good_recipe();
  r.set[TRAIN_INDICES].type = r.set[TRAIN_INDICES].memory = H5T_NATIVE_UINT64;
  r.set[TRAIN_INDICES].values = wrapped;
  expect_bad_recipe(&r, " train/indices[1, 1] is 9223372036854775807, expected 0 to 3");
}

Test(problem_file, with_a_value_that_is_not_finite_is_refused) {
  const double nan_last[] = {1, 2, NAN}, infinite[] = {-INFINITY, 2};
  recipe r = good_recipe();
  r.set[TRAIN_VALUES].values = nan_last;
  expect_bad_recipe(&r, " train/values[2] is not finite");
  r = good_recipe();
  r.set[TEST_VALUES].values = infinite;
  expect_bad_recipe(&r, " test/values[0] is not finite");
}

Test(problem_file, with_a_duplicate_is_refused_with_both_rows) {
  const int64_t twice[] = {2, 1, 0, 0, 2, 1};
  recipe r = good_recipe();
  r.set[TRAIN_INDICES].values = twice;
  expect_bad_recipe(&r, " train/indices: rows 0 and 2 are the same entry (2, 1)");
}

// A few bytes of file that claim terabytes: no memory is asked for.
Test(problem_file, that_claims_more_than_it_holds_is_refused) {
  recipe r = good_recipe();
  r.set[TRAIN_INDICES].dims[0] = (hsize_t)1 << 40;
  r.set[TRAIN_INDICES].packed = true;
  r.set[TRAIN_INDICES].values = NULL;
  int64_t peak = htf_memory_peak();
  expect_bad_recipe(&r,
                    " dataset train/indices claims 2.199e+12 numbers, more than a file");
  cr_assert(lt(i64, htf_memory_peak(), peak + (1 << 20)));
}

Test(problem_file, that_is_none_is_refused) {
  write_bytes("p.h5", "not HDF5 at all", 15);
  expect_bad(HTF_E_DATA, " not an HDF5 file");
  write_bytes("p.h5", "", 0);
  expect_bad(HTF_E_DATA, " not an HDF5 file");
  write_bytes("p.txt", "1 1 1\n", 6);
  expect_bad(HTF_E_DATA, " a problem file's name ends in .h5, .hdf5 or .tns");
  name_file("none.h5");
  expect_bad(HTF_E_IO, " No such file or directory");
  name_file("directory.h5");
  cr_assert(eq(int, mkdir(path, 0700), 0));
  expect_bad(HTF_E_IO, " is a directory");
  name_file("pipe.tns");
  cr_assert(eq(int, mkfifo(path, 0600), 0));
  expect_bad(HTF_E_IO, " not a regular file");
}

// HDF5 1.10 itself is not proof against changed bytes in its own structures (its CVEs
// tell), so the cuts are all that is tried here; changed numbers are tried above.
Test(problem_file, that_is_cut_short_is_refused) {
  recipe r = good_recipe();
  static char bytes[65536];
  r.set[TRAIN_INDICES].packed = true;
  make_file(&r);
  FILE *file = fopen(path, "rb");
  size_t count = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t size = 0; size < count; size += 97) {
    write_bytes("p.h5", bytes, size);
    expect_bad(HTF_E_DATA, " ");
  }
}

Test(problem_file, gives_back_all_when_memory_is_short) {
  recipe r = good_recipe();
  make_file(&r);
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
    cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
  }
}

Test(problem_file, of_the_fixtures_is_read) {
  static const char *const fixtures[] = {
      "/work/shared/fixtures/gd-order4/problem.h5",
      "/work/shared/fixtures/grouprmsprop-order4/problem.h5"};
  for (int i = 0; i < 2; i++) {
    if (access(fixtures[i], R_OK) != 0) {
      cr_skip("%s is not here", fixtures[i]);
    }
    snprintf(path, sizeof path, "%s", fixtures[i]);
    htf_file_data data = read_good();
    cr_assert(eq(int, data.shape.order, 4));
    cr_assert(eq(i64, data.train, 250));
    cr_assert(eq(i64, data.test, 100));
    htf_file_data_clear(&data);
  }
}

// ---- texts, digests, directories --------------------------------------------------------

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
