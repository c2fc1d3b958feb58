# SPDX-License-Identifier: BSD-3-Clause
"""The job scripts of jobs/ on a real SLURM cluster: whatever comes, each sweep goes on to the
content_checksum of one that ran serially and undisturbed."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

import faults
from cluster import processes, wait_until
from program import PROGRAM, htflow, write

JOBS = pathlib.Path(__file__).parents[2] / "jobs"
LAUNCHERS = ["srun", "mpirun"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """content_checksum of the sweep, from a lone process."""
    return faults.reference_checksum(tmp_path_factory.mktemp("reference"))


class Sweep:
    """A sweep in a folder of its own, and the jobs on it."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.file, self.out = write(folder / "sweep.yaml", faults.SWEEP), folder / "out"

    def submit(self, *options, script="sweep.sbatch", run=("--checkpoint", "0"), **environment):
        """Submit a job script of jobs/; the job's number."""
        return self.cluster.run(
            "sbatch", "--parsable", f"--chdir={self.folder}", "--time=20", *options,
            JOBS / script, self.file, self.out, *run,
            **{"HTFLOW": str(PROGRAM), "HTFLOW_DOCTOR": "no", **environment}).strip()

    def log(self):
        """What all jobs have printed."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def wait_for(self, condition, what, seconds=40):
        """Wait for what must come; and say what there is, if it does not."""
        try:
            wait_until(condition, what, seconds)
        except TimeoutError as error:
            raise AssertionError(self.cluster.run("squeue") + self.log()) from error

    def wait_for_text(self, text):
        """Wait for a text in the log."""
        self.wait_for(lambda: text in self.log(), text)

    @contextlib.contextmanager
    def in_the_middle(self):
        """A time when some runs are done, some are at work and stand still, others wait."""
        def begun():
            return any('"end"' in path.read_text() for path in self.out.glob("log/*.jsonl"))
        before = len(faults.records(self.out)[0])
        self.wait_for(begun, "a run that is done")
        pids = faults.processes(self.out)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            assert before < faults.RUNS and pids
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def warn(self, job):
        """SLURM's warning in the middle of the sweep, as --signal has it come."""
        told = self.log().count("told to stop")
        with self.in_the_middle():
            self.cluster.run("scancel", "--batch", "--signal=USR1", job)
            wait_until(lambda: self.log().count("told to stop") > told, "the warning")

    def restarted(self, job, start):
        """Wait for a job's next start."""
        self.wait_for_text(f"job {job}: htflow, start {start}, ")

    def done(self, job, reference, state="COMPLETED"):
        """Wait for the end of a job; the sweep is done, and nothing is left over."""
        self.wait_for(lambda: self.cluster.ended(job), f"the end of job {job}", 200)
        assert self.cluster.job(job)["JobState"] == state, self.log()
        attempts = faults.check_done(self.out, reference)
        assert not list(self.out.glob("ready*")) and not list(self.folder.glob("core*"))
        return attempts


@pytest.fixture
def sweep(cluster, tmp_path):
    """A sweep to submit."""
    return Sweep(cluster, tmp_path)


def hosts(out):
    """The nodes whose ranks have written into a sweep directory."""
    texts = [path.read_text() for path in out.glob("log/*.jsonl")]
    return {host for text in texts for host in re.findall(r'"host":"(\w+)"', text)}


def check_three_nodes(sweep, job, reference, launcher):
    """The sweep went over all nodes, and the log tells how."""
    sweep.done(job, reference)
    assert hosts(sweep.out) == {"n1", "n2", "n3"}
    log = sweep.log()
    assert f"start 1, 6 ranks of 1 threads on n[1-3], by {launcher}" in log
    assert "faults: 24 runs" in log
    for rank in range(6):
        assert re.search(rf"rank {rank} +on n{1 + rank // 2}, 1 BLAS thread, cores \d", log)
    assert "24 done and 0 failed" in log and "on 6 ranks" in log


def test_a_sweep_over_three_nodes_by_srun(sweep, reference):
    check_three_nodes(sweep, sweep.submit("-N3", "-n6", HTFLOW_DOCTOR="yes"), reference, "srun")


def test_a_job_as_plan_writes_it_by_mpirun(sweep, reference):
    site = write(sweep.folder / "site.conf", (JOBS / "site.conf").read_text().replace(
        "launcher=srun", "launcher=mpirun"))
    told = htflow("plan", sweep.file, "--out", sweep.out, "--ranks", 6, "--site", site,
                  "--sbatch", sweep.folder / "job.sbatch").stdout
    assert told == f"sbatch {sweep.folder}/job.sbatch\n"
    job = sweep.cluster.run("sbatch", "--parsable", "-N3", f"--chdir={sweep.folder}",
                            sweep.folder / "job.sbatch").strip()
    check_three_nodes(sweep, job, reference, "mpirun")


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_that_is_warned_requeues_itself(sweep, reference, launcher):
    job = sweep.submit("-N3", "-n3", HTFLOW_LAUNCHER=launcher)
    sweep.warn(job)
    sweep.restarted(job, 2)
    sweep.done(job, reference)
    assert sweep.log().index("start 1, ") < sweep.log().index("start 2, ")  # appended to
    assert sweep.log().count("ended with exit code 5") == 1
    assert faults.records(sweep.out)[1] == faults.RUNS, "a run was done twice"


def test_a_warning_that_comes_before_there_are_ranks_is_kept_for_them(sweep, reference):
    """mpirun dies of a signal while it starts."""
    job = sweep.submit("-N3", "-n3", HTFLOW_LAUNCHER="mpirun")
    sweep.wait_for(lambda: processes("mpirun\0", "run\0", f"{sweep.out}/ready"), "mpirun")
    sweep.cluster.run("scancel", "--batch", "--signal=USR1", job)
    sweep.restarted(job, 2)
    assert sweep.log().count("ended with exit code 5") == 1, sweep.log()
    sweep.done(job, reference)


def test_a_job_that_may_not_requeue_submits_itself_again(sweep, reference):
    job = sweep.submit("-N3", "-n3", "--no-requeue")
    sweep.warn(job)
    sweep.wait_for_text("submitted again as job ")
    second = re.search(r"submitted again as job (\d+)", sweep.log()).group(1)
    sweep.done(second, reference)
    assert sweep.cluster.job(job)["JobState"] == "FAILED"
    assert sweep.cluster.job(job)["ExitCode"] == "5:0"
    assert "start 2, 3 ranks" in sweep.log()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_cancelled_job_stays_cancelled_and_another_goes_on(sweep, reference, launcher):
    job = sweep.submit("-N3", "-n3", HTFLOW_LAUNCHER=launcher)
    with sweep.in_the_middle():
        sweep.cluster.run("scancel", job)
        wait_until(lambda: sweep.cluster.ended(job), "the end of the job")
    kept = faults.records(sweep.out)[0]
    assert 0 < len(kept) < faults.RUNS
    assert sweep.cluster.run("squeue", "-h", "-u", "root") == "", "it came again"
    sweep.done(sweep.submit("-N3", "-n3", HTFLOW_LAUNCHER=launcher), reference)
    assert f"; {len(kept)} done before" in sweep.log()


LONG = pytest.mark.skipif("HTF_SLURM_LONG" not in os.environ, reason="long: tests/slurm.sh")


@pytest.mark.parametrize("launcher, node", [
    ("srun", "n2"), pytest.param("mpirun", "n1", marks=LONG, id="mpirun and its own node")])
def test_a_node_that_crashes_costs_what_was_in_flight(sweep, reference, launcher, node):
    job = sweep.submit("-N3", "-n3", HTFLOW_LAUNCHER=launcher)
    with sweep.in_the_middle():
        sweep.cluster.crash(node)
        sweep.cluster.boot(node)
    sweep.restarted(job, 2)
    sweep.done(job, reference)
    assert "; 0 done before" not in sweep.log().split("start 2, ")[1]


@pytest.mark.parametrize("partition", ["spare", "lost"])
def test_a_preempted_job_comes_back(sweep, reference, partition):
    """Where SLURM requeues what it preempts, and where it cancels it."""
    job = sweep.submit("-N3", "-n3", f"--partition={partition}")
    with sweep.in_the_middle():
        other = sweep.cluster.run("sbatch", "--parsable", "-N3", "-n6", "-o/dev/null",
                                  "--wrap=true").strip()
        wait_until(lambda: sweep.cluster.job(other)["JobState"] != "PENDING", "preemption")
    if partition == "spare":
        sweep.restarted(job, 2)
    else:
        sweep.wait_for_text("submitted again as job ")
        job = re.search(r"submitted again as job (\d+)", sweep.log()).group(1)
    sweep.done(job, reference)


@pytest.mark.parametrize("shards", ["no", "yes"])
def test_an_array_of_jobs_drains_one_directory(sweep, reference, shards):
    job = sweep.submit("-N1", "-n2", "--array=1-3", script="array.sbatch", HTFLOW_SHARDS=shards)
    sweep.wait_for(lambda: sweep.cluster.run("squeue", "-h", "-j", job, check=False) == "",
                   "the end of the array", 200)
    sweep.done(job, reference)
    assert len(list(sweep.folder.glob("htflow-*-[123].log"))) == 3
    did = [int(n) for n in re.findall(r"(\d+) done and 0 failed", sweep.log())]
    assert sum(did) == faults.RUNS, "a run was done twice"
    assert shards == "no" or did == [8, 8, 8]


def test_a_chain_goes_on_job_by_job_and_ends_with_the_sweep(sweep, reference):
    told = sweep.cluster.run(JOBS / "chain.sh", 3, "-N3", "-n3", f"--chdir={sweep.folder}",
                             JOBS / "sweep.sbatch", sweep.file, sweep.out, HTFLOW=str(PROGRAM),
                             HTFLOW_DOCTOR="no")
    first, second, third = re.findall(r"^job (\d+)", told, re.MULTILINE)
    sweep.warn(first)
    sweep.done(second, reference)
    assert sweep.cluster.job(first)["ExitCode"] == "5:0"
    assert sweep.cluster.job(third)["JobState"] == "CANCELLED"


def test_doctor_says_what_this_cluster_does(cluster, tmp_path):
    def found(*launcher, out=tmp_path):
        for _ in range(3):  # a rank may die in MPI_Init, see sweep.sbatch
            told = cluster.run(*launcher, PROGRAM, "doctor", "--json", "--out", out, check=False)
            if told.rstrip().endswith("]"):
                break
        return {one["what"]: (one["verdict"], one["finding"], one["cure"])
                for one in json.loads(told)}
    told = found()  # on the login node
    assert told["slurm"][:2] == ("ok", "SLURM 22.05.8, cluster htflow")
    assert told["requeue"][0] == told["srun"][0] == "ok" and "0 to 1000" in told["arrays"][1]
    assert told["preemption"][:1] == ("ok",) and "PreemptMode=REQUEUE" in told["preemption"][1]
    assert told["signals"][0] == told["binding"][0] == "note"
    assert "KillWait=5 sec" in told["signals"][1] and "--signal=B:USR1@" in told["signals"][2]
    told = found("srun", "--mpi=pmix", "-N3", "-n3")
    assert "3 ranks on 3 hosts; pml ob1, btl " in told["mpi"][1]
    assert "on another host" in told["network"][1]
    assert told["shared"][0] == "ok" and "all 3 hosts see" in told["shared"][1]
    told = found("srun", "--mpi=pmix", "-N3", "-n3", out="/dev/shm")  # each node's own
    assert told["shared"][0] == "WRONG" and "file system" in told["shared"][2]


def test_nothing_outlives_who_started_a_cluster(possible):
    """Not even when that process is killed."""
    code = "import cluster, time; print(cluster.Cluster(1).root, flush=True); time.sleep(99)"
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                               cwd=pathlib.Path(__file__).parent)
    root = pathlib.Path(starter.stdout.readline().strip())
    try:
        assert len(processes(root)) >= 4
    finally:
        starter.kill()
        starter.communicate()
    wait_until(lambda: processes(root) == [], "the end of all daemons", 20)
    subprocess.run(["rm", "-r", root], check=True)


@LONG
def test_the_real_time_limit(sweep, reference):
    """SLURM warns of a limit of one minute, half a minute or more before it."""
    job = sweep.submit("-N3", "-n3", "--time=1", "--signal=B:USR1@30", run=())
    with sweep.in_the_middle():
        time.sleep(50)
    sweep.restarted(job, 2)
    assert "told to stop" in sweep.log(), "SLURM did not warn"
    sweep.done(job, reference)
