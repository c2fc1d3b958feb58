# SPDX-License-Identifier: BSD-3-Clause
"""A real SLURM cluster on this machine, started in a second and gone without a trace.

Each node is a slurmd with a hostname, mounts and processes of its own (namespaces, so it
wants root); to end its first process is to crash the node. Everything ends with the process
that started it, however that ends. Files are in one folder of a short name, since names of
Unix sockets have at most 107 bytes.
"""
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """\
ClusterName=htflow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job starts when its old credential has expired: 120 s, if this says nothing
# (made to start sooner it fails), and 5 s is the least that is accepted.
AuthInfo=socket={root}/run/munge.sock,cred_expire=5
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd-%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd-%n.log
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
# PMIx keeps its sockets there, so nodes must not share it.
TmpFS={root}/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge=300
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
PropagateResourceLimits=NONE
{nodes}
PartitionName=usual Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
PartitionName=spare Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=lost Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=CANCEL
"""


def free_ports(count):
    """Ports of the loopback device that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(condition, what, seconds=90):
    """Wait for what must come, however slow the machine."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"after {seconds} s not yet: {what}")
        time.sleep(0.05)


def processes(*words):
    """Processes whose command line and environment hold all of these words."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if all(str(word).encode() in text for word in words):
            found.append(int(folder.name))
    return found


class Cluster:
    """slurmctld, munged and some nodes of two processors each."""

    def __init__(self, nodes=3):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="htf-slurm-", dir="/tmp"))
        self.environment = dict(
            os.environ, SLURM_CONF=str(self.root / "slurm.conf"), TMPDIR=str(self.root / "tmp"),
            OMPI_MCA_mpi_yield_when_idle="1")  # SLURM does not tell it of too few cores
        self.names = [f"n{1 + i}" for i in range(nodes)]
        self.processes = {}
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        for name in ("state", "spool", "run", "log", "tmp"):
            (self.root / name).mkdir()
        host, (port, *ports) = socket.gethostname().split(".")[0], free_ports(
            1 + len(self.names))
        lines = [f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={its} CPUs=2 "
                 "RealMemory=2000" for name, its in zip(self.names, ports)]
        (self.root / "slurm.conf").write_text(CONFIGURATION.format(
            host=host, port=port, root=self.root, nodes="\n".join(lines)))
        (self.root / "cgroup.conf").write_text("CgroupPlugin=autodetect\n")
        key = self.root / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        self._launch("munged", "munged", "--foreground", "--force", f"--key-file={key}",
                     *(f"--{what}={self.root}/run/{file}" for what, file in (
                         ("socket", "munge.sock"), ("pid-file", "munged.pid"),
                         ("seed-file", "munge.seed"))),
                     f"--log-file={self.root}/log/munged.log", "--num-threads=2")
        wait_until((self.root / "run" / "munge.sock").exists, "munged")
        self._launch("slurmctld", "slurmctld", "-D")
        for name in self.names:
            self.boot(name)
        wait_until(lambda: self.states() == ["idle"] * len(self.names), "idle nodes", 60)

    def _launch(self, name, *command):
        """Start a daemon that is killed when this process ends."""
        with open(self.root / "log" / f"{name}.out", "ab") as log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def boot(self, name):
        """Start a node, new as after a crash: stale sockets would break a requeued job."""
        for folder in ("spool", "tmp"):
            shutil.rmtree(self.root / folder / name, ignore_errors=True)
            (self.root / folder / name).mkdir()
        self._launch(name, "unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child",
                     "--mount-proc", "bash", "-c",
                     'hostname "$1"; mount -t tmpfs -o size=1g tmpfs /dev/shm; '
                     'slurmd -D -N "$1" & wait $!', "node", name)

    def crash(self, name):
        """End a node with everything on it, at once; SLURM is told, or it would wait."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()
        self.run("scontrol", "update", f"nodename={name}", "state=down", "reason=crash")

    def stop(self):
        """End all processes and remove all files."""
        for name in reversed(list(self.processes)):
            process = self.processes.pop(name)
            process.send_signal(signal.SIGTERM if name == "munged" else signal.SIGKILL)
            process.wait(timeout=30)
        shutil.rmtree(self.root)

    def run(self, *command, check=True, **environment):
        """Run a command of a user of the cluster; its standard output."""
        done = subprocess.run(
            [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120, check=False, env={**self.environment, **environment})
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def states(self):
        """The state of each node."""
        return self.run("sinfo", "-h", "-N", "-p", "usual", "-o", "%t", check=False).split()

    def job(self, number):
        """What SLURM knows of a job."""
        words = self.run("scontrol", "-o", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def ended(self, number):
        """Whether a job has come to its end, for good."""
        return self.job(number)["JobState"] in (
            "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "PREEMPTED", "NODE_FAIL")
