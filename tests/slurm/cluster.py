"""A SLURM cluster on this machine: a controller and two nodes, each under a host name of its own.

It needs root, and Debian's slurm-wlm and munge; no systemd, no cgroups, no accounting.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NODES = {"n1": 17001, "n2": 17002}  # each with one core
LOST_AFTER = 10  # seconds without a word from a node
CONFIGURATION = """\
ClusterName=facerot
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdTimeout={lost_after}
KillWait=20
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=usual Nodes=ALL Default=YES PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes=ALL PriorityTier=2
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=4000"


def lacking() -> str | None:
    """What this machine lacks for it, None where nothing."""
    if os.geteuid() != 0:
        return "root"
    missing = [name for name in ("munged", "slurmctld", "slurmd") if shutil.which(name) is None]
    return f"{', '.join(missing)}: apt-get install slurm-wlm munge" if missing else None


class Cluster:
    """The running cluster; its daemons' logs lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all daemons, and wait for two idle nodes."""
        (self.folder / "state").mkdir(parents=True)
        host = socket.gethostname()
        nodes = [NODE.format(name=name, host=host, port=port) for name, port in NODES.items()]
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=host, folder=self.folder, lost_after=LOST_AFTER, nodes="\n".join(nodes)
            )
        )
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {host} {' '.join(NODES)}\n")
        self._start_munge()
        self._start("controller", "slurmctld", "-D")
        for name in NODES:
            self.start_node(name)
        self.wait_for("idle", *NODES)

    def _start_munge(self) -> None:
        if subprocess.run(["munge", "-n"], capture_output=True).returncode == 0:
            return  # one is running
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        self._start("munge", "runuser", "-u", "munge", "--", "munged", "--foreground")
        until(lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0)

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        spool = self.folder / f"spool-{name}"
        spool.mkdir(exist_ok=True)
        hosts = f"mount --bind {self.folder}/hosts /etc/hosts"  # by which nodes find each other
        daemon = f"hostname {name} && {hosts} && exec slurmd -D -N {name}"
        self._start(name, "unshare", "--uts", "--mount", "sh", "-c", daemon)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )

    def lose_node(self, name: str) -> None:
        """What a power failure does: whatever runs under the node's host name is gone."""
        daemon = self.daemons.pop(name)
        for process in same_host(daemon.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        daemon.wait()

    def wait_for(self, state: str, *nodes: str) -> None:
        """Wait until nodes are in a state of `sinfo`."""
        until(lambda: all(self.states().get(node, "").rstrip("*") == state for node in nodes))

    def states(self) -> dict[str, str]:
        """The state of each node."""
        told = self.ask("sinfo", "--noheader", "--Node", "--partition=usual", "--format=%N %T")
        return dict(line.split() for line in told.splitlines())

    def ask(self, *command: str) -> str:
        """What a command of SLURM prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout.strip() or done.stderr.strip()

    def stop(self) -> None:
        """End jobs and daemons, the controller after the nodes, who report to it."""
        self.ask("scancel", "--user=root")
        for name in reversed(self.daemons):
            self.daemons[name].terminate()
            self.daemons[name].wait()


def same_host(process: int) -> list[int]:
    """The processes under the same host name as this one, which is among them."""
    host, found = Path(f"/proc/{process}/ns/uts").stat().st_ino, []
    for place in Path("/proc").glob("[0-9]*/ns/uts"):
        with suppress(OSError):  # gone meanwhile, or not ours to look at
            if place.stat().st_ino == host:
                found.append(int(place.parts[2]))
    return found


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is true; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.2)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster while it is needed."""
    one = Cluster(folder)
    try:
        one.start()
        yield one
    finally:
        one.stop()
