#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The tests of tests/slurm with the long ones among them: SLURM's real time limit, which it
# looks at twice a minute. Some four minutes; needs root, and the program in build/ (or
# $HTF_BUILD).
#   tests/slurm.sh [options of pytest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export HTF_SLURM_LONG=yes
exec /usr/bin/python3 -m pytest -q --tb=short -p no:cacheprovider --durations=5 tests/slurm "$@"
