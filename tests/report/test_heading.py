"""What the page's heading tells of runs that call for care."""

from __future__ import annotations

from pathlib import Path

from facerot.paper import BASELINE
from facerot.report.heading import about, missing
from facerot.runs.study import Study
from tests.made_up import made_up_run


def test_a_run_worse_than_the_mean_face_is_named_in_the_heading_alone(tmp_path: Path) -> None:
    good, bad = (made_up_run(tmp_path, BASELINE, seed, (0.01, 0.01 + seed)) for seed in (0, 1))
    told = dict(about(Study("made-up", tmp_path, (good, bad), ())))
    assert bad.folder.name in told["Worse than the mean face"]
    assert good.folder.name not in told["Worse than the mean face"]
    assert not any(bad.folder.name in line for line in missing(Study("s", tmp_path, (bad,), ())))
    assert "Worse than the mean face" not in dict(about(Study("s", tmp_path, (good,), ())))
