// SPDX-License-Identifier: BSD-3-Clause
// Weights files, and the weights that runs of a results file kept.
#include "files_test.h"
#include "made_source.h"

TestSuite(weights, .init = begin, .fini = end);

// A model and weights that tell where they stand.
typedef struct made {
  htf_model *model;
  double *theta;
  int64_t count;
} made;

static made make_model(htf_model_kind kind, const char *newick, const int64_t *shape) {
  made m = {.theta = NULL};
  htf_tree *tree = NULL;
  cr_assert(eq(int, htf_tree_read(newick, &tree), HTF_OK), "%s", htf_error_message());
  cr_assert(eq(int, htf_model_create(kind, tree, shape, &m.model), HTF_OK));
  m.count = htf_model_parameters(m.model);
  m.theta = htf_memory_get((size_t)m.count, sizeof *m.theta);
  for (int64_t i = 0; i < m.count; i++) {
    m.theta[i] = 0.5 + (double)i;
  }
  htf_tree_destroy(&tree);
  return m;
}

static void drop(made *m) {
  htf_model_destroy(&m->model);
  HTF_FREE(m->theta);
}

static void write_good(const made *m) {
  name_file("w.h5");
  htf_status status = htf_file_write_weights(path, m->model, m->theta);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
}

static void expect_same(const made *m, const char *newick, int order) {
  htf_file_weights w;
  htf_status status = htf_file_read_weights(path, &w);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  cr_assert(eq(str, w.tree, (char *)newick));
  cr_assert(eq(int, (int)w.kind, (int)htf_model_get_kind(m->model)));
  cr_assert(eq(int, w.shape.order, order));
  cr_assert(eq(int, memcmp(w.shape.size, htf_model_shape(m->model), (size_t)order * 8), 0));
  cr_assert(eq(i64, w.count, m->count));
  cr_assert(eq(int, memcmp(w.theta, m->theta, (size_t)m->count * 8), 0));
  htf_file_weights_clear(&w);
}

static void expect_bad_weights(const char *words) {
  htf_file_weights w;
  char text[512];
  int64_t blocks = htf_memory_blocks();
  snprintf(text, sizeof text, "%s:%s", path, words);
  htf_status status = htf_file_read_weights(path, &w);
  cr_assert(eq(int, status, HTF_E_DATA), "%s", htf_error_message());
  cr_assert(eq(int, strncmp(htf_error_message(), text, strlen(text)), 0),
            "\"%s\" should begin with \"%s\"", htf_error_message(), text);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

static const char tree_text[] = "((0,2)2,1)3;";
static const int64_t sizes[] = {4, 2, 5};

static void write_tree(void) {
  made m = make_model(HTF_MODEL_HTF, tree_text, sizes);
  write_good(&m);
  drop(&m);
}

Test(weights, are_read_as_they_were_written) {
  static const struct {
    htf_model_kind kind;
    const char *tree;
    int order;
  } models[] = {{HTF_MODEL_HTF, tree_text, 3},
                {HTF_MODEL_HTF, "(0,1,2)3;", 3},
                {HTF_MODEL_CP, "(0,1,2)3;", 3},
                {HTF_MODEL_MF, "((((0)3)3)3,1)3;", 2}};
  int64_t blocks = htf_memory_blocks();
  for (int i = 0; i < 4; i++) {
    made m = make_model(models[i].kind, models[i].tree, sizes);
    write_good(&m);
    expect_same(&m, models[i].tree, models[i].order);
    drop(&m);
  }
  cr_assert(eq(int, count_names(scratch), 1));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

// ---- damage -----------------------------------------------------------------------------

static void put_attribute(const char *name, const char *text) {
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  H5Adelete(file, name);
  if (text != NULL) {
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(text));
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, text);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
  }
  H5Fclose(file);
}

// A matrix in another's place; without rows none.
static void put_matrix(const char *name, hid_t type, hsize_t rows, hsize_t cols,
                       double last) {
  double values[64] = {0};
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  if (H5Lexists(file, name, H5P_DEFAULT) > 0) {
    H5Ldelete(file, name, H5P_DEFAULT);
  }
  if (rows > 0) {
    values[rows * cols - 1] = last;
    hid_t space = H5Screate_simple(2, (hsize_t[]){rows, cols}, NULL);
    hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(id);
    H5Sclose(space);
  }
  H5Fclose(file);
}

static void expect_bad_attribute(const char *name, const char *text, const char *words) {
  write_tree();
  put_attribute(name, text);
  expect_bad_weights(words);
}

static void expect_bad_matrix(const char *name, hid_t type, hsize_t rows, hsize_t cols,
                              double last, const char *words) {
  write_tree();
  put_matrix(name, type, rows, cols, last);
  expect_bad_weights(words);
}

Test(weights, of_another_kind_or_tree_are_refused) {
  expect_bad_attribute("kind", NULL, " root attribute kind is missing");
  expect_bad_attribute("kind", "problem",
                       " root attribute kind is \"problem\", expected \"weights\"");
  expect_bad_attribute("tree", NULL, " root attribute tree is missing");
  expect_bad_attribute("tree", "((0,2)2,1", " root attribute tree: column 10: ");
  expect_bad_attribute("tree", "((0,2)2,2)3;", " root attribute tree: ");
  expect_bad_attribute("tree", "((0,2),1)3;", " root attribute tree: ");
}

Test(weights, with_another_tree_than_their_matrices_are_refused) {
  expect_bad_attribute(
      "tree", "((0,2)2,1)4;",
      " dataset weights/0_2 is 2 x 3, expected 2 x 4 by the tree's widths");
  expect_bad_attribute("tree", "((0,1)2,2)3;", " dataset weights/0_1_2 is missing");
}

Test(weights, with_a_bad_matrix_are_refused) {
  hid_t d = H5T_IEEE_F64LE;
  expect_bad_matrix("weights/2", d, 0, 0, 0, " dataset weights/2 is missing");
  expect_bad_matrix("weights/0_2", d, 0, 0, 0, " dataset weights/0_2 is missing");
  expect_bad_matrix("weights/0_2_1", d, 0, 0, 0, " dataset weights/0_2_1 is missing");
  expect_bad_matrix("weights/0_2_1", d, 3, 2, 0,
                    " dataset weights/0_2_1 is 3 x 2, expected 3 x 1 by the tree's widths");
  expect_bad_matrix("weights/0", d, 4, 3, 0,
                    " dataset weights/0 is 4 x 3, expected 4 x 2 by the tree's widths");
  expect_bad_matrix("weights/0", H5T_STD_I64LE, 4, 2, 0,
                    " dataset weights/0: integers, expected floating-point numbers");
  expect_bad_matrix("weights/1", d, 2, 3, NAN, " weights/1[1, 2] is not finite");
  expect_bad_matrix("weights/0_1", d, 2, 3, 0,
                    " dataset weights/0_1 is of no node of the tree");
}

Test(weights, that_are_no_file_are_refused) {
  htf_file_weights w;
  name_file("none.h5");
  cr_assert(eq(int, htf_file_read_weights(path, &w), HTF_E_IO));
  write_bytes("w.h5", "no HDF5", 7);
  expect_bad_weights(" not an HDF5 file");
}

// A wide tree over few bytes asks for no memory.
Test(weights, that_claim_more_than_they_hold_are_refused) {
  write_tree();
  put_attribute("tree", "((0,2)1000000,1)1000000;");
  int64_t peak = htf_memory_peak();
  expect_bad_weights(" dataset weights/0 is 4 x 2, expected 4 x 1000000");
  cr_assert(lt(i64, htf_memory_peak(), peak + (1 << 20)));
}

Test(weights, give_back_all_when_memory_is_short) {
  made m = make_model(HTF_MODEL_HTF, tree_text, sizes);
  int64_t blocks = htf_memory_blocks();
  htf_status status = HTF_E_MEMORY;
  name_file("w.h5");
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_file_weights w = {.theta = NULL};
    htf_memory_fail_at(nth);
    status = htf_file_write_weights(path, m.model, m.theta);
    status = status == HTF_OK ? htf_file_read_weights(path, &w) : status;
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
    htf_file_weights_clear(&w);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
    cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
  }
  drop(&m);
}

Test(weights, of_the_fixtures_are_read) {
  static const char *const fixtures[] = {
      "/work/shared/fixtures/gd-order4/weights.h5",
      "/work/shared/fixtures/grouprmsprop-order4/weights.h5"};
  for (int i = 0; i < 2; i++) {
    htf_file_weights w;
    if (access(fixtures[i], R_OK) != 0) {
      cr_skip("%s is not here", fixtures[i]);
    }
    htf_status status = htf_file_read_weights(fixtures[i], &w);
    cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
    cr_assert(eq(int, w.shape.order, 4));
    cr_assert(eq(int, (int)w.kind, HTF_MODEL_HTF));
    htf_file_weights_clear(&w);
  }
}

// ---- of runs ----------------------------------------------------------------------------

static made_source write_runs(int64_t runs) {
  made_source source;
  htf_digest checksum;
  make_source(runs, 5, &source);
  source.source.which_weights = "final";
  name_file("results.h5");
  cr_assert(eq(int, htf_results_write(path, &source.source, &checksum), HTF_OK));
  return source;
}

Test(weights, of_a_run_are_those_of_its_record) {
  made_source source = write_runs(40);
  int64_t blocks = htf_memory_blocks();
  int kept = 0;
  for (int64_t run = 0; run < 40; run++) {
    htf_file_weights w;
    htf_record record;
    htf_shape shape;
    htf_record_init(&record);
    made_record(&source, run, &record);
    made_shape(&source, run, &shape);
    htf_status status = htf_file_read_run_weights(path, run, &w);
    if (record.weight_count > 0) {
      cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
      cr_assert(eq(str, w.tree, record.tree));
      cr_assert(eq(int, (int)w.kind, run % 2 ? HTF_MODEL_CP : HTF_MODEL_HTF));
      cr_assert(eq(int, memcmp(&w.shape, &shape, sizeof shape), 0));
      cr_assert(eq(i64, w.count, record.weight_count));
      cr_assert(eq(int, memcmp(w.theta, record.weights, (size_t)w.count * 8), 0));
      kept++;
    } else {
      cr_assert(eq(int, status, HTF_E_DATA));
      cr_assert(not(zero(ptr, strstr(htf_error_message(), "kept no weights"))));
    }
    htf_file_weights_clear(&w);
    htf_record_clear(&record);
  }
  cr_assert(lt(int, 10, kept));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

// A deep matrix factorization whose weights are those of `made`.
static htf_status chain_record(void *context, int64_t run, htf_record *record) {
  htf_status status = HTF_OK;
  const made *m = context;
  record->identity = identity_of(run);
  record->state = HTF_RUN_DONE;
  record->stop_reason = HTF_STOP_LOSS;
  HTF_TRY(htf_tree_newick(htf_model_tree(m->model), record->tree, sizeof record->tree));
  record->weight_count = m->count;
  HTF_NEW(record->weights, m->count);
  memcpy(record->weights, m->theta, (size_t)m->count * sizeof *m->theta);
done:
  return status;
}

static htf_status chain_shape(void *context, int64_t run, htf_shape *shape) {
  (void)context;
  (void)run;
  *shape = (htf_shape){2, {4, 2}};
  return HTF_OK;
}

Test(weights, of_a_matrix_factorizations_run_are_those_of_its_record) {
  made m = make_model(HTF_MODEL_MF, "((((0)3)3)3,1)3;", sizes);
  htf_results_source source = {.runs = 1,
                               .identity = made_identity,
                               .record = chain_record,
                               .shape = chain_shape,
                               .context = &m};
  htf_file_weights w;
  htf_digest checksum;
  name_file("results.h5");
  htf_status status = htf_results_write(path, &source, &checksum);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  status = htf_file_read_run_weights(path, 0, &w);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  cr_assert(eq(int, (int)w.kind, HTF_MODEL_MF));
  cr_assert(eq(i64, w.count, m.count));
  cr_assert(eq(int, memcmp(w.theta, m.theta, (size_t)m.count * 8), 0));
  htf_file_weights_clear(&w);
  drop(&m);
}

Test(weights, of_a_results_file_say_which_they_are) {
  char *text = NULL;
  write_runs(8);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  hid_t attribute = H5Aopen_by_name(file, "/weights", "which", H5P_DEFAULT, H5P_DEFAULT);
  hid_t type = H5Aget_type(attribute);
  cr_assert(ge(int, H5Aread(attribute, type, &text), 0));
  cr_assert(eq(str, text, "final"));
  H5free_memory(text);
  H5Tclose(type);
  H5Aclose(attribute);
  H5Fclose(file);
}

Test(weights, of_a_file_without_runs_are_refused) {
  htf_file_weights w;
  write_tree();
  cr_assert(eq(int, htf_file_read_run_weights(path, 0, &w), HTF_E_DATA));
}
