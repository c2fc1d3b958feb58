// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "spec_helpers.h"

static void identity_text(const htf_spec *spec, char text[HTF_DIGEST_TEXT]) {
  htf_digest digest;
  cr_assert(eq(int, htf_spec_identity(spec, &digest), HTF_OK));
  htf_digest_text(&digest, text);
}

static void expect_in_series(htf_spec_series *series, const htf_spec *spec,
                             const char *what) {
  char alone[HTF_DIGEST_TEXT], text[HTF_DIGEST_TEXT];
  htf_digest digest;
  identity_text(spec, alone);
  cr_assert(eq(int, htf_spec_series_identity(series, spec, &digest), HTF_OK));
  htf_digest_text(&digest, text);
  cr_expect(eq(str, text, alone), "%s", what);
}

// Fingerprints tell what identities tell.
static bool same_run(const htf_spec *a, const htf_spec *b) {
  char one[HTF_DIGEST_TEXT], other[HTF_DIGEST_TEXT];
  htf_fingerprint x = htf_spec_fingerprint(a), y = htf_spec_fingerprint(b);
  identity_text(a, one);
  identity_text(b, other);
  bool same = strcmp(one, other) == 0;
  cr_expect(eq(int, memcmp(&x, &y, sizeof x) == 0, same), "%s %s", one, other);
  return same;
}

static int by_bytes(const void *a, const void *b) {
  return memcmp(a, b, sizeof(htf_fingerprint));
}

// Beside this spec the field matters.
static htf_spec where_it_matters(const htf_field *field) {
  const htf_field *by;
  const char *values;
  char first[HTF_MAX_LABEL];
  htf_spec spec = resolved();
  for (int i = 0; htf_spec_need(field, i, &by, &values); i++) {
    snprintf(first, sizeof first, "%.*s", (int)strcspn(values, "|"), values);
    cr_assert(eq(int, htf_spec_set(&spec, by, first), HTF_OK));
  }
  cr_assert(htf_spec_matters(&spec, field), "%s", field->key);
  return spec;
}

Test(identity, identity_changes_with_each_field_that_makes_the_run) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    const htf_spec base = where_it_matters(&field[i]);
    const char *value = other_value(&field[i]);
    if (field[i].type != HTF_FIELD_TREE && strcmp(value, field[i].initial) != 0) {
      htf_spec spec = base;
      cr_assert(eq(int, htf_spec_set(&spec, &field[i], value), HTF_OK));
      cr_expect(eq(int, same_run(&base, &spec), !field[i].identity), "%s", field[i].key);
    }
  }
  const htf_spec base = resolved();
  htf_spec spec = base;
  strcpy(spec.model.tree.newick, "((0,2)16,(1,3)16)16;");
  cr_expect(not(same_run(&base, &spec)));
  spec = base;
  strcpy(spec.problem.target_tree.newick, "((0,2)2,(1,3)2)2;");
  cr_expect(not(same_run(&base, &spec)));
}

Test(identity, identity_ignores_labels_paths_and_widths_that_the_tree_holds) {
  const htf_spec base = resolved();
  htf_spec spec = base;
  strcpy(spec.model.tree.label, "arity 2");
  strcpy(spec.problem.file, "/elsewhere/data.h5");
  spec.model.width = 3;
  spec.problem.target_width = 3;
  spec.model.depth = 5;
  strcpy(spec.init.file, "/elsewhere/weights.h5");
  cr_expect(same_run(&base, &spec));
}

Test(identity, identity_leaves_out_what_does_not_matter) {
  const struct {
    const char *key, *value, *with, *being;
  } cases[] = {
      {"flow.lr", "0.5", "flow.method", "bdf"},
      {"flow.rtol", "1e-3", "flow.method", "gd"},
      {"flow.table", "cash_karp", "flow.method", "adams"},
      {"init.std", "3", "init.kind", "file"},
      {"init.seed", "3", "init.kind", "identity"},
      {"loss.delta", "3", "loss.kind", "l1"},
      {"record.points", "3", "record.every", "10"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    htf_spec base = resolved();
    cr_assert(eq(int, set(&base, cases[i].with, cases[i].being), HTF_OK));
    htf_spec spec = base;
    cr_assert(eq(int, set(&spec, cases[i].key, cases[i].value), HTF_OK));
    cr_expect(not(htf_spec_matters(&spec, htf_spec_field(cases[i].key))));
    cr_expect(same_run(&base, &spec), "%s", cases[i].key);
  }
}

Test(identity, fingerprints_of_many_runs_differ) {
  enum { N = 20000 };
  static htf_fingerprint all[N];
  htf_spec spec = resolved();
  for (int i = 0; i < N; i++) {
    spec.init.seed = i % 100;
    spec.problem.seed = i / 100;
    all[i] = htf_spec_fingerprint(&spec);
  }
  qsort(all, N, sizeof *all, by_bytes);
  for (int i = 1; i < N; i++) {
    cr_assert(not(memcmp(&all[i - 1].word[0], &all[i].word[0], 8) == 0));
  }
}

Test(identity, identity_is_the_digest_of_lines_that_anyone_can_write) {
  char text[HTF_DIGEST_TEXT], wanted[HTF_DIGEST_TEXT];
  const char *lines = "htflow spec 2\n"
                      "problem.target.tree: ((0,1)2,(2,3)2)2;\n"
                      "model.tree: ((0,1)16,(2,3)16)16;\n"
                      "init.std: 0.01\n";
  htf_digest digest;
  htf_spec spec = resolved();
  cr_assert(eq(int, set(&spec, "init.std", "1e-2"), HTF_OK));
  identity_text(&spec, text);
  cr_assert(eq(int, htf_digest_of(lines, strlen(lines), &digest), HTF_OK));
  htf_digest_text(&digest, wanted);
  cr_expect(eq(str, text, wanted));
}

// Written by schema 2; results and journals hold it.
Test(identity, identity_of_a_run_of_defaults_stays_what_it_was) {
  char text[HTF_DIGEST_TEXT];
  htf_spec spec = resolved();
  identity_text(&spec, text);
  cr_expect(
      eq(str, text, "b0acd9d8b9fa74c368e6eeefbca686293b607749e14f1854ab67cd93f322cd18"));
}

// A series is one field after another to another value and back, each in a spec where it
// matters, and steps that change nothing.
Test(identity, identities_in_series_are_those_of_each_alone) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  htf_spec_series *series = NULL;
  cr_assert(eq(int, htf_spec_series_create(&series), HTF_OK));
  for (int i = 0; i < 4 * count; i++) {
    const htf_field *f = &field[i / 4];
    htf_spec spec = where_it_matters(f);
    if (i % 4 == 1 || i % 4 == 2) {
      cr_assert(eq(int, htf_spec_set(&spec, f, other_value(f)), HTF_OK));
      strcpy(spec.model.tree.newick, "((0,2)16,(1,3)16)16;");
      strcpy(spec.problem.target_tree.newick, "((0,1)2,(2,3)2)2;");
    }
    expect_in_series(series, &spec, f->key);
  }
  htf_spec spec = resolved();
  for (int i = 0; i < 6; i++) {
    spec.init.std = i % 2 == 0 ? 0.0 : -0.0;
    spec.init.mean = i % 3 == 0 ? 0.0 : -0.0;
    expect_in_series(series, &spec, "zeros");
  }
  htf_digest digest;
  spec.problem.samples = 0.5;
  cr_expect(eq(int, htf_spec_series_identity(series, &spec, &digest), HTF_E_INTERNAL));
  spec.problem.samples = 7;
  expect_in_series(series, &spec, "after an error");
  htf_spec_series_destroy(&series);
}

Test(identity, identity_wants_trees_and_counts_resolved) {
  htf_digest digest;
  htf_spec spec = resolved();
  spec.model.tree.newick[0] = '\0';
  cr_expect(eq(int, htf_spec_identity(&spec, &digest), HTF_E_INTERNAL));
  spec = resolved();
  spec.problem.target_tree.newick[0] = '\0';
  cr_expect(eq(int, htf_spec_identity(&spec, &digest), HTF_E_INTERNAL));
  memset(spec.problem.file_digest, 'a', HTF_DIGEST_TEXT - 1);
  cr_expect(eq(int, htf_spec_identity(&spec, &digest), HTF_OK), "a file has no target");
  spec.problem.samples = 0.5;
  cr_expect(eq(int, htf_spec_identity(&spec, &digest), HTF_E_INTERNAL));
}

Test(identity, nothing_is_left_on_the_heap) {
  int64_t blocks = htf_memory_blocks();
  htf_spec spec = resolved();
  same_run(&spec, &spec);
  cr_expect(eq(int, (int)(htf_memory_blocks() - blocks), 0));
}
