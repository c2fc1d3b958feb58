#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs by apt what is missing. Run as root, or as a user who may use sudo.
#   jobs/setup.sh           what htflow needs to be built and run
#   jobs/setup.sh --tests   that, and what its tests need
#   jobs/setup.sh --bench   that, and what tests/bench compares it with
set -euo pipefail

# package                  reason
program='
cmake                      the build
ninja-build                the build
gcc                        the build
libc6-dev                  the build
pkg-config                 the build finds libraries by it
git                        the build asks it for the commit, which results carry
libopenmpi-dev             ranks
openmpi-bin                mpirun
libhdf5-openmpi-dev        results.h5
libdeflate-dev             compresses results.h5, twice as fast as zlib does
libsqlite3-dev             the journal
libsundials-dev            the integrators
libopenblas-dev            products of matrices
libxsmm-dev                products of small matrices
liblapacke-dev             QR and spectra of matrices
libscalapack-openmpi-dev   spectra of matrices that no rank can hold
librandom123-dev           random streams
libfyaml-dev               the sweep file
libjansson-dev             --json
libssl-dev                 digests
python3                    the analysis package
python3-numpy              the analysis package
python3-h5py               the analysis package reads results.h5 by it
python3-xarray             the analysis package hands out its arrays
python3-h5netcdf           users read results.h5 by it in xarray
python3-matplotlib         figures of the report
python3-yaml               the analysis package reads the sweep of a results file by it
'
tests='
libcriterion-dev           tests in C
g++                        doors are to compile as C++
python3-pytest             tests in Python
python3-pip                the analysis package is to install by it
python3-nbclient           the notebook is to run
python3-ipykernel          in it
python3-netcdf4            results.h5 is to open in it
netcdf-bin                 and in ncdump
hdf5-tools                 and in h5dump
clang                      fuzzing: libFuzzer comes with it
libclang-rt-dev            and its runtime, with those of the sanitizers
chromium                   reports are looked at in it, without a window
python3-jsonschema         sweep files are to fit the schema for editors (python3-yaml reads them)
make                       an example of the library is built by it
doxygen                    the doors are to be documented as it reads them
dpkg-dev                   cpack asks it which packages htflow wants
mandoc                     man pages are to be sound
zsh                        completion is asked for in it
fish                       and in it
slurmctld                  job scripts are run on a cluster of three nodes on this machine
slurmd                     which are these
slurm-client               sbatch, srun, scontrol
munge                      by which they know each other
'
bench='
python3-torch              what a user would write instead (200 MB)
'

die() {
  echo "jobs/setup.sh: $*" >&2
  exit 1
}

case "$#:${1-}" in
  0:) table=$program ;;
  1:--tests) table=$program$tests ;;
  1:--bench) table=$program$bench ;;
  *) die "usage: jobs/setup.sh [--tests | --bench]" ;;
esac
mapfile -t wanted < <(awk 'NF { print $1 }' <<<"$table")

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  die "no apt on this system; install by other means what these packages hold: ${wanted[*]}"
# dpkg-query fails when it does not know one of them, which is then one that is missing.
present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
  awk '$1 == "installed" { print $2 }' || true)
mapfile -t missing < <(printf '%s\n' "${wanted[@]}" | grep -vxF -e "$present" || true)
if [ ${#missing[@]} = 0 ]; then
  echo "jobs/setup.sh: all ${#wanted[@]} packages are present"
  exit 0
fi

echo "jobs/setup.sh: installing ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null ||
    die "this needs root, and there is no sudo; as root: apt-get install ${missing[*]}"
  as_root=(sudo)
  [ -t 0 ] || as_root=(sudo -n) # nobody there to type a password
  "${as_root[@]}" true ||
    die "sudo refuses; as root: apt-get install ${missing[*]}"
fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}
apt -o APT::Update::Error-Mode=any update ||
  echo "jobs/setup.sh: the package lists could not be brought up to date (no network?)" >&2
# Daemons come with packages of the tests; only the tests start them. This is how Debian is
# told to start no service, unless it is told already.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
fi
apt --no-install-recommends install "${missing[@]}" ||
  die "apt-get could not install ${missing[*]} (what it says is above)"
