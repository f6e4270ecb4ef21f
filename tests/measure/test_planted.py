"""The instrument on networks whose latents' roles we set by hand: it must find exactly those."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from facerot.config import SPLITS
from facerot.evidence.claims import CLAIMS, WITHOUT, judge_all
from facerot.measure.scores import Regions, blur
from facerot.measure.silencing import averages, silence
from facerot.measure.tables import FACE
from facerot.paper import BASELINE
from facerot.runs.study import Study
from tests.made_up import made_up_run
from tests.planted import SIZE, Roles, planted

SEEDS, PERSONS = 3, 6
REGIONS = Regions(eye_band=(0.4, 0.6), face_box=(0.25, 0.25, 0.75, 0.75))


class MadeUpFaces:
    """Train and test faces of all seeds, as `silence` asks for them; persons are named by seed."""

    def __init__(self, two_coloured: bool) -> None:
        self.two_coloured = two_coloured

    def batches(self, split: str) -> Iterator[tuple[Tensor, Tensor]]:
        numbers = [10 * seed + SPLITS.index(split) for seed in range(SEEDS)]
        of_seeds = [faces(number, self.two_coloured) for number in numbers]
        x, y = (torch.cat(part) for part in zip(*of_seeds))
        yield x, y

    def people(self, split: str) -> pd.DataFrame:
        rows = [(f"seed{seed}", "", -45.0, False) for seed in range(SEEDS) for _ in range(PERSONS)]
        people: pd.DataFrame = pd.DataFrame(rows, columns=FACE)
        return people


def faces(seed: int, two_coloured: bool = False) -> tuple[Tensor, Tensor]:
    """Side and front views (PERSONS, 3, SIZE, SIZE): the front is the side flipped.

    What turns is the luma; the chroma is left-right symmetric, so that it may stay in its place.
    With `two_coloured` the chroma of the face box is Cr alone, that around it Cb alone.
    """
    generator = torch.Generator().manual_seed(seed)

    def field(sigma: float) -> Tensor:
        smooth = blur(torch.randn(PERSONS, SIZE, SIZE, generator=generator), sigma)
        return smooth / smooth.std()

    luma = 0.6 + 0.05 * field(1.5)
    cb, cr = (0.04 * (one + one.flip(-1)) for one in (field(2.5), field(2.5)))
    if two_coloured:
        in_box = torch.zeros(SIZE, SIZE)
        in_box[REGIONS.windows(SIZE)["face_"]] = 1
        cb, cr = cb * (1 - in_box), cr * in_box
    chroma = torch.stack([1.402 * cr, -0.344136 * cb - 0.714136 * cr, 1.772 * cb], dim=1)
    side, front = ((one[:, None] + chroma).clamp(0, 1) for one in (luma, luma.flip(-1)))
    return side, front


@cache
def study_of(roles: Roles, two_coloured: bool = False) -> Study:
    """The study of one planted network as the Baseline; its seeds are sets of persons."""
    runs, whole = [], silence(planted(roles), MadeUpFaces(two_coloured), ["zero"], REGIONS)
    for seed in range(SEEDS):
        table = whole[whole["person"] == f"seed{seed}"]
        full = table.query("probe == 'rgb' and keep == '12345' and score == 'mse'")
        mse = full.groupby("split", observed=True)["value"].mean()
        both = (float(mse["train"]), float(mse["test"]))
        latents = averages(table).itertuples(index=False, name=None)
        runs.append(made_up_run(Path("planted"), BASELINE, seed, both, latents))
    return Study("planted", Path("planted"), tuple(runs), ())


COLOUR_BY_1 = Roles(colour={1: 1.0}, side={}, front=1.0)
COLOUR_BY_2 = Roles(colour={2: 1.0}, side={}, front=1.0)
TURNED_BY_5 = Roles(colour={1: 1.0}, side={2: 1.0}, front=1.0, undo_side=1.0)
NEVER_TURNED = Roles(colour={1: 1.0}, side={2: 1.0})
FACE_BY_1 = Roles(colour={}, side={1: 1.0}, front=1.0, undo_side=1.0, blurred=True)
TWICE = Roles(colour={1: 0.7, 2: 0.7}, side={1: 0.7, 2: 0.7})
GREY = Roles(colour={}, side={1: 0.7, 2: 0.7})
SHIFTED = Roles(colour={1: 1.0}, side={1: 1.0}, shift=True)
SMEARED = Roles(colour={2: 0.2}, side={2: 0.2}, floor=0.4, smeared=True)
FLOORED = Roles(colour={1: 0.7, 2: 0.7}, side={1: 0.7, 2: 0.7}, floor=0.45)
APART = Roles(colour={1: 1.0, 2: 1.0}, side={}, floor=0.5, apart=True)

CASES = {
    "colour by latent1": (COLOUR_BY_1, {
        "latent1-colour": "holds", "deep-latents-no-colour": "holds",
        "latent34-quality-only": "holds", "latent2-face": "fails", "channels-do-not-mix": "fails",
    }),
    "colour by latent2": (COLOUR_BY_2, {
        "latent1-colour": "fails", "deep-latents-no-colour": "null",
        "latent34-quality-only": "holds",
    }),
    "turned by latent5": (TURNED_BY_5, {
        "latent5-rotation": "holds", "latent2-side-face": "holds", "latent2-face": "fails",
        "latent1-colour": "holds", "latent34-quality-only": "holds",
    }),
    "never turned": (NEVER_TURNED, {"latent5-rotation": "null", "latent2-side-face": "holds"}),
    "low-pass by latent1": (FACE_BY_1, {"latent1-lowpass": "holds", "latent5-rotation": "holds"}),
    "channels apart": (TWICE, {"channels-do-not-mix": "holds", "mosaic-stays-put": "holds"}),
    "a grey floor": (FLOORED, {"channels-do-not-mix": "holds", "mosaic-stays-put": "holds"}),
    "edges blurred away": (SMEARED, {"mosaic-stays-put": "fails"}),
    "channels mixed": (GREY, {"channels-do-not-mix": "fails", "mosaic-stays-put": "fails"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_claims_find_the_planted_roles(case: str) -> None:
    roles, wanted = CASES[case]
    study = study_of(roles)
    found = {
        (claim.name, split): claim.judge(study, split).verdict
        for claim in CLAIMS
        if claim.name in wanted
        for split in claim.splits
    }
    assert found == {(name, split): wanted[name] for name, split in found}


def test_the_scores_find_the_planted_roles() -> None:
    study = study_of(TURNED_BY_5)

    def score(name: str, keep: str) -> float:
        return float(study.score(name, keep, "test").mean())

    colour = {k: score("colour_kept", keep) for k, keep in WITHOUT.items()}
    assert colour[1] == pytest.approx(0, abs=0.01)
    assert min(colour[3], colour[4], colour[5]) > 0.9
    assert score("rotation", "12345") > 0.5
    assert score("rotation", WITHOUT[5]) < -0.5
    for k in (3, 4):  # carry nothing
        assert score("rotation", WITHOUT[k]) == pytest.approx(score("rotation", "12345"))
        assert score("mse", WITHOUT[k]) == pytest.approx(score("mse", "12345"))
    assert score("front_match", "12345") > 0.95
    assert score("side_match", "2") > 0.95


def test_a_planted_shift_is_measured_in_pixels() -> None:
    study = study_of(SHIFTED)
    shift, found = (
        study.score(name, "12345", "train", probe="mosaic").to_numpy()
        for name in ("boundary_shift", "edges_found")
    )
    assert shift == pytest.approx(2, abs=0.25)
    assert found == pytest.approx(1)


def test_edges_that_are_blurred_away_are_not_found() -> None:
    study = study_of(SMEARED)
    shift, found = (
        study.score(name, "12345", "train", probe="mosaic").to_numpy()
        for name in ("boundary_shift", "edges_found")
    )
    assert found == pytest.approx(0, abs=0.1)
    assert np.isnan(shift[found == 0]).all()


def test_a_floor_of_the_output_is_leakage_and_no_mixing() -> None:
    study = study_of(FLOORED)
    for channel in "rgb":
        leakage, mixing = (
            study.score(f"{score}_{channel}{channel}", "12345", "test", probe=channel).to_numpy()
            for score in ("leakage", "mixing")
        )
        assert mixing.min() > 0.95
        assert leakage.max() < 0.85


def test_colour_of_the_face_is_told_from_that_of_the_background() -> None:
    study = study_of(APART, two_coloured=True)
    assert study.inside is not None
    kept = {
        (region, k): one.score("colour_kept", WITHOUT[k], "test").to_numpy()
        for region, one in (("frame", study), ("face", study.inside))
        for k in (1, 2)
    }
    assert kept["face", 1].min() > 0.9  # latent1 carries the background's alone
    assert kept["face", 2].max() < 0.1
    assert kept["frame", 1].max() < kept["frame", 2].min()
    (colour,) = (one for one in judge_all(study)
                 if (one.claim.name, one.split) == ("latent1-colour", "test"))  # fmt: skip
    assert colour.beside is not None
    assert (colour.region, colour.found.verdict, colour.beside.verdict) == (
        "frame", "holds", "fails",
    )  # fmt: skip
