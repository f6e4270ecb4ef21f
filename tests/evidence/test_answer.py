"""The answer's sentences: they say what was planted, and open where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from facerot.evidence.answer import Answer, answers
from facerot.latents import LATENTS, KeepSet, keep_label, keep_sets
from facerot.runs.files import checksum, write_json
from facerot.runs.study import Study
from tests.made_up import World

JITTER = (-0.01, 0.0, 0.01)
Worth = Callable[[KeepSet], float]


def study(turn: Worth, colour: Worth = lambda keep: 0.0, seeds: int = 3) -> Study:
    """Runs in which the scores of a keep set are as told, a little apart by seed."""
    world = World(seeds=seeds)
    for keep in keep_sets(LATENTS):
        for score, worth in (("face_rotation", turn), ("colour_kept", colour)):
            values = [worth(keep) * (1 + jitter) for jitter in JITTER[:seeds]]
            world.set("test", "rgb", keep_label(keep), score, values)
    return world.study()


def said(found: list[Answer]) -> str:
    return "\n".join(one.sentence for one in found)


def test_what_turns_and_what_carries_colour_is_named() -> None:
    found = said(answers(study(lambda keep: 0.6 * (5 in keep), lambda keep: float(1 in keep))))
    assert "latent4 and latent5 turn the face" in found
    assert "\nlatent5 does more of it than latent4" in found
    assert "\nColour goes through latent1 rather than latent2" in found
    found = said(
        answers(study(lambda keep: -0.5 * (2 in keep) + 0.3 * (4 in keep), lambda keep: 2 in keep))
    )
    assert "latent4 does more of it than latent5" in found
    assert "latent1 and latent2 pull back to the side view" in found
    assert "Colour goes through latent2 rather than latent1" in found


@pytest.mark.parametrize(
    ("worth", "says"),
    [
        (lambda keep: float(4 in keep or 5 in keep), "can stand in for each other"),
        (lambda keep: float(4 in keep and 5 in keep), "need each other"),
    ],
)
def test_duplicates_and_halves_are_told_apart(worth: Worth, says: str) -> None:
    assert f"latent4 and latent5 {says}" in said(answers(study(worth)))


def test_without_three_seeds_all_is_open_and_without_tables_nothing_is_said() -> None:
    two = answers(study(lambda keep: float(5 in keep), seeds=2))
    assert two
    assert all(one.sentence.startswith("Open: ") and one.found.seeds == 2 for one in two)
    assert answers(World(seeds=3).study()) == []  # not every keep set was measured


@pytest.mark.parametrize(
    ("gain", "says"), [(0.1, "turns the face further"), (-0.1, "turns it less")]
)
def test_a_dose_is_read_from_what_was_analysed(tmp_path: Path, gain: float, says: str) -> None:
    runs = []
    for run in study(lambda keep: 0.0).of("1234"):
        folder = tmp_path / run.folder.name
        folder.mkdir()
        rows = [
            (
                "test",
                k,
                factor,
                "face_rotation",
                0.1 * factor + gain * (factor > 1) + JITTER[run.seed],
            )
            for k in LATENTS
            for factor in (0, 0.25, 0.5, 0.75, 1, 1.25)
        ]
        table = pd.DataFrame(rows, columns=["split", "latent", "factor", "score", "value"])
        table.to_csv(folder / "dose.csv", index=False)
        write_json(folder / "dose.json", {"sha256": {"dose.csv": checksum(folder / "dose.csv")}})
        runs.append(replace(run, folder=folder))
    found = said(answers(replace(study(lambda keep: 0.0), runs=tuple(runs))))
    assert f"A quarter more of latent5 {says}" in found
    (folder / "dose.csv").write_text("damaged")
    assert "Open: a quarter more" in said(
        answers(replace(study(lambda keep: 0.0), runs=tuple(runs)))
    )
