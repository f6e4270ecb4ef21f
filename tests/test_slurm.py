"""A sweep on a cluster: what is said where there is none; on a real one `make test-slurm`."""

from __future__ import annotations

import pytest

from facerot.train import main as train_main
from hydra_plugins import facerot_slurm
from tests.conftest import InProcess

LINE = ("budget=smoke", "seed=0,1", "-m", "hydra/launcher=slurm")


def test_a_missing_extra_is_named(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facerot_slurm, "find_spec", lambda _: None)
    told = in_process(train_main, *LINE)
    assert told == "facerot: hydra/launcher=slurm needs an extra: pip install 'facerot[slurm]'"


def test_a_missing_cluster_is_named(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facerot_slurm, "find_spec", lambda _: object())
    monkeypatch.setenv("PATH", "")
    told = in_process(train_main, *LINE)
    assert told is not None
    assert told.startswith("facerot: hydra/launcher=slurm needs sbatch, which is not here")
