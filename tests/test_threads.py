"""The share of the cores that a job computes with."""

from __future__ import annotations

import os

import pytest

from facerot.threads import threads_for


def test_a_job_takes_what_is_asked_else_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert threads_for(3, jobs=4) == 3
    assert [threads_for(None, jobs) for jobs in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    assert threads_for(None, jobs=-1) == 1  # as many jobs as cores
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert threads_for(None, jobs=1) is None
    assert threads_for(2, jobs=1) == 2
