// SPDX-License-Identifier: BSD-3-Clause
// Problem files in HDF5.
#include "files_test.h"

TestSuite(problem_file, .init = begin, .fini = end);

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
  r.task = "matching";
  expect_bad_recipe(&r, " root attribute task is \"matching\", expected \"completion\", "
                        "\"sensing\" or \"full\"");
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
