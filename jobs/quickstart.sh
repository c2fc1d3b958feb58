#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh clone to figures of components being learnt one after another: installs what is
# missing, builds into build/, runs two sweeps on 2 ranks, draws and reports what came out.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs/setup.sh
mkdir -p build
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release >build/configure.log 2>&1 \
  || { cat build/configure.log; exit 1; }
cmake --build build --target htflow_program

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export PYTHONPATH=$PWD/analysis PYTHONDONTWRITEBYTECODE=1
out=build/quickstart
draw() { /usr/bin/python3 -m htflow "$@"; }

echo "== components learnt one after another: 24 runs =="
mpirun -n 2 build/bin/htflow run jobs/quickstart-scale.yaml --out $out
echo "== a photograph completed from a quarter of its entries: 12 runs =="
mpirun -n 2 build/bin/htflow run jobs/quickstart-photograph.yaml --out $out/photograph

draw dynamics $out/results.h5 -o $out/dynamics.png -o $out/dynamics.pdf
draw photograph $out/photograph/results.h5 --problem data/photograph.h5 \
  -o $out/photograph.png -o $out/photograph.pdf
for folder in $out $out/photograph; do
  build/bin/htflow report $folder/results.h5 -o $folder/report.html
done

echo
echo "results     $PWD/$out/results.h5"
echo "            $PWD/$out/photograph/results.h5"
echo "figures     $PWD/$out/dynamics.png"
echo "            $PWD/$out/photograph.png"
echo "report      $PWD/$out/report.html"
echo "            $PWD/$out/photograph/report.html"
