#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Jobs one after another on one sweep, for sites where a job can neither requeue itself nor
# submit another one.
#   jobs/chain.sh N [options of sbatch] jobs/sweep.sbatch SWEEP.yaml DIR [options of htflow run]
# Each begins when the one before it has ended, however it ended; the one that comes to the
# end of the sweep cancels the rest.
set -euo pipefail
if ! [[ ${1-} =~ ^[1-9][0-9]*$ ]] || [ $# -lt 2 ]; then
  echo "usage: jobs/chain.sh N [options of sbatch] SCRIPT [its arguments]" >&2
  exit 2
fi
count=$1
shift
name=htflow-chain-$(date +%s)-$$ # the chain is known by it
export HTFLOW_AGAIN=chain
after=()
for ((i = 1; i <= count; i++)); do
  job=$(sbatch --parsable --job-name="$name" --output="$name.log" ${after[@]+"${after[@]}"} "$@")
  job=${job%%;*} # the cluster's name may follow
  after=(--dependency="afterany:$job")
  echo "job $job of chain $name"
done
echo "log: $name.log; to end the chain: scancel --name=$name"
