"""Sweeps on a real SLURM: disturbed in every way it knows, cancelled, one run on two nodes.

    python -m tests.slurm

Prints what was done to which job, the closing tables, and whether the weights are those of a
process alone. Exit code 1 where something is not as it is promised.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load

from tests.attacks import draw_faces
from tests.slurm.cluster import Cluster, cluster, lacking, until

SWEEP = ("budget=smoke", "model.channels=2", "latents.fills=[zero]", "trainer.epochs=400", "-m",
         "trainer.checkpoint_every=1", "concats=[],[2],[1,2,3,4]", "seed=range(0,4)")  # fmt: skip
ON_CLUSTER = ("hydra/launcher=slurm", "hydra.launcher.mem_gb=1")


class Sweep:
    """The command on the cluster, and a look at the run that a node is at."""

    def __init__(self, on: Cluster, home: Path) -> None:
        self.cluster, self.home, self.start = on, home, time.monotonic()
        self.disturbed: set[str | None] = set()
        self.process = train(on, home / "cluster", *ON_CLUSTER)

    def job_on(self, node: str) -> str:
        """The job on a node, once its run, undisturbed so far, is in its training."""
        until(lambda: self._run_on(node) is not None, 300)
        self.disturbed.add(self._run_on(node))
        return self.cluster.ask("squeue", "--noheader", "--states=R", f"--nodelist={node}",
                                "--partition=usual", "--format=%i")  # fmt: skip

    def _run_on(self, node: str) -> str | None:
        """The undisturbed run that a node trains and has a checkpoint of."""
        for checkpoint in self.home.glob("cluster/outputs/heads-smoke/*/checkpoints/last.ckpt"):
            run = checkpoint.parent.parent
            told = json.loads((run / "status.json").read_text())
            at_work = (told["status"], told["host"]) == ("running", node)
            if at_work and run.name not in self.disturbed:
                return run.name
        return None

    def tell(self, what: str) -> None:
        print(f"{time.monotonic() - self.start:4.0f} s  {what}", flush=True)

    def requeue(self) -> None:
        """An administrator cancels a running job and queues it again."""
        job = self.job_on("n1")
        self.cluster.ask("scontrol", "requeue", job)
        self.tell(f"job {job} on n1 cancelled and requeued")

    def warn(self) -> None:
        """The end of its time is near: SLURM's warning, of which submitit makes a requeue."""
        job = self.job_on("n1")
        self.cluster.ask("scancel", "--signal=USR2", job)
        self.tell(f"job {job} on n1 warned of the end of its time")

    def preempt(self) -> None:
        """Somebody's urgent job needs the node."""
        job = self.job_on("n1")
        self.cluster.ask("sbatch", "--partition=urgent", "--nodelist=n1", "--output=/dev/null",
                         "--wrap=sleep 1")  # fmt: skip
        self.tell(f"job {job} on n1 pre-empted by an urgent one")

    def lose_node(self) -> None:
        """A node is gone, and comes back once the cluster has noticed."""
        job = self.job_on("n2")
        self.cluster.lose_node("n2")
        self.tell(f"n2 lost with job {job}")
        self.cluster.wait_for("down", "n2")
        self.tell("n2 is down for the cluster; started again")
        self.cluster.start_node("n2")


def train(on: Cluster, folder: Path, *more: str) -> subprocess.Popen[str]:
    """The sweep, started in a folder; what is said later of a setting counts."""
    folder.mkdir(exist_ok=True)
    named = {word.split("=")[0] for word in more}
    usual = [word for word in SWEEP if word.split("=")[0] not in named]
    line = [sys.executable, "-m", "facerot.train", *usual, *more]
    return subprocess.Popen(
        [*line, f"data.root={folder.parent / 'faces.zip'}"],
        cwd=folder,
        env={**on.environment, "XDG_CACHE_HOME": str(folder.parent / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def weights(folder: Path) -> dict[str, bytes]:
    """The weights of every run below a folder, by the run's name."""
    found = folder.glob("outputs/heads-smoke/*/weights.safetensors")
    return {path.parent.name: path.read_bytes() for path in found}


def disturbed(on: Cluster, home: Path) -> bool:
    """Twelve jobs, disturbed in every way: whether their weights are those of the serial sweep."""
    sweep = Sweep(on, home)
    disturbances: tuple[Callable[[], None], ...] = (
        sweep.requeue, sweep.lose_node, sweep.warn, sweep.preempt,
    )  # fmt: skip
    try:
        for disturbance in disturbances:
            disturbance()
        said, _ = sweep.process.communicate()
    finally:
        sweep.process.kill()
    sweep.tell(f"the sweep ended with exit code {sweep.process.returncode}\n\n{said}")
    train(on, home / "serial", "jobs=1").communicate()
    there, wanted = weights(home / "cluster"), weights(home / "serial")
    same = sum(there.get(name) == one for name, one in wanted.items())
    print(f"{same} of {len(wanted)} weights are those of the serial sweep")
    left = sorted(path.name for path in home.glob("cluster/outputs/heads-smoke/.*"))
    print(f"left lying beside the runs: {', '.join(left) or 'nothing'}")
    return same == len(wanted) == 12 and not left and sweep.process.returncode == 0


def cancelled(on: Cluster, home: Path) -> bool:
    """Ctrl-C to the waiting command: whether its jobs end, and are told of."""
    sweep = train(on, home / "cancelled", *ON_CLUSTER, "concats=[]", "trainer.epochs=5000")
    until(lambda: bool(list(home.glob("cancelled/outputs/heads-smoke/*/checkpoints/*"))), 300)
    sweep.send_signal(signal.SIGINT)
    said, _ = sweep.communicate()
    print(f"\nCtrl-C: exit code {sweep.returncode}\n{said}")
    told = "2 interrupted, 2 not started" in said
    return sweep.returncode == 130 and told and not on.ask("squeue", "--noheader")


def on_two_nodes(on: Cluster, home: Path) -> bool:
    """One network trained by both nodes: whether its weights are those of one, but for rounding."""
    few = ("concats=[2]", "seed=0", "trainer.optimizer=sgd", "trainer.learning_rate=0.1",
           "trainer.epochs=20")  # fmt: skip
    many = ("trainer.nodes=2", "hydra.launcher.nodes=2")
    said, _ = train(on, home / "nodes", *ON_CLUSTER, *few, *many).communicate()
    train(on, home / "node", "jobs=1", *few).communicate()
    (one,), (two,) = weights(home / "node").values(), weights(home / "nodes").values()
    ours, theirs = load(one), load(two)
    furthest = max((ours[name].double() - theirs[name].double()).abs().max() for name in ours)
    print(f"\none run on two nodes: weights within {furthest:.1e} of those of one\n{said}")
    return bool(furthest < 1e-5)


def main() -> int:
    """Run, compare, and tell; 1 where something is not as it is promised."""
    missing = lacking()
    if missing:
        print(f"make test-slurm needs {missing}")
        return 1
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "slurm") as on:
        draw_faces(Path(folder) / "faces.zip")
        fine = [proof(on, Path(folder)) for proof in (disturbed, cancelled, on_two_nodes)]
    return int(not all(fine))


if __name__ == "__main__":
    sys.exit(main())
