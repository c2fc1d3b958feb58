// SPDX-License-Identifier: BSD-3-Clause
// htflow-sweep(5): the sweep file, from the table of its keys.
#include <string.h>

#include "manual_impl.h"
#include "roff_impl.h"

// ---- keys -------------------------------------------------------------------------------

static void put_key(const htf_roff *roff, const htf_field *field) {
  char remark[4 * HTF_MAX_TEXT];
  htf_plan_remark(field, remark, sizeof remark);
  fputs(".TP\n", roff->out);
  htf_roff__put(roff, 'B', field->key);
  fputs(" \\(em ", roff->out);
  if (field->type == HTF_FIELD_CHOICE) {
    fputs("a word", roff->out);
  } else {
    htf_roff__put(roff, 'R', htf_plan_wants(field));
  }
  fputs("; default ", roff->out);
  htf_roff__put(roff, 'B', field->initial[0] != '\0' ? field->initial : "\"\"");
  fputc('\n', roff->out);
  htf_roff__text(roff, remark);
}

// One subsection a section of the file; keys of the top stand first.
static void put_keys(const htf_roff *roff) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  char section[HTF_MAX_LABEL] = "";
  for (int i = 0; i < count; i++) {
    size_t top = strchr(field[i].key, '.') != NULL ? strcspn(field[i].key, ".") : 0;
    if (field[i].type == HTF_FIELD_DIGEST) {
      continue;
    }
    if (strncmp(section, field[i].key, top) != 0 || strlen(section) != top) {
      snprintf(section, sizeof section, "%.*s", (int)top, field[i].key);
      htf_roff__subsection(roff, section);
    }
    put_key(roff, &field[i]);
  }
}

// ---- prose ------------------------------------------------------------------------------

static void put_description(const htf_roff *roff) {
  htf_roff__section(roff, "DESCRIPTION");
  htf_roff__text(
      roff,
      "A sweep file is YAML 1.2, of which JSON is a part. It holds a base experiment, whose "
      "keys are listed below, and axes along which the experiment is varied. Every key has "
      "a default, so that an empty file is a sweep of one run. An unknown key, a wrong type, "
      "a value out of range or a combination that does not fit together is an error; "
      "`htflow plan` tells all of them at once, each with its line and column and the nearest "
      "valid name.");
  htf_roff__paragraph(
      roff,
      "A key may be written as it is listed, model.width: 8, or within its section, "
      "model: {width: 8}. A section that has a kind may be given by it alone, model: cp. "
      "record.descent.every is another spelling of record.every. Beside the keys the "
      "file may have:");
  htf_roff__item(roff, "name", "What the sweep is called; the title of its results.");
  htf_roff__item(roff, "axes", "A list of axes: see AXES.");
  htf_roff__item(roff, "where", "A condition, or a list of them: see CONDITIONS.");
  htf_roff__item(
      roff, "blocks",
      "Lists of axes, one after another: each is multiplied with `axes`, which are "
      "slower.");
}

static void put_axes(const htf_roff *roff) {
  int count;
  const htf_plan_form *form = htf_plan_forms(&count);
  htf_roff__section(roff, "AXES");
  htf_roff__text(
      roff,
      "An axis is a mapping with a `key`, as listed above or the name of a section, and "
      "one of the forms below. Axes multiply in the order written; the last is the "
      "fastest. Axes in a `zip` move together and are of one length. Numbers that are "
      "drawn come from the sweep's seed by a stream of their key's own, so that more "
      "draws keep the earlier ones. In results the axis of init.std is the variable "
      "init_std; that of `seeds` is seed.");
  for (int i = 0; i < count; i++) {
    char left[HTF_MAX_LABEL];
    snprintf(left, sizeof left, "%s: %s", form[i].name, form[i].argument);
    htf_roff__item(roff, left, form[i].help);
  }
  htf_roff__item(roff, "zip: [{key: .., ..}, ..]", "axes that move together");
}

static void put_conditions(const htf_roff *roff) {
  htf_roff__section(roff, "CONDITIONS");
  htf_roff__text(
      roff,
      "`where` drops the points that do not meet it; with a list of conditions, those that do "
      "not meet all of them. A condition compares with < <= > >= == != and in [..], and joins "
      "by and, or, not and brackets. Values are keys, numbers and words, and arithmetic on "
      "numbers: + - * / % **, abs, sqrt, log10, floor. Text that is not one word stands in "
      "quotes. The order of comparison may be chained: 0.01 <= init.std < 0.1. Points that "
      "are equal runs are run once, whatever axes led to them.");
}

static void put_trees(const htf_roff *roff) {
  htf_roff__section(roff, "MODE TREES");
  htf_roff__text(roff, "A mode tree, where a key wants one, is");
  htf_roff__item(roff, "binary", "pairs of neighbours, level by level");
  htf_roff__item(roff, "flat", "all modes below the root");
  htf_roff__item(
      roff, "{arity: a, pattern: p}",
      "levels of groups of a nodes. `adjacent`, which is the pattern where none is "
      "given, groups neighbours; `half` groups nodes that lie far apart, so that "
      "neighbours meet late; `square` takes the modes for the pixels of a square "
      "and groups blocks of them");
  htf_roff__item(roff, "{depth: d, pattern: p}",
                 "the tree of least arity that is d levels deep");
  htf_roff__item(roff, "\"((0,1)16,(2,3)16)8;\"",
                 "Newick: leaves are modes, from 0, in any order; the label of an interior "
                 "node is its width, for which model.width stands where it is missing");
}

static void put_files(const htf_roff *roff) {
  htf_roff__section(roff, "DATA FILES");
  htf_roff__text(
      roff,
      "problem.file names data instead of a planted target, from which shape and task "
      "follow. A FROSTT text (.tns) has a line an entry: indices from 1, and the value. "
      "An HDF5 file (.h5) has root attributes kind = \"problem\" and task, a dataset "
      "shape [N], and by its task train/indices [m, N] from 0 and train/values [m] "
      "(completion), train/inputs [m, N, D] and train/values (sensing), or tensor "
      "[D_1, .., D_N] (full); the same below test/ if there are held-out samples. "
      "init.file names a weights file, or a results file with init.run.");
}

static const char example[] = "name: scale-and-tree\n"
                              "seed: 1\n"
                              "problem:\n"
                              "  task: completion\n"
                              "  shape: [8, 8, 8, 8]\n"
                              "  samples: 1024\n"
                              "  target: {kind: htf, tree: binary, width: 2, norm: 64}\n"
                              "model: {tree: binary, width: 16}\n"
                              "init: {std: 0.1}\n"
                              "stop: {loss: 5e-5}\n"
                              "axes:\n"
                              "  - {key: init.std, log: [1e-3, 1e-1, 5]}\n"
                              "  - {key: model.tree, values: [binary, {arity: 4}, flat]}\n"
                              "  - {seeds: 8}\n"
                              "where: init.std < 0.05 or model.tree != flat\n";

htf_status htf_manual__write_sweep(FILE *out) {
  htf_roff roff = {out, NULL};
  htf_roff__title(&roff, "htflow-sweep", 5);
  htf_roff__section(&roff, "NAME");
  htf_roff__text(&roff, "htflow-sweep - the sweep file of htflow");
  htf_roff__section(&roff, "SYNOPSIS");
  htf_roff__request(&roff, ".B htflow plan\n.I SWEEP.yaml");
  put_description(&roff);
  htf_roff__section(&roff, "KEYS");
  put_keys(&roff);
  put_axes(&roff);
  put_conditions(&roff);
  put_trees(&roff);
  put_files(&roff);
  htf_roff__section(&roff, "EXAMPLES");
  htf_roff__text(&roff,
                 "Five scales, three trees and eight seeds, without the flat tree at "
                 "large scales:");
  htf_roff__verbatim(&roff, example);
  htf_roff__section(&roff, "SEE ALSO");
  htf_roff__request(&roff, ".BR htflow (1),\n.BR htflow\\-init (1),\n.BR htflow\\-plan "
                           "(1),\n.BR htflow\\-run (1),\n.BR htflow\\-results (5)");
  return HTF_OK;
}
