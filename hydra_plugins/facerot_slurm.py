"""The Hydra launcher of hydra/launcher=slurm: the jobs of a sweep as one array of a cluster.

Hydra finds its plugins in the package `hydra_plugins`. See conf/hydra/launcher/slurm.yaml.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn

from facerot import interrupt
from facerot.errors import require
from facerot.runs.sweep import BY_SIGNAL

try:
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
except ImportError:  # without the extra, which `setup` tells

    class SlurmLauncher(BasicLauncher):  # type: ignore[no-redef]
        """Takes its settings."""

        def __init__(self, **_: Any) -> None:
            super().__init__()


LOOK_EVERY = 10  # seconds between two questions of what the cluster still has


class Slurm(SlurmLauncher):  # type: ignore[misc]
    """Submits the jobs and waits for their end; each leaves its word in the sweep's folder.

    Raises SettingsError where the extra or SLURM's commands are missing.
    """

    def setup(self, **kwargs: Any) -> None:
        """What Hydra does before it launches."""
        require(
            find_spec("submitit") is not None,
            "hydra/launcher=slurm needs an extra: pip install 'facerot[slurm]'",
        )
        require(
            shutil.which("sbatch") is not None,
            "hydra/launcher=slurm needs sbatch, which is not here: type it on a machine of the "
            "cluster, or leave it out",
        )
        super().setup(**kwargs)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Submit, and wait: what became of the jobs is in their words, none is returned."""
        import submitit

        folder = Path(self.config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        params = dict(self.params)
        place, requeues = params.pop("submitit_folder"), params.pop("max_num_timeout")
        executor = submitit.SlurmExecutor(place, max_num_timeout=requeues)
        executor.update_parameters(**executor._convert_parameters(params))
        state = Singleton.get_state()
        calls = [
            (list(overrides), "hydra.sweep.dir", number, f"job_{number}", state)
            for number, overrides in enumerate(job_overrides, initial_job_idx)
        ]
        jobs = executor.map_array(self, *zip(*calls))
        array = jobs[0].job_id.split("_")[0]
        logs = str(place).replace("%j", f"{array}*")
        print(f"submitted as job {array}; what each says: {logs}", flush=True)
        wait_for_end_of(array)
        os.utime(folder)  # or a network file system may hide what other machines wrote
        return []

    def __call__(self, *args: Any) -> JobReturn:
        """One job, on a node; where a signal ended it, its run is saved, and it is queued again.

        SLURM warns a job before its time is up, and when another one needs its place.
        """
        from submitit import JobEnvironment

        job = JobEnvironment()
        if job.num_tasks > 1:  # trainer.devices on each of trainer.nodes
            port = 20000 + int(job.raw_job_id) % 20000  # another one for each job of a machine
            os.environ.update(
                NODE_RANK=str(job.node),
                LOCAL_RANK=str(job.local_rank),
                MASTER_ADDR=job.hostnames[0],
                MASTER_PORT=str(port),
            )
        warning = signal.Signals[f"SIG{job.USR_SIG}"]
        requeue = signal.getsignal(warning)  # submitit's
        with interrupt.listening(is_child=True, also=warning):
            returned: JobReturn = super().__call__(*args)
            asked = interrupt.asked()
        if asked is not None and returned.return_value.status in BY_SIGNAL:
            if callable(requeue) and squeue(job.job_id, "--states=RUNNING"):  # nobody cancelled it
                requeue(asked, None)
            raise SystemExit(interrupt.exit_code(asked))  # without a result: it is not done
        return returned


def wait_for_end_of(array: str) -> None:
    """Wait while the cluster has anything of a job array; a signal to this process cancels it."""
    cancelled = False
    while squeue(array):
        for _ in range(LOOK_EVERY):
            if interrupt.asked() and not cancelled:
                subprocess.run(["scancel", array], check=False)
                cancelled = True
            time.sleep(1)


def squeue(jobs: str, *options: str) -> bool:
    """Whether SLURM has such jobs in its queue; taken for true where it does not answer."""
    line = ["squeue", "--noheader", f"--jobs={jobs}", *options]
    answer = subprocess.run(line, capture_output=True, text=True)
    if answer.returncode == 0:
        return bool(answer.stdout.strip())
    return "Invalid job id" not in answer.stderr  # those it has forgotten
