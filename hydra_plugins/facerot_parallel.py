"""The Hydra launcher of hydra/launcher=parallel: the jobs of a sweep on the cores of one machine.

Hydra finds its plugins in the package `hydra_plugins`. See conf/hydra/launcher/parallel.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.utils import JobReturn
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from joblib.externals.loky.process_executor import TerminatedWorkerError

from facerot import interrupt


class Parallel(JoblibLauncher):  # type: ignore[misc]
    """Hydra's joblib launcher, which goes on where a process of the sweep was killed."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs; half as many at once each time that one is killed, as for want of memory.

        What is finished is then skipped. Of the rest the closing table tells.
        """
        try:
            returned: Sequence[JobReturn] = super().launch(job_overrides, initial_job_idx)
            return returned
        except TerminatedWorkerError:
            at_once = self.joblib["n_jobs"] // 2
            if interrupt.asked() or at_once < 1:
                return []
        why = "a process of the sweep was killed, perhaps for want of memory"
        print(f"{why}: goes on with {at_once} at once", flush=True)
        self.joblib["n_jobs"] = at_once
        return self.launch(job_overrides, initial_job_idx)
