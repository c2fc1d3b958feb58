# SPDX-License-Identifier: BSD-3-Clause
"""What the job scripts of jobs/ decide, where nothing but bash is real: SLURM, the launchers
and htflow are stand-ins that note how they are called. test_sweeps.py has the real ones."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from cluster import wait_until
from program import write

JOBS = pathlib.Path(__file__).parents[2] / "jobs"

NOTE = '#!/bin/bash\necho "${0##*/} $*" >>"$CALLS"\n'
STAND_INS = {
    # Launchers drop their options and start one rank.
    "srun": NOTE + 'until [[ $1 == */htflow ]]; do shift; done; exec "$@"\n',
    "mpirun": NOTE + 'until [[ $1 == */htflow ]]; do shift; done; exec "$@"\n',
    "scontrol": NOTE + 'case $1 in\n'
                       'requeue) [ "$REQUEUE" != kills ] || kill -TERM $PPID\n'
                       '  [ "$REQUEUE" != refused ] ;;\n'
                       'show) printf "   Command=%s a b\\n" "$SCRIPT"\n'
                       '  printf "   $FACTS\\n   StdOut=/a/my log\\n" ;;\nesac\n',
    "sbatch": NOTE + 'echo "started=$HTFLOW_STARTED restarts=$SLURM_RESTART_COUNT" >>"$CALLS"\n'
                     '[ "$SBATCH" != refused ] && echo $((1000 + $(wc -l <"$CALLS")))\n',
    "scancel": NOTE,
    "htflow": NOTE + 'case $1 in plan) exit ${PLAN:-0} ;; run) ;; *) exit ${DOCTOR:-0} ;; esac\n'
                     'ready=$(sed "s/.*--ready \\([^ ]*\\).*/\\1/" <<<"$*")\n'
                     'case $RUN in\n'
                     "waits) trap 'echo told >>$CALLS; sleep 1; exit 5' USR1\n"
                     '  echo up >"$ready"; while :; do sleep 0.05; done ;;\n'
                     'dies) kill -SEGV $$ ;;\n'
                     'dies\\ later) echo up >"$ready"; kill -SEGV $$ ;;\n'
                     '[045]) echo up >"$ready"; exit $RUN ;;\n*) exit $RUN ;;\nesac\n'}


class Job:
    """A job script on a machine of stand-ins."""

    def __init__(self, folder):
        self.folder, self.calls = folder, folder / "calls"
        (folder / "bin").mkdir()
        for name, text in STAND_INS.items():
            write(folder / "bin" / name, text).chmod(0o755)
        self.environment = dict(
            PATH=f"{folder}/bin:{os.environ['PATH']}", CALLS=str(self.calls),
            SLURM_JOB_ID="17", SLURM_JOB_NAME="htflow", SLURM_NTASKS="6",
            SLURM_JOB_NODELIST="n[1-3]", SLURM_JOB_PARTITION="usual",
            FACTS="JobState=RUNNING PreemptTime=None TimeLimit=00:20:00",
            REQUEUE="kills", HTFLOW_REQUEUE_WAIT="1")

    def start(self, script="sweep.sbatch", options=(), **environment):
        """The script as SLURM starts it."""
        self.environment["SCRIPT"] = str(JOBS / script)
        return subprocess.Popen(
            ["bash", JOBS / script, "s.yaml", self.folder / "out", *options], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**self.environment, **environment})

    def run(self, *arguments, **environment):
        """Its exit code and what it printed."""
        process = self.start(*arguments, **environment)
        text = process.communicate(timeout=60)[0]
        assert not list((self.folder / "out").glob("ready*"))
        return process.returncode, text

    def called(self, command):
        """The calls of a command, without its name."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line[len(command) + 1:] for line in lines if line.startswith(command + " ")]


@pytest.fixture
def job(tmp_path):
    """A job to run."""
    return Job(tmp_path)


@pytest.mark.parametrize("code", ["0", "1", "3", "4", "6", "7"])
def test_a_sweep_at_its_end_or_in_error_ends_the_job(job, code):
    assert job.run(RUN=code)[0] == int(code)
    assert not job.called("sbatch") and not job.called("scontrol requeue")
    assert len(job.called("htflow run")) == 1


def test_a_bad_sweep_file_starts_no_ranks(job):
    assert job.run(PLAN="3", RUN="0")[0] == 3
    assert not job.called("srun")


@pytest.mark.parametrize("requeue, again, requeues, submits", [
    ("kills", "auto", 1, 0), ("nothing happens", "auto", 1, 1), ("refused", "auto", 1, 1),
    ("refused", "requeue", 1, 0), ("kills", "resubmit", 0, 1), ("kills", "no", 0, 0),
    ("kills", "chain", 0, 0)])
def test_a_sweep_that_is_not_done_goes_on_as_the_site_allows(job, requeue, again, requeues,
                                                             submits):
    code, text = job.run(RUN="5", REQUEUE=requeue, HTFLOW_AGAIN=again)
    assert code == 5, text
    assert job.called("scontrol requeue") == ["17"] * requeues
    assert len(job.called("sbatch")) == submits, text
    assert not job.called("scancel")


def test_where_nothing_is_allowed_the_user_is_told(job):
    code, text = job.run(RUN="5", REQUEUE="refused", SBATCH="refused")
    assert code == 5 and "neither requeueing nor resubmission" in text


def test_a_job_submitted_again_asks_for_the_same(job):
    job.run("sweep.sbatch", ["--set", "a=b c"], RUN="5", HTFLOW_AGAIN="resubmit",
            SLURM_CPUS_PER_TASK="2", SLURM_JOB_ACCOUNT="me", SLURM_MEM_PER_CPU="500",
            SLURM_RESTART_COUNT="2", HTFLOW_STARTED="4")
    [call] = job.called("sbatch")
    for option in ("--ntasks=6", "--cpus-per-task=2", "--time=00:20:00", "--partition=usual",
                   "--account=me", "--mem-per-cpu=500"):
        assert option in call.split()
    assert "--output=/a/my log " in call
    assert call.endswith(f"/sweep.sbatch s.yaml {job.folder}/out --set a=b c")
    assert "started=7 restarts=" in job.calls.read_text().splitlines()


def test_it_does_not_go_on_for_ever(job):
    text = job.run(RUN="5", SLURM_RESTART_COUNT="9", HTFLOW_STARTS="10")[1]
    assert "started 10 times and not done" in text
    assert not job.called("scontrol requeue") and not job.called("sbatch")


@pytest.mark.parametrize("launcher, words", [
    ("srun", "--mpi=pmix --ntasks=6 --cpus-per-task=4 --kill-on-bad-exit=1"),
    ("mpirun", "-n 6 -x OPENBLAS_NUM_THREADS -x OMP_NUM_THREADS --map-by slot:PE=4")])
def test_the_site_names_the_launcher_which_gets_the_cores(job, launcher, words):
    site = write(job.folder / "site", f"launcher={launcher}\nlaunch_options=(--more)\n")
    assert job.run(RUN="0", HTFLOW_SITE=str(site), SLURM_CPUS_PER_TASK="4")[0] == 0
    for call in job.called(launcher):
        assert words in call and " --more " in call
    assert [re.search("htflow (doctor|run)", call)[1] for call in job.called(launcher)] == \
        ["doctor", "run"]
    assert job.run(RUN="0", HTFLOW_DOCTOR="no")[0] == 0
    assert len(job.called("htflow doctor")) == 1
    assert job.run(RUN="0", HTFLOW_LAUNCHER="rsh")[0] == 2


@pytest.mark.parametrize("run, times", [("dies", 3), ("dies later", 1)])
def test_ranks_that_die_before_they_begin_are_started_again(job, run, times):
    assert job.run(RUN=run)[0] == 128 + signal.SIGSEGV
    assert len(job.called("htflow run")) == times
    assert not job.called("sbatch") and not job.called("scontrol requeue")


def test_a_doctor_that_dies_is_called_again_and_one_that_warns_is_not(job):
    assert job.run(RUN="0", DOCTOR="6")[0] == 0
    assert len(job.called("htflow doctor")) == 1
    assert job.run(RUN="0", DOCTOR="139")[0] == 0
    assert len(job.called("htflow doctor")) == 4 and len(job.called("htflow run")) == 2


def test_a_warning_is_handed_on_once(job):
    process = job.start(RUN="waits")
    wait_until(lambda: list((job.folder / "out").glob("ready*")), "the ranks")
    process.send_signal(signal.SIGUSR1)
    wait_until(lambda: "told" in job.calls.read_text().split(), "the word")
    process.send_signal(signal.SIGUSR1)
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 5 and text.count("told to stop") == 1
    assert job.calls.read_text().split().count("told") == 1
    assert job.called("scontrol requeue") == ["17"]


def test_the_jobs_of_an_array_keep_their_shares(job):
    array = dict(SLURM_ARRAY_JOB_ID="17", SLURM_ARRAY_TASK_ID="2", SLURM_ARRAY_TASK_COUNT="3",
                 HTFLOW_SHARDS="yes", RUN="5")
    job.run("array.sbatch", **array)
    assert job.called("htflow run")[0].endswith(" --shard 2/3")
    assert job.called("scontrol requeue") == ["17_2"], "all jobs of the array requeued"
    job.run("array.sbatch", ["--shard", "2/3"], HTFLOW_AGAIN="resubmit",
            **{**array, "SLURM_ARRAY_TASK_COUNT": "1"})
    [call] = job.called("sbatch")
    assert " --array=2 " in call and call.endswith(" --shard 2/3") and call.count("shard") == 1


def test_a_chain_is_jobs_that_wait_for_each_other(job):
    told = subprocess.run([JOBS / "chain.sh", "3", "-n6", "job", "s.yaml", "out"], check=True,
                          capture_output=True, text=True, env=job.environment).stdout
    calls = job.called("sbatch")
    numbers = re.findall(r"^job (\d+)", told, re.MULTILINE)
    assert len(calls) == len(numbers) == 3 and "--dependency" not in calls[0]
    assert [re.search(r"--dependency=afterany:(\d+) ", call)[1] for call in calls[1:]] == \
        numbers[:2]
    assert all(call.endswith(" -n6 job s.yaml out") for call in calls)
    assert job.run(RUN="4", HTFLOW_AGAIN="chain")[0] == 4  # at its end the rest goes
    assert "--state=PENDING --name=htflow " in job.called("scancel")[0]
    assert subprocess.run([JOBS / "chain.sh", "x", "job"], check=False,
                          capture_output=True).returncode == 2
