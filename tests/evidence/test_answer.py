"""The answer's sentences: they say what was planted, and open where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facerot.evidence.answer import Answer, answers
from facerot.evidence.claims import WITHOUT
from facerot.latents import LATENTS, KeepSet, keep_label, keep_sets
from facerot.runs.files import checksum, write_json
from facerot.runs.study import Study
from tests.made_up import World

JITTER = (-0.01, 0.0, 0.01)
Worth = Callable[[KeepSet], float]
Rows = Sequence[tuple[object, ...]]


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


def analysed(study: Study, folder: Path, name: str, rows: Rows, *columns: str) -> Study:
    """The study whose Baselines have NAME.csv with those rows, a little apart by seed."""
    runs = []
    for run in study.of("1234"):
        place = folder / run.folder.name
        place.mkdir(exist_ok=True)
        table = pd.DataFrame(rows, columns=[*columns, "score", "value"]).assign(split="test")
        table["value"] += JITTER[run.seed]
        table.to_csv(place / f"{name}.csv", index=False)
        told = {f"{name}.csv": checksum(place / f"{name}.csv")}
        write_json(place / f"{name}.json", {"sha256": told})
        runs.append(replace(run, folder=place))
    return replace(study, runs=tuple(runs))


@pytest.mark.parametrize(
    ("gain", "says"), [(0.1, "turns the face further"), (-0.1, "turns it less")]
)
def test_a_dose_is_read_from_what_was_analysed(tmp_path: Path, gain: float, says: str) -> None:
    rows = [
        (k, factor, "face_rotation", 0.1 * factor + gain * (factor > 1))
        for k in LATENTS
        for factor in (0, 0.25, 0.5, 0.75, 1, 1.25)
    ]
    dosed = analysed(study(lambda keep: 0.0), tmp_path, "dose", rows, "latent", "factor")
    assert f"A quarter more of latent5 {says}" in said(answers(dosed))
    (dosed.runs[0].folder / "dose.csv").write_text("damaged")
    assert "Open: a quarter more" in said(answers(dosed))


@pytest.mark.parametrize(
    ("without", "says"), [(0.1, "cost the turn too"), (0.9, "turn the face further")]
)
def test_what_is_lost_with_constants_of_least_error(
    tmp_path: Path, without: float, says: str
) -> None:
    kept = {"12345": 0.5, **{WITHOUT[k]: without for k in LATENTS}}
    rows = [("rgb", keep, "optimal", "face_rotation", value) for keep, value in kept.items()]
    asked = study(lambda keep: 0.0)
    ablated = analysed(asked, tmp_path, "ablation", rows, "probe", "keep", "fill")
    assert f"Constants of least error in place of latent4 or latent5 {says}" in said(
        answers(ablated)
    )


@pytest.mark.parametrize(
    ("frequency", "says"), [(20, "mostly fine"), (2, "mostly coarse: a low-pass")]
)
def test_a_spectrum_tells_fine_from_coarse(tmp_path: Path, frequency: int, says: str) -> None:
    rows = [(1, "mean", at, "luma_power", 1.0 * (at == frequency)) for at in (2, 8, 20)]
    seen = analysed(
        study(lambda keep: 0.0), tmp_path, "spectrum", rows, "latent", "fill", "frequency"
    )
    assert f"What latent1 contributes is {says}" in said(answers(seen))


@pytest.mark.parametrize("turned", [True, False])
def test_what_comes_in_with_a_patch_is_told(tmp_path: Path, turned: bool) -> None:
    side = 0.0 if turned else 0.6
    rows = [
        ("other", patched, score, value)
        for patched in ("45", "12")
        for score, value in (("face_front", 0.3), ("face_side", side), ("colour", 0.9 - side))
    ]
    asked = study(lambda keep: 0.0)
    found = said(answers(analysed(asked, tmp_path, "patching", rows, "donor", "patched")))
    come_in = "in turned" if turned else "in unturned"
    assert f"Another person's latent4 and latent5 come {come_in}" in found
    assert f"Another person's latent1 and latent2 come {come_in}" in found
    whose = "latent1 and latent2" if turned else "latent3, latent4 and latent5"
    assert f"The colour is that of the person whose {whose} it is" in found


def test_what_latent5_tells_of(tmp_path: Path) -> None:
    read = {
        ("front", "latent5"): 0.7, ("side", "latent5"): 0.2, ("yaw", "latent5"): 0.3,
        ("yaw", "input"): 0.8,
    }  # fmt: skip
    rows = [(*key, "ridge", "explained", value) for key, value in read.items()]
    rows += [(*key, "nearest", "explained", 0.5) for key in read]
    asked = study(lambda keep: 0.0)
    told = analysed(asked, tmp_path, "decodability", rows, "what", "place", "reader")
    found = said(answers(told))
    assert "latent5 tells more of the front that is to come than of the side view" in found
    assert "latent5 tells less of the yaw than the input" in found


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("source", [-45.0, 45.0])
def test_a_latent_that_hands_the_yaw_on_is_told_from_one_that_says_how_far_to_turn(
    tmp_path: Path, sign: int, source: float
) -> None:
    way = sign * np.sign(-source)
    turned = {"2": 12 * way, "4": -5 * way, "5": -5 * way}
    rows = [
        ("source", str(k), steps, score, steps * (turned.get(str(k), 0) if score == "yaw" else 1))
        for k in LATENTS
        for steps in (-1.0, 1.0)
        for score in ("yaw", "yaw_shuffled")
    ]
    asked = study(lambda keep: 0.0)
    runs = (replace(run, settings=replace(run.settings, source_yaw=[source])) for run in asked.runs)
    told = analysed(
        replace(asked, runs=tuple(runs)), tmp_path, "direction", rows, "start", "added", "steps"
    )
    found = said(answers(told))
    hands_on, says_how_far = "latent2 hands the yaw on", "latent4 and latent5 say how far to turn"
    assert (hands_on in found) == (says_how_far in found) == (sign > 0)
    assert "It turns it further than a push of that length by chance" in found
