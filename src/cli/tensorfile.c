// SPDX-License-Identifier: BSD-3-Clause
// Files that hold a tensor, whole or as factors, and options that speak of its modes.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/memory.h"
#include "tensor_impl.h"

// ---- files ------------------------------------------------------------------------------

htf_status htf_cli__tensor_of_weights(htf_cli_tensor *t) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_TRY(htf_tree_read(t->weights.tree, &tree));
  HTF_TRY(htf_model_create(t->weights.kind, tree, t->weights.shape.size, &t->model));
  t->shape = t->weights.shape;
  t->theta = t->weights.theta;
  t->scale = 1;
done:
  htf_tree_destroy(&tree);
  return status;
}

htf_status htf_cli__tensor_open(const char *path, const char *run, htf_cli_tensor *t) {
  htf_status status = HTF_OK;
  htf_tensor_source source;
  double number = -1;
  memset(t, 0, sizeof *t);
  HTF_TRY(htf_tensor_find_source(path, &source));
  if (run != NULL) {
    HTF_TRY(htf_cli__number("run", run, 0, 1e15, &number));
  }
  HTF_CHECK(number == (double)(int64_t)number, HTF_E_USAGE,
            "--run %s: wants a whole number", run);
  HTF_CHECK((source == HTF_TENSOR_RESULTS) == (run != NULL), HTF_E_USAGE,
            run != NULL ? "%s is no results file: --run says nothing of it"
                        : "%s is a results file: --run R says whose weights",
            path);
  if (source == HTF_TENSOR_DENSE) {
    HTF_TRY(htf_tensor_open(path, &t->dense));
    t->shape = *htf_tensor_shape(t->dense);
  } else {
    HTF_TRY(run == NULL ? htf_file_read_weights(path, &t->weights)
                        : htf_file_read_run_weights(path, (int64_t)number, &t->weights));
    HTF_TRY(htf_cli__tensor_of_weights(t));
  }
done:
  return status;
}

void htf_cli__tensor_close(htf_cli_tensor *t) {
  htf_tensor_close(&t->dense);
  htf_entries_destroy(&t->entries);
  htf_model_destroy(&t->model);
  htf_file_weights_clear(&t->weights);
}

htf_status htf_cli__tensor_entries(htf_cli_tensor *t, htf_grid_tensor *source) {
  htf_status status = HTF_OK;
  *source = (htf_grid_tensor){.order = t->shape.order,
                              .shape = t->shape.size,
                              .read = htf_tensor_read,
                              .context = t->dense};
  if (t->model != NULL) {
    HTF_TRY(htf_entries_create(t->model, t->theta, t->scale, &t->entries));
    source->read = htf_entries_read;
    source->context = t->entries;
  }
done:
  return status;
}

// ---- options ----------------------------------------------------------------------------

// A mapping as the sweep file has it, "{arity: 4, pattern: half}", as words.
static void as_words(const char *text, char *words, size_t size) {
  size_t used = 0;
  bool map = text[strspn(text, " ")] == '{';
  for (; *text != '\0' && used + 1 < size; text++) {
    if (map && strncmp(text, "pattern", strlen("pattern")) == 0) {
      text += strlen("pattern") - 1;
    } else if (map && strchr("{}:, ", *text) != NULL) {
      if (used > 0 && words[used - 1] != ' ') {
        words[used++] = ' ';
      }
    } else {
      words[used++] = *text;
    }
  }
  while (map && used > 0 && words[used - 1] == ' ') {
    used--;
  }
  words[used] = '\0';
}

htf_status htf_cli__tree(const char *text, int order, htf_tree **tree) {
  htf_status status = HTF_OK;
  char words[HTF_TREE_TEXT], message[1024];
  as_words(text, words, sizeof words);
  status = htf_tree_from_label(words, order, 1, tree);
  snprintf(message, sizeof message, "%s", htf_error_message());
  HTF_CHECK(status != HTF_E_CONFIG, HTF_E_USAGE, "--tree \"%s\": %s", text, message);
done:
  return status;
}

htf_status htf_cli__modes(const char *text, int order, int *modes, int *count) {
  htf_status status = HTF_OK;
  const char *at = text;
  *count = 0;
  do {
    char *end;
    long mode = strtol(at, &end, 10);
    bool good =
        isdigit((unsigned char)*at) && mode < order && (*end == ',' || *end == '\0');
    for (int i = 0; good && i < *count; i++) {
      good = modes[i] != (int)mode;
    }
    HTF_CHECK(good && *count + 1 < order, HTF_E_USAGE,
              "--modes %s: wants some, not all, of the modes 0 to %d, like 0,2", text,
              order - 1);
    modes[(*count)++] = (int)mode;
    at = *end == ',' ? end + 1 : end;
  } while (*at != '\0' || at[-1] == ',');
done:
  return status;
}

htf_status htf_cli__process_grid(const char *text, int *rows, int *cols) {
  htf_status status = HTF_OK;
  int used = 0;
  *rows = *cols = 0;
  bool good =
      strcmp(text, "auto") == 0 || (sscanf(text, "%6dx%6d%n", rows, cols, &used) == 2 &&
                                    text[used] == '\0' && *rows > 0 && *cols > 0);
  HTF_CHECK(good, HTF_E_USAGE, "--grid %s: wants ROWSxCOLS, like 2x3, or auto", text);
done:
  return status;
}
