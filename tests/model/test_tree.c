// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"
#include "model/random_tree.h"
#include "model/tree_check.h"

static htf_tree *parse(const char *text, int width) {
  htf_tree *tree = NULL;
  htf_status status = htf_tree_parse(text, width, &tree);
  cr_assert(eq(int, status, HTF_OK), "%s: %s", text, htf_error_message());
  return tree;
}

static const char *name_of(const htf_tree *tree, int node) {
  static char text[HTF_TREE_TEXT];
  cr_assert(eq(int, htf_tree_node_name(tree, node, text, sizeof text), HTF_OK));
  return text;
}

Test(tree, numbers_children_before_parents_as_written) {
  htf_tree *tree = parse("((0,1)16,(2,3)5)8;", 0);
  cr_assert(eq(int, htf_tree_order(tree), 4));
  cr_assert(eq(int, htf_tree_nodes(tree), 7));
  cr_assert(eq(int, htf_tree_root(tree), 6));
  cr_assert(eq(int, htf_tree_depth(tree), 2));
  cr_assert(eq(int, htf_tree_width(tree, 2), 16));
  cr_assert(eq(int, htf_tree_width(tree, 5), 5));
  cr_assert(eq(int, htf_tree_width(tree, 6), 8));
  cr_assert(eq(int, htf_tree_child(tree, 6, 1), 5));
  cr_assert(eq(int, htf_tree_leaf(tree, 3), 4));
  check_tree(tree);
  htf_tree_destroy(&tree);
  cr_assert(eq(ptr, tree, NULL));
  htf_tree_destroy(&tree);
}

Test(tree, names_nodes_by_their_modes_in_tree_order) {
  htf_tree *tree = parse("((0,4)2,((6,2)3,5)4,(3,1)1)7", 0);
  cr_assert(eq(str, (char *)name_of(tree, 0), "0"));
  cr_assert(eq(str, (char *)name_of(tree, 2), "0_4"));
  cr_assert(eq(str, (char *)name_of(tree, 7), "6_2_5"));
  cr_assert(eq(str, (char *)name_of(tree, htf_tree_root(tree)), "0_4_6_2_5_3_1"));
  cr_assert(eq(int, htf_tree_depth(tree), 3));
  check_tree(tree);
  htf_tree_destroy(&tree);
}

Test(tree, blanks_and_the_final_semicolon_do_not_matter) {
  htf_tree *tree = parse(" ( ( 0 ,\t1 ) 16,\n(2,3)\r\n5 ) 8 ; ", 0);
  cr_assert(eq(str, (char *)newick_of(tree), "((0,1)16,(2,3)5)8;"));
  htf_tree_destroy(&tree);
  tree = parse("(1,0)3", 0);
  cr_assert(eq(str, (char *)newick_of(tree), "(1,0)3;"));
  htf_tree_destroy(&tree);
}

Test(tree, unlabelled_nodes_get_the_default_width) {
  htf_tree *tree = parse("((0,1),(2,3)5)", 9);
  cr_assert(eq(str, (char *)newick_of(tree), "((0,1)9,(2,3)5)9;"));
  htf_tree_destroy(&tree);
}

Test(tree, any_tree_is_written_as_it_was_read) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  for (int trial = 0; trial < 300; trial++) {
    char text[HTF_TREE_TEXT];
    int order = 2 + (int)htf_random_index(&stream, HTF_TREE_MAX_ORDER - 1);
    random_newick(&stream, order, HTF_TREE_MAX_WIDTH, text);
    htf_tree *tree = parse(text, 0);
    check_tree(tree);
    cr_assert(eq(str, (char *)newick_of(tree), text));
    htf_tree_destroy(&tree);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// The deepest tree of all: ((((0,1),2),3) ..., 63 levels, all widths at their longest.
static htf_tree *caterpillar(void) {
  char text[HTF_TREE_TEXT];
  memset(text, '(', HTF_TREE_MAX_ORDER - 1);
  size_t used = HTF_TREE_MAX_ORDER - 1;
  used += (size_t)sprintf(text + used, "0");
  for (int n = 1; n < HTF_TREE_MAX_ORDER; n++) {
    used += (size_t)sprintf(text + used, ",%d)%d", n, HTF_TREE_MAX_WIDTH);
  }
  return parse(text, 0);
}

Test(tree, the_deepest_tree_is_read_and_fits_the_text) {
  htf_tree *tree = caterpillar();
  cr_assert(eq(int, htf_tree_depth(tree), HTF_TREE_MAX_ORDER - 1));
  cr_assert(eq(int, htf_tree_nodes(tree), 2 * HTF_TREE_MAX_ORDER - 1));
  check_tree(tree);
  cr_assert(strlen(newick_of(tree)) < HTF_TREE_TEXT);
  htf_tree_destroy(&tree);
}

Test(tree, writes_no_byte_beyond_the_size_given) {
  htf_tree *tree = parse("((0,1)16,(2,3)5)8;", 0);
  for (size_t size = 0; size <= 24; size++) {
    char *text = malloc(size + 1);
    text[size] = '#';
    bool fits = size > strlen("((0,1)16,(2,3)5)8;");
    htf_status status = htf_tree_newick(tree, text, size);
    cr_assert(eq(int, status, fits ? HTF_OK : HTF_E_CONFIG));
    cr_assert(text[size] == '#');
    fits = size > strlen("0_1_2_3");
    status = htf_tree_node_name(tree, 6, text, size);
    cr_assert(eq(int, status, fits ? HTF_OK : HTF_E_CONFIG));
    cr_assert(text[size] == '#');
    free(text);
  }
  htf_tree_destroy(&tree);
}

Test(tree, a_copy_outlives_its_original) {
  htf_tree *tree = parse("((0,4)2,((6,2)3,5)4,(3,1)1)7;", 0), *copy;
  cr_assert(eq(int, htf_tree_copy(tree, &copy), HTF_OK));
  htf_tree_destroy(&tree);
  check_tree(copy);
  cr_assert(eq(str, (char *)newick_of(copy), "((0,4)2,((6,2)3,5)4,(3,1)1)7;"));
  htf_tree_destroy(&copy);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(tree, tells_the_column_and_what_was_expected_there) {
  static const struct {
    const char *text;
    int width;
    const char *message;
  } cases[] = {
      {"", 1, "column 1: expected '('"},
      {"  0", 1, "column 3: expected '('"},
      {"(", 1, "column 2: expected a mode or '('"},
      {"(,1)", 1, "column 2: expected a mode or '('"},
      {"(0,)", 1, "column 4: expected a mode or '('"},
      {"()", 1, "column 2: expected a mode or '('"},
      {"(-1,0)", 1, "column 2: expected a mode or '('"},
      {"((0,1)2 (2,3))", 1, "column 9: expected ',' or ')'"},
      {"((0,1 2),3)", 1, "column 7: expected ',' or ')'"},
      {"(0,1", 1, "column 5: expected ',' or ')'"},
      {"(0,1:2)", 1, "column 5: expected ',' or ')'"},
      {"(0)", 1, "column 3: expected ',': a node has two children or more"},
      {"((0,1))", 1, "column 7: expected ',': a node has two children or more"},
      {"(0,1);x", 1, "column 7: expected the end"},
      {"(0,1);;", 1, "column 7: expected the end"},
      {"(0,1)x", 1, "column 6: expected ';' or the end"},
      {"(0,1),2", 1, "column 6: expected ';' or the end"},
      {"(0,1))", 1, "column 6: expected ';' or the end"},
      {"((0,1),2)3", 0, "column 7: expected the node's width"},
      {"(0,1)0", 1, "column 6: a width must be 1 .. 1048576"},
      {"(0,1)1048577", 1, "column 6: a width must be 1 .. 1048576"},
      {"(0,1)99999999999999999999", 1, "column 6: a width must be 1 .. 1048576"},
      {"(0,1)-3", 1, "column 6: expected ';' or the end"},
      {"(0,1)1.5", 1, "column 7: expected ';' or the end"},
      {"(0,64)", 1, "column 4: the mode is above 63: a tree has at most 64 modes"},
      {"(0,4294967297)", 1, "column 4: the mode is above 63: a tree has at most 64 modes"},
      {"(0,(2,0))", 1, "column 7: mode 0 stands already in column 2"},
      {"((0,3),1)", 1,
       "column 5: mode 3 in a tree of 3 modes, which are 0 .. 2; mode 2 is missing"},
      {"(1,2)", 1,
       "column 4: mode 2 in a tree of 2 modes, which are 0 .. 1; mode 0 is missing"},
      {"(0,1)", -1, "width -1 must be 1 .. 1048576"},
      {"(0,1)", 1048577, "width 1048577 must be 1 .. 1048576"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    htf_tree *tree = NULL;
    htf_status status = htf_tree_parse(cases[i].text, cases[i].width, &tree);
    cr_assert(eq(int, status, HTF_E_CONFIG), "%s", cases[i].text);
    cr_assert(eq(str, (char *)htf_error_message(), (char *)cases[i].message), "%s",
              cases[i].text);
    cr_assert(eq(ptr, tree, NULL));
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(tree, absurd_depth_and_length_end_in_a_message) {
  enum { LENGTH = 1 << 20 };
  char *text = malloc(LENGTH + 1);
  htf_tree *tree = NULL;
  text[LENGTH] = '\0';
  memset(text, '(', LENGTH);
  cr_assert(eq(int, htf_tree_parse(text, 1, &tree), HTF_E_CONFIG));
  cr_assert(eq(str, (char *)htf_error_message(),
               "column 64: a tree has at most 63 interior nodes"));
  memset(text + 1, '9', LENGTH - 1);
  cr_assert(eq(int, htf_tree_parse(text, 1, &tree), HTF_E_CONFIG));
  memset(text, ' ', LENGTH);
  cr_assert(eq(int, htf_tree_parse(text, 1, &tree), HTF_E_CONFIG));
  cr_assert(eq(str, (char *)htf_error_message(), "column 1048577: expected '('"));
  memset(text, 'a', LENGTH);
  cr_assert(eq(int, htf_tree_from_label(text, 4, 1, &tree), HTF_E_CONFIG));
  free(text);
}

// ---- garbage --------------------------------------------------------------------------

// Reads a text that may be anything; what is accepted must be a sound tree, what is refused
// must say why.
static int try_garbage(const char *text, int order) {
  htf_tree *tree = NULL;
  htf_error_clear();
  htf_status status = htf_tree_from_label(text, order, 7, &tree);
  if (status == HTF_OK) {
    check_tree(tree);
    cr_assert(eq(int, htf_tree_order(tree), order));
  } else {
    cr_assert(eq(int, status, HTF_E_CONFIG));
    cr_assert(strlen(htf_error_message()) > 0);
    cr_assert(eq(ptr, tree, NULL));
  }
  htf_tree_destroy(&tree);
  htf_tree_parse(text, 7, &tree);
  htf_tree_destroy(&tree);
  if (htf_tree_read(text, &tree) == HTF_OK) {
    check_tree(tree);
    newick_of(tree);
  }
  htf_tree_destroy(&tree);
  return status == HTF_OK;
}

static char random_letter(htf_random *stream) {
  static const char likely[] = "(((())),,,;0123456789 \tbinaryfltdephsqu-+.:'";
  int64_t any = htf_random_index(stream, 8);
  return any == 0 ? (char)(1 + htf_random_index(stream, 255))
                  : likely[htf_random_index(stream, sizeof likely - 1)];
}

Test(tree, random_bytes_never_break_the_parser) {
  htf_random stream = htf_random_open(2, HTF_RANDOM_TEST, 0);
  for (int trial = 0; trial < 10000; trial++) {
    int64_t length = htf_random_index(&stream, 60);
    char *text = malloc((size_t)length + 1);
    for (int64_t i = 0; i < length; i++) {
      text[i] = random_letter(&stream);
    }
    if (length > 0 && trial % 2 == 0) {
      text[0] = '(';
    }
    text[length] = '\0';
    try_garbage(text, 2 + (int)htf_random_index(&stream, 8));
    free(text);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// Deletes, replaces or doubles one byte.
static void mutate(htf_random *stream, char *text) {
  size_t length = strlen(text);
  size_t at = (size_t)htf_random_index(stream, (int64_t)length);
  switch (htf_random_index(stream, 3)) {
  case 0:
    memmove(text + at, text + at + 1, length - at);
    break;
  case 1:
    text[at] = random_letter(stream);
    break;
  default:
    memmove(text + at + 1, text + at, length - at + 1);
  }
}

Test(tree, mutated_texts_never_break_the_parser) {
  static const char *const labels[] = {"binary", "flat", "arity 4 half", "depth 2 square"};
  htf_random stream = htf_random_open(3, HTF_RANDOM_TEST, 0);
  int accepted = 0;
  for (int trial = 0; trial < 10000; trial++) {
    char text[HTF_TREE_TEXT + 8], *exact;
    int order = 2 + (int)htf_random_index(&stream, 15);
    int64_t mutations = 1 + htf_random_index(&stream, 4);
    random_newick(&stream, order, 100, text);
    if (trial % 4 == 0) {
      strcpy(text, labels[trial / 4 % 4]);
    }
    for (int64_t i = 0; i < mutations; i++) {
      mutate(&stream, text);
    }
    exact = strdup(text); // so that reading past the end is seen by the sanitizer
    accepted += try_garbage(exact, order);
    free(exact);
  }
  cr_assert(accepted > 100 && accepted < 9000, "%d", accepted);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// ---- memory ---------------------------------------------------------------------------

static htf_status make_all(void) {
  htf_tree *read = NULL, *built = NULL, *copy = NULL;
  htf_status status = htf_tree_parse("((0,1)16,(2,3)16)8;", 0, &read);
  if (status == HTF_OK) {
    status = htf_tree_from_label("depth 2 half", 8, 5, &built);
  }
  if (status == HTF_OK) {
    status = htf_tree_copy(built, &copy);
  }
  htf_tree_destroy(&read);
  htf_tree_destroy(&built);
  htf_tree_destroy(&copy);
  return status;
}

Test(tree, running_out_of_memory_anywhere_leaks_nothing) {
  int failures = 0;
  htf_status status;
  do {
    htf_memory_fail_at(failures + 1);
    status = make_all();
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    cr_assert(eq(i64, htf_memory_blocks(), 0));
    failures += status != HTF_OK;
  } while (status != HTF_OK);
  cr_assert(eq(int, failures, 3));
}
