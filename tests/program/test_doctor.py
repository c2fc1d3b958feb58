# SPDX-License-Identifier: BSD-3-Clause
"""htflow doctor: what it finds, and that each finding that is not fine comes with a cure."""
import json
import os
import shutil
import subprocess

import pytest

from program import command, write

CONFIG = """\
Configuration data as of 2026-11-23T18:30:00
ClusterName             = fir
JobRequeue              = 1
JobRequeueNot           = 0
KillWait                = 30 sec
MaxArraySize            = 1001
PreemptMode             = REQUEUE
SLURM_VERSION           = 23.02.7
TaskPlugin              = task/affinity,task/cgroup

Slurmctld(primary) at fir1 is UP
"""


def doctor(*options, before=(), ranks=None, **environment):
    """Doctor's findings, what -> (verdict, finding, cure), and its exit code."""
    done = subprocess.run([*before, *command("doctor", "--json", *options, ranks=ranks)],
                          capture_output=True, text=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment})
    assert done.returncode in (0, 6), done.stderr
    found = json.loads(done.stdout)
    assert all((one["verdict"] == "ok") == (one["cure"] == "") for one in found)
    assert (done.returncode == 6) == any(one["verdict"] == "WRONG" for one in found)
    return {one["what"]: (one["verdict"], one["finding"], one["cure"]) for one in found}


def cluster(folder, config, mpi="MPI plugin types are...\n\tpmix\n\tnone\n"):
    """PATH with a scontrol and an srun that print what they are told to."""
    for name, text in (("scontrol", config), ("srun", mpi)):
        (folder / f"{name}.txt").write_bytes(text.encode("latin-1"))
        write(folder / name, f"#!/bin/sh\ncat {folder}/{name}.txt\n").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_cluster_is_asked_what_it_does_to_jobs(tmp_path):
    found = doctor(PATH=cluster(tmp_path, CONFIG), SLURM_JOB_ID="17")
    told = {what: found[what][:2] for what in
            ("slurm", "requeue", "preemption", "signals", "arrays", "binding", "srun")}
    assert {verdict for verdict, _ in told.values()} == {"ok"}
    assert told["slurm"][1] == "SLURM 23.02.7, cluster fir, in job 17"
    assert "JobRequeue=1" in told["requeue"][1] and "0 to 1000" in told["arrays"][1]
    assert "KillWait=30 sec" in told["signals"][1]
    assert "are requeued" in told["preemption"][1]


@pytest.mark.parametrize("line, what, finding, cure", [
    ("JobRequeue = 0", "requeue", "JobRequeue=0: jobs are not", "chain.sh"),
    ("PreemptMode = CANCEL", "preemption", "are cancelled", "again=auto"),
    ("PreemptMode = GANG,SUSPEND", "preemption", "are suspended", "--patience"),
    ("KillWait = 5 sec", "signals", "KillWait=5 sec", "--signal=B:USR1@120"),
    ("MaxArraySize = 1", "arrays", "0 to 0", "array.sbatch"),
    ("TaskPlugin = task/none", "binding", "does not bind", "--exclusive")])
def test_what_is_unlike_other_clusters_comes_with_its_cure(tmp_path, line, what, finding, cure):
    key = line.split()[0]
    config = "".join(line + "\n" if old.split()[:1] == [key] else old
                     for old in CONFIG.splitlines(keepends=True))
    verdict, told, advice = doctor(PATH=cluster(tmp_path, config))[what]
    assert verdict == "note" and finding in told and cure in advice


def test_an_srun_without_pmix_is_told(tmp_path):
    path = cluster(tmp_path, CONFIG, "MPI plugin types are...\n\tpmi2\n")
    verdict, told, cure = doctor(PATH=path)["srun"]
    assert verdict == "note" and "does not have pmix" in told and "launcher=mpirun" in cure


@pytest.mark.parametrize("config", [
    pytest.param(text, id=name) for name, text in {
        "nothing": "", "blanks": "=\n= =\n\n", "no values": "JobRequeue\nKillWait\n",
        "much": "x" * 3_000_000, "long": "SLURM_VERSION = " + "9" * 5000 + "\n",
        "no text": "SLURM_VERSION = \xff\n"}.items()])
def test_what_a_cluster_does_not_say_is_no_finding(tmp_path, config):
    found = doctor(PATH=cluster(tmp_path, config))
    assert found["slurm"][0] == "ok" and "arrays" not in found and "binding" not in found


def test_a_cluster_that_does_not_answer_is_told(tmp_path):
    path = cluster(tmp_path, "")
    write(tmp_path / "scontrol", "#!/bin/sh\necho 'slurm_load_ctl_conf: down' >&2\nexit 1\n")
    verdict, told, _ = doctor(PATH=path)["slurm"]
    assert verdict == "note" and told.endswith("fails: slurm_load_ctl_conf: down")


def test_no_cluster_is_said_so(tmp_path):
    for name in ("orted", "timeout"):  # what a lone process and doctor themselves start
        (tmp_path / name).symlink_to(shutil.which(name))
    write(tmp_path / "ssh", "#!/bin/sh\n").chmod(0o755)
    verdict, told, _ = doctor(PATH=str(tmp_path))["slurm"]
    assert verdict == "ok" and "no scontrol on PATH" in told


def test_each_rank_is_shown_with_its_cores_and_threads(tmp_path):
    found = doctor("--out", tmp_path, ranks=2)
    for rank in ("rank 0", "rank 1"):
        assert "1 BLAS thread, cores " in found[rank][1] and found[rank][0] == "ok"
    assert "2 ranks on 1 host; pml ob1, btl " in found["mpi"][1]
    assert "messages to rank 1: " in found["network"][1]
    assert "shared" not in found  # one host has nothing to share


def test_threads_without_cores_are_wrong():
    one = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    found = doctor(before=one, SLURM_CPUS_PER_TASK="2")
    assert found["rank 0"][0] == "WRONG"
    assert "fewer than SLURM_CPUS_PER_TASK" in found["rank 0"][1]
    assert "--cpus-per-task" in found["rank 0"][2]
    found = doctor(before=one, ranks=2, OMPI_MCA_hwloc_base_binding_policy="none")
    assert found["rank 0"][0] == "ok" and found["cores"][0] == "WRONG"
    assert "2 ranks with 2 threads share 1 core" in found["cores"][1]


def test_the_file_system_of_the_sweep_is_looked_at(tmp_path):
    found = doctor("--out", tmp_path)
    for what in ("directory", "locks", "links"):
        assert found[what][0] == "ok", found[what]
    assert found["fsync"][1].endswith(" ms a call") and "files free" in found["space"][1]
    assert "memory" in doctor("--out", "/dev/shm") and not list(tmp_path.iterdir())
    done = subprocess.run(command("doctor", "--out", tmp_path / "none"), capture_output=True,
                          text=True, check=False)
    assert done.returncode == 6 and "none" in done.stderr
