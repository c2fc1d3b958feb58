#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the fuzz targets with clang, ASan and UBSan into build-fuzz/ and runs them.
#   tests/fuzz/run.sh SECONDS [TARGET ..]     each for SECONDS
#   tests/fuzz/run.sh --all SECONDS           all of them, SECONDS shared out among them
# Each target runs for SECONDS on a copy of its corpus, as many side by side as there are
# processors. What it finds stays in build-fuzz/found/. Exit 1 if anything is found, 77 where
# there is no clang.
# Leaks are counted by the targets themselves (htf_memory_blocks, HDF5's open ids): HDF5 1.10
# loses memory of its own where a read fails. Inputs worth keeping are added by hand:
# tests/fuzz/run.sh leaves the corpus as it is.
set -uo pipefail
[ $# -ge 1 ] || {
  echo "usage: tests/fuzz/run.sh SECONDS [TARGET ..]" >&2
  exit 2
}
all=
if [ "$1" = --all ]; then
  all=yes
  shift
fi
seconds=$1
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
build=$root/build-fuzz
command -v clang >/dev/null || {
  echo "tests/fuzz/run.sh: no clang here; apt-get install clang" >&2
  exit 77
}
export OMPI_CC=clang
mkdir -p "$build"
generator=()
[ -f "$build/CMakeCache.txt" ] || generator=(-G Ninja)
cmake -S "$root" -B "$build" "${generator[@]}" -DCMAKE_C_COMPILER=clang -DHTF_FUZZ=ON \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo >"$build/build.log" 2>&1 &&
  cmake --build "$build" --target fuzz_targets >>"$build/build.log" 2>&1 || {
  tail -n 30 "$build/build.log"
  exit 1
}
rm -f "$build/build.log"

targets=("$@")
[ ${#targets[@]} -gt 0 ] ||
  mapfile -t targets < <(find "$root/tests/fuzz" -name 'fuzz_*.c' | sed 's/.*fuzz_\(.*\)\.c/\1/' | sort)
if [ -n "$all" ]; then
  seconds=$(((seconds + ${#targets[@]} - 1) / ${#targets[@]}))
fi
mkdir -p "$build/found"

# show TARGET: the report of what it found, and each input that it found, in base64: a CI
# machine keeps nothing else.
show() {
  local input
  grep -E 'ERROR|runtime error|SUMMARY|^ +#[0-9]' "$build/found/$1.log" | head -n 15
  for input in "$build/found/$1"-*; do
    [ ! -f "$input" ] || { echo "$input" && base64 "$input"; }
  done
}

# fuzz TARGET: runs it and prints its line; 1 if it found something.
fuzz() {
  local target=$1 work log code runs
  work=$(mktemp -d "$build/corpus-$target.XXXXXX")
  log=$build/found/$target.log
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
    "$build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2000 -detect_leaks=0 \
    -max_len=4096 -print_final_stats=1 -artifact_prefix="$build/found/$target-" \
    "$work" "$root/tests/fuzz/corpus/$target" >"$log" 2>&1
  code=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-10s %10s inputs in %s s: %s\n' "$target" "${runs:-?}" "$seconds" \
    "$([ $code = 0 ] && echo 'nothing found' || echo "FOUND, exit code $code")"
  [ $code = 0 ] || show "$target"
  rm -rf "$work"
  [ $code = 0 ]
}
export -f fuzz show
export build root seconds
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I TARGET bash -c 'fuzz TARGET' || exit 1
