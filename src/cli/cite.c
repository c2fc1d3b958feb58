// SPDX-License-Identifier: BSD-3-Clause
// How to cite: htflow, and the paper whose theory it measures. README shows the same.
#include <stdio.h>

#include "cli_impl.h"
#include "htflow/version.h"

static const char software[] =
    "@software{htflow,\n"
    "  author  = {{The htflow authors}},\n"
    "  title   = {htflow: Gradient flow of hierarchical tensor factorizations, in sweeps over "
    "MPI},\n"
    "  version = {%s},\n"
    "  year    = {2026}\n"
    "}\n";

static const char paper[] =
    "@inproceedings{razin2022implicit,\n"
    "  author    = {Razin, Noam and Maman, Asaf and Cohen, Nadav},\n"
    "  title     = {Implicit Regularization in Hierarchical Tensor Factorization and Deep\n"
    "               Convolutional Neural Networks},\n"
    "  booktitle = {Proceedings of the 39th International Conference on Machine Learning},\n"
    "  series    = {Proceedings of Machine Learning Research},\n"
    "  volume    = {162},\n"
    "  publisher = {PMLR},\n"
    "  year      = {2022},\n"
    "  note      = {arXiv:2201.11729}\n"
    "}\n";

void htf_cli__print_citation(void) {
  printf("If you publish what you found with htflow, please cite it, and the paper whose "
         "theory\nit measures:\n\n");
  printf(software, htf_version());
  printf(
      "\n%s\nThe commit, which htflow version prints and every results file carries, says "
      "which\nhtflow it was.\n",
      paper);
}
