#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The paper's dynamics figure: matrix, tensor and hierarchical tensor factorization, each by
# the paper's descent and by exact flow.
#   jobs/paper.sh [small|full] [RANKS]
# small (the default) is a minute's variant of the same; full is the paper's size. Needs the
# program built (jobs/quickstart.sh builds it). Results and figure: build/paper-<size>/.
set -euo pipefail
cd "$(dirname "$0")/.."
size=${1:-small} ranks=${2:-2}
program=${HTF_BUILD:-build}/bin/htflow
out=${HTF_BUILD:-build}/paper-$size
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export PYTHONPATH=$PWD/analysis PYTHONDONTWRITEBYTECODE=1

tensor=(--set 'problem.shape=[8, 8, 8, 8]' --set problem.samples=1024 --set problem.test=1024
        --set problem.target.width=3 --set model.width=16 --set init.std=0.03)
matrix=(--set 'problem.shape=[24, 24]' --set problem.samples=288 --set problem.test=288
        --set problem.target.width=3 --set problem.target.norm=24 --set model.width=24)
case $size in
  small) ;;
  full) tensor=() matrix=() ;;
  *) echo "usage: jobs/paper.sh [small|full] [RANKS]" >&2; exit 2 ;;
esac

for part in mf cp htf; do
  changes=("${tensor[@]}")
  [ $part = mf ] && changes=("${matrix[@]}")
  mpirun -n "$ranks" "$program" run jobs/paper-$part.yaml "${changes[@]}" --out "$out/$part"
done
/usr/bin/python3 -m htflow paper "$out"/{mf,cp,htf}/results.h5 -o "$out/paper.png" -o "$out/paper.pdf"
echo "figure      $out/paper.png"
