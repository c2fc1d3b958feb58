// SPDX-License-Identifier: BSD-3-Clause
// weights_impl.h: the weights of a class of a results file, run by run.
#pragma once

#include "htflow/files.h"
#include "reader_impl.h"

// Reads weights out of an open file; of a results file those of a run.
typedef htf_status htf_weights__read(const htf_reader__file *file, int64_t run,
                                     htf_file_weights *weights);
// Does so in a process of its own. Raises what htf_file_read_weights does.
htf_status htf_weights__read_guarded(const char *path, htf_weights__read *read, int64_t run,
                                     htf_file_weights *weights);

// The kind of a model whose root is frozen: a matrix factorization where the tree has unary
// nodes, else CP.
htf_model_kind htf_weights__frozen(const htf_tree *tree);
// The tree of a text in a file; `where` is what messages call it. Raises HTF_E_DATA.
htf_status htf_weights__tree(const char *where, const char *newick, htf_tree **tree);
// The weights in row `row` of the group /weights/<class> that `group` is. Raises
// HTF_E_DATA.
htf_status htf_weights__class_row(const htf_reader__file *group, int64_t row,
                                  htf_file_weights *weights);
