"""How many CPU threads a job computes with."""

from __future__ import annotations

import os


def threads_for(asked: int | None, jobs: int) -> int | None:
    """The number asked for, else the cores divided by the jobs; None where OMP_NUM_THREADS says it.

    Args:
        asked: the setting `threads`.
        jobs: how many run at once; below 1 for as many as there are cores.
    """
    if asked is not None or "OMP_NUM_THREADS" in os.environ:
        return asked
    return max(1, cores() // (jobs if jobs >= 1 else cores()))


def cores() -> int:
    """Those that this process may use: a cluster may give a job fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
