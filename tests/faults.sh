#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Kills sweeps at random instants, N times in all, and goes on with each until it is done.
#   tests/faults.sh N [SEED]
# One rank or all are killed (-9), at 1, 2 and 4 ranks. Each sweep must end with the
# content_checksum of an uninterrupted one, and no run that was done may be lost. A hundred
# kills take some ten minutes. Needs the program in build/ (or $HTF_BUILD).
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: tests/faults.sh N [SEED]" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/faults"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 faults.py "$@"
