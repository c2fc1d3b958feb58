#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds htflow and runs every test; the last line is `N passed, N failed`.
#   tests/run.sh [--sanitize] [--only NAME]
# --sanitize builds with ASan and UBSan, into build-sanitize/ instead of build/; --only runs
# the suites whose name contains NAME. A suite is one Criterion binary, named <room>.<door>
# (mpi.<name> on several ranks), or one folder of pytest files. It fails as a whole, besides
# its tests, when it runs none of them, ends without a count or with an exit code nobody
# counted. Logs: build/test-logs/. Nothing is written outside the build folder, but for the
# sockets of tests/slurm in /tmp, which want short names and are removed.
set -uo pipefail
export LC_ALL=C.UTF-8

usage() {
  echo "usage: tests/run.sh [--sanitize] [--only NAME]" >&2
  exit 2
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
build=$root/build
options=(-DCMAKE_BUILD_TYPE=Release)
sanitize=no
only=
while [ $# -gt 0 ]; do
  case $1 in
    --sanitize)
      sanitize=yes
      build=$root/build-sanitize
      options=(-DCMAKE_BUILD_TYPE=RelWithDebInfo -DHTF_SANITIZE=ON)
      ;;
    --only)
      [ $# -ge 2 ] || usage
      only=$2
      shift
      ;;
    *) usage ;;
  esac
  shift
done
cd "$root" || exit 1
exec </dev/null

logs=$build/test-logs
rm -rf "$logs" "$build/test-tmp"
mkdir -p "$logs" "$build/test-tmp" || exit 1
export TMPDIR=$build/test-tmp
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OPENBLAS_NUM_THREADS=1
export OMPI_MCA_odls_base_sigkill_timeout=0 # mpirun waits a second more for each job that fails
export PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
export HTF_BUILD=$build # where the Python tests find the program and the libraries

passed=0
failed=0
broken=() # suites that failed

# conclude NAME SECONDS PASSED FAILED NOTE: counts a suite and prints its line.
conclude() {
  local mark=ok
  passed=$((passed + $3))
  failed=$((failed + $4))
  if [ "$4" -gt 0 ]; then
    mark=FAILED
    broken+=("$1")
  fi
  printf '%-7s %-24s %4d passed %4d failed %7.1f s  %s\n' "$mark" "$1" "$3" "$4" "$2" "$5"
}

wanted() {
  [[ $1 == *"$only"* ]]
}

# timed NAME COMMAND ..: runs it with its output in the suite's log; sets code and seconds.
timed() {
  local name=$1 start=$EPOCHREALTIME
  shift
  timeout -k 10 1500 "$@" </dev/null >"$logs/$name.log" 2>&1
  code=$?
  seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
}

# What a sanitizer reports goes into files: a leak fails no Criterion test by itself. Open MPI
# and the libraries of Python leak of their own; leaks are looked for in serial tests, but
# for those of Criterion's assertions. What tests/faults preloads comes before the runtime.
echo leak:cri_assert_node_add >"$build/test-tmp/leaks"
export LSAN_OPTIONS=suppressions=$build/test-tmp/leaks:print_suppressions=0
sanitizer() {
  local leaks=$2
  export ASAN_OPTIONS=detect_leaks=$leaks:allocator_may_return_null=1
  ASAN_OPTIONS+=:verify_asan_link_order=0:log_path=$logs/$1.san
  export UBSAN_OPTIONS=print_stacktrace=1:log_path=$logs/$1.san
}

# judge NAME TESTS PASSED FAILED: the failures of a suite are those counted, or one if it
# ran nothing or ended badly in another way.
judge() {
  local name=$1 count=$2 good=$3 bad=$4 note='' reports
  reports=$(find "$logs" -name "$name.san*" -exec cat {} +)
  [ -z "$reports" ] || echo "$reports" >>"$logs/$name.log"
  if [ "$code" = 124 ] || [ "$code" = 137 ]; then
    note='timed out'
  elif [ -z "$count" ]; then
    note="no count of tests (exit code $code)"
  elif [ "$count" = 0 ]; then
    note='no tests'
  elif [ -n "$reports" ]; then
    note='sanitizer reports'
  elif [ "$code" != 0 ]; then
    note="exit code $code"
  fi
  [ -z "$note" ] || [ "${bad:-0}" -gt 0 ] || bad=1
  conclude "$name" "$seconds" "${good:-0}" "${bad:-0}" "$note"
}

criterion_suite() { # NAME BINARY
  local line number='\([0-9]*\)'
  timed "$1" "$2" -j1
  line=$(grep -a 'Synthesis: Tested:' "$logs/$1.log" | tail -n 1 |
    sed "s/.*Tested: $number | Passing: $number | Failing: $number .*/\1 \2 \3/")
  read -r count good bad <<<"$line"
  judge "$1" "$count" "$good" "$bad"
}

pytest_suite() { # NAME FOLDER
  local count='' errors failures skipped xml=$logs/$1.xml
  timed "$1" /usr/bin/python3 -m pytest -q --tb=short -p no:cacheprovider --rootdir="$root" \
    --basetemp="$TMPDIR/$1" --junitxml="$xml" "$2"/test_*.py
  of() {
    grep -ao "<testsuite [^>]*" "$xml" | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p"
  }
  if [ -f "$xml" ]; then
    count=$(of tests) errors=$(of errors) failures=$(of failures) skipped=$(of skipped)
    bad=$((errors + failures)) good=$((count - errors - failures - skipped))
    count=$((count - skipped)) # what was skipped did not run
  else
    good=0 bad=0
  fi
  judge "$1" "$count" "$good" "$bad"
}

# Fuzzing counts one test a target: it ran, and found nothing. A minute in all, on all cores.
fuzz_suite() {
  local good bad count
  timed fuzz tests/fuzz/run.sh --all 60
  good=$(grep -c ': nothing found$' "$logs/fuzz.log")
  count=$(find tests/fuzz -name 'fuzz_*.c' | wc -l)
  bad=$((count - good)) # one that did not run is one that failed
  sanitizer fuzz 0
  judge fuzz "$count" "$good" "$bad"
}

finish() {
  local name
  for name in ${broken[@]+"${broken[@]}"}; do
    printf '\n---- %s: the end of %s\n' "$name" "${logs#"$root/"}/$name.log"
    tail -n 60 "$logs/$name.log"
  done
  rm -rf "$TMPDIR"
  echo
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

# prepare NAME COMMAND ..: a step without which there is nothing to test.
prepare() {
  timed "$@"
  if [ "$code" != 0 ]; then
    conclude "$1" "$seconds" 0 1 "exit code $code"
    finish
  fi
  printf '%-7s %-24s %27.1f s\n' ok "$1" "$seconds"
}
prepare packages jobs/setup.sh --tests
[ -f "$build/CMakeCache.txt" ] || options+=(-G Ninja)
prepare configure cmake -S . -B "$build" -DHTF_TESTS=ON -DHTF_WERROR=ON "${options[@]}"
prepare build cmake --build "$build"

while read -r name; do
  wanted "$name" || continue
  case $name in mpi.*) sanitizer "$name" 0 ;; *) sanitizer "$name" 1 ;; esac
  criterion_suite "$name" "$build/tests/test_${name/./_}"
done < <(ctest --test-dir "$build" -N | sed -n 's/^ *Test *#[0-9]*: //p')

while read -r folder; do
  name=${folder#tests/}
  name=${name//\//.}
  # The house is about the sources and the plain libraries, as the examples are.
  case $sanitize:$name in yes:house | yes:examples) continue ;; esac
  wanted "$name" || continue
  sanitizer "$name" 0
  pytest_suite "$name" "$folder"
done < <(find tests analysis -name 'test_*.py' -exec dirname {} + | sort -u)
if wanted fuzz && [ "$sanitize" = no ]; then # which has sanitizers of its own
  fuzz_suite
fi
finish
