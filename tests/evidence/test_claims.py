"""Every claim's statistic, on runs in which the answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facerot.config import SPLITS
from facerot.evidence.claims import CLAIMS, WITHOUT, judge_all, largest, smallest, spread
from facerot.paper import AE, BASELINE, SETS, number_of_concats
from facerot.runs.study import read_study
from tests.made_up import World, write

Wanted = Sequence[float]
Plant = Callable[[World, str, Wanted], None]

HOLDS = [0.03, 0.05, 0.04, 0.045]
FAILS = [-0.03, -0.05, -0.04, -0.045]
OPEN = [0.03, -0.05, 0.04, -0.05]
NOTHING = [0.1, -0.2, 0.15, -0.1]  # in units of the claim's margin


def above(base: float, wanted: Wanted, sign: int = 1) -> list[float]:
    return [base + sign * value for value in wanted]


def skips_help(world: World, split: str, wanted: Wanted) -> None:
    world.mse[BASELINE, split] = [0.1] * len(wanted)
    world.mse[AE, split] = above(0.1, wanted)


def latent1_lowpass(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", "1", "lowpass", above(0.5, wanted))


def latent2_side_face(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", "2", "side_match", above(0.5, wanted))


def deep_latents_no_colour(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", "1", "colour_kept", above(0.3, wanted))
    for keep, value in (("3", 0.1), ("4", 0.3), ("5", -0.2)):
        world.set(split, "rgb", keep, "colour_kept", value)


def latent1_colour(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", WITHOUT[1], "colour_kept", 0.3)
    for k in (2, 3, 5):
        world.set(split, "rgb", WITHOUT[k], "colour_kept", 0.9)
    world.set(split, "rgb", WITHOUT[4], "colour_kept", above(0.3, wanted))


def latent2_face(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", WITHOUT[2], "front_match", 0.3)
    world.set(split, "rgb", WITHOUT[1], "front_match", above(0.3, wanted))


def latent34_quality_only(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", WITHOUT[3], "rotation", above(0.5 - 0.1, wanted))
    world.set(split, "rgb", WITHOUT[4], "rotation", 0.52)


def latent5_rotation(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "rgb", WITHOUT[5], "eye_side_match", above(0.5, wanted))


def channels_do_not_mix(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "g", WITHOUT[2], "mixing_gg", above(0.9, wanted))


def mosaic_stays_put_by_purity(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "mosaic", WITHOUT[3], "tile_purity", above(0.9, wanted))


def mosaic_stays_put_by_shift(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "mosaic", WITHOUT[5], "boundary_shift", above(1.0, wanted, -1))


def mosaic_stays_put_by_edges(world: World, split: str, wanted: Wanted) -> None:
    world.set(split, "mosaic", WITHOUT[4], "edges_found", above(0.5, wanted))
    world.set(split, "mosaic", WITHOUT[4], "boundary_shift", [math.nan] * len(wanted))


def concat2_best_single(world: World, split: str, wanted: Wanted) -> None:
    world.mse["2", split] = [0.1] * len(wanted)
    world.mse["1", split] = [0.3] * len(wanted)
    world.mse["3", split] = above(0.1, wanted)
    world.mse["4", split] = [0.4] * len(wanted)


def concat2_is_enough(world: World, split: str, wanted: Wanted) -> None:
    world.mse[BASELINE, split] = [0.1] * len(wanted)
    world.mse["2", split] = above(0.1003, wanted, -1)


def concat3_hurts(world: World, split: str, wanted: Wanted) -> None:
    for concats, factor in (("2", 0.5), ("12", 1.5), ("24", 2.0), ("124", 0.0)):
        with3 = "".join(sorted(concats + "3"))
        world.mse[concats, split] = [0.2] * len(wanted)
        world.mse[with3, split] = [0.2 + factor * value for value in wanted]


def concats_overfit(world: World, split: str, wanted: Wanted) -> None:
    for concats in SETS:
        number = number_of_concats(concats)
        world.mse[concats, "train"] = [0.01] * len(wanted)
        world.mse[concats, "test"] = [0.02 * np.exp(value * number) for value in wanted]


PLANTS: dict[str, list[Plant]] = {
    "skips-help": [skips_help],
    "latent1-lowpass": [latent1_lowpass],
    "latent2-side-face": [latent2_side_face],
    "deep-latents-no-colour": [deep_latents_no_colour],
    "latent1-colour": [latent1_colour],
    "latent2-face": [latent2_face],
    "latent34-quality-only": [latent34_quality_only],
    "latent5-rotation": [latent5_rotation],
    "channels-do-not-mix": [channels_do_not_mix],
    "mosaic-stays-put": [
        mosaic_stays_put_by_purity,
        mosaic_stays_put_by_shift,
        mosaic_stays_put_by_edges,
    ],
    "concat2-best-single": [concat2_best_single],
    "concat2-is-enough": [concat2_is_enough],
    "concat3-hurts": [concat3_hurts],
    "concats-overfit": [concats_overfit],
}
CASES = [
    pytest.param(name, plant, wanted, verdict, id=f"{plant.__name__}-{verdict}")
    for name, plants in PLANTS.items()
    for plant in plants
    for wanted, verdict in ((HOLDS, "holds"), (FAILS, "fails"), (OPEN, "open"))
]


@pytest.mark.parametrize(("name", "plant", "wanted", "verdict"), CASES)
def test_a_claim_finds_what_was_planted(
    name: str, plant: Plant, wanted: Wanted, verdict: str
) -> None:
    (claim,) = (claim for claim in CLAIMS if claim.name == name)
    for split in claim.splits:
        world = World(seeds=len(wanted))
        plant(world, split, wanted)
        found = claim.judge(world.study(), split)
        assert found.value == pytest.approx(np.mean(wanted), abs=1e-9)
        assert (found.verdict, found.seeds) == (verdict, len(wanted))


@pytest.mark.parametrize("name", PLANTS)
def test_a_claim_with_no_effect_to_speak_of_is_null(name: str) -> None:
    (claim,) = (claim for claim in CLAIMS if claim.name == name)
    for split in claim.splits:
        world = World(seeds=len(NOTHING))
        PLANTS[name][0](world, split, [claim.margin * value for value in NOTHING])
        found = claim.judge(world.study(), split)
        assert (found.verdict, found.seeds) == ("null", len(NOTHING))


def test_a_verdict_stands_beside_that_of_the_gentler_fill() -> None:
    world = World(seeds=len(HOLDS))
    latent1_colour(world, "test", HOLDS)
    study = world.study()
    rows = [run.latents for run in study.runs if run.concats == BASELINE]
    for seed, table in enumerate(rows):  # under `mean` nothing depends on latent1
        mean = table.assign(fill="mean")
        mean.loc[mean["score"] == "colour_kept", "value"] = 0.5 + 0.001 * (seed % 2)
        rows[seed] = pd.concat([table, mean])
    runs = iter(rows)
    changed = [
        replace(run, latents=next(runs)) if run.concats == BASELINE else run for run in study.runs
    ]
    judged = {
        (one.claim.name, one.split): one for one in judge_all(replace(study, runs=tuple(changed)))
    }
    colour = judged["latent1-colour", "test"]
    assert colour.gentle is not None
    assert (colour.found.verdict, colour.gentle.verdict) == ("holds", "null")
    assert judged["skips-help", "test"].gentle is None
    for one in judged.values():
        assert math.isnan(one.found.p) or one.found.p <= one.holm <= 1


def test_a_seed_that_lacks_one_value_has_no_extreme() -> None:
    columns = [pd.Series({0: 1.0, 1: 2.0, 2: 3.0}), pd.Series({0: 4.0, 1: math.nan})]
    for extreme, known in ((smallest, 1.0), (largest, 4.0)):
        found = extreme(columns)
        assert found[0] == known
        assert found[[1, 2]].isna().all()


def test_the_spread_is_over_seeds_and_unknown_for_one() -> None:
    samples = np.random.default_rng(0).normal(size=(4, 3, 2))
    np.testing.assert_allclose(spread(samples), samples.std(axis=1, ddof=1))
    np.testing.assert_allclose(spread(samples[:, :2]), samples[:, :2].std(axis=1, ddof=1))
    alone = spread(samples[:, :1])
    assert alone.shape == (4, 2)
    assert np.isnan(alone).all()


@pytest.mark.parametrize(
    ("spread1", "spread2", "spread3", "verdict"),
    [
        (0.01, 0.02, 0.5, "holds"),
        (0.01, 0.5, 0.02, "fails"),
        (0.1, 0.1, 0.11, "null"),
        (0.9, 0.9, 1.0, "open"),
    ],
)
def test_latent3_seed_dependent_compares_spreads(
    spread1: float, spread2: float, spread3: float, verdict: str
) -> None:
    seeds = np.array([-1.2, 0.4, 1.1, -0.7, 0.9, -0.5, 0.8, -0.8])
    shuffled = np.random.default_rng(0).permuted(np.tile(seeds, (3, 1)), axis=1)
    world = World(seeds=len(seeds))
    for split in SPLITS:
        for k, wide in enumerate((spread1, spread2, spread3), start=1):
            rotation = (0.3 + wide * shuffled[k - 1]).tolist()
            world.set(split, "rgb", WITHOUT[k], "rotation", rotation)
    study = world.study()
    (claim,) = (claim for claim in CLAIMS if claim.name == "latent3-seed-dependent")
    wanted = (spread3 - max(spread1, spread2)) * seeds.std(ddof=1)
    for split in SPLITS:
        found = claim.judge(study, split)
        assert found.value == pytest.approx(wanted)
        assert found.verdict == verdict


def test_every_claim_of_the_paper_is_judged() -> None:
    assert [claim.name for claim in CLAIMS if claim.name not in PLANTS] == [
        "latent3-seed-dependent"
    ]
    assert len(CLAIMS) == 15


def test_the_papers_own_numbers_bear_out_its_tables() -> None:
    study = World(seeds=3).study()
    found = {claim.name: claim.judge(study, claim.splits[-1]).verdict for claim in CLAIMS}
    tables = ("skips-help", "concat2-best-single", "concat2-is-enough", "concat3-hurts",
              "concats-overfit")  # fmt: skip
    assert {name: found[name] for name in tables} == dict.fromkeys(tables, "holds")


def test_claims_about_the_face_are_judged_inside_it_and_the_frame_stands_beside() -> None:
    world = World(seeds=len(HOLDS))
    for (split, probe, keep, score), values in list(world.scores.items()):
        if probe == "rgb" and score != "mse":
            world.set(split, probe, keep, f"face_{score}", values)
    for split in SPLITS:
        latent2_side_face(world, split, HOLDS)
        world.set(split, "rgb", "2", "face_side_match", above(0.5, FAILS))
        deep_latents_no_colour(world, split, HOLDS)
    judged = {(one.claim.name, one.split): one for one in judge_all(world.study())}
    for split in SPLITS:
        face, colour = (judged[name, split] for name in ("latent2-side-face",
                                                         "deep-latents-no-colour"))  # fmt: skip
        assert face.beside is not None
        assert (face.region, face.found.verdict, face.beside.verdict) == ("face", "fails", "holds")
        assert colour.beside is not None
        assert (colour.region, colour.found.verdict) == ("frame", "holds")
        assert colour.beside.value == pytest.approx(0)
        assert judged["latent5-rotation", split].region == ""
        assert judged["latent5-rotation", split].beside is None


def test_a_run_without_the_face_box_puts_its_study_on_the_frame() -> None:
    world = World(seeds=len(HOLDS))
    latent2_side_face(world, "test", HOLDS)
    world.set("test", "rgb", "2", "face_side_match", 0.1)
    world.set("test", "rgb", "12345", "face_rotation", 0.1)
    study = world.study()
    assert study.inside is not None
    first, *rest = study.of(BASELINE)
    in_box = first.latents["score"].str.startswith("face_")
    mixed = replace(study, runs=(replace(first, latents=first.latents[~in_box]), *rest))
    (one,) = (one for one in judge_all(mixed)
              if (one.claim.name, one.split) == ("latent2-side-face", "test"))  # fmt: skip
    assert (one.region, one.found.verdict, one.found.seeds) == ("frame", "holds", len(HOLDS))
    assert one.beside is None


def test_what_was_measured_by_the_definitions_before_is_judged_as_far_as_it_goes() -> None:
    world = World(seeds=3)
    for key in [key for key in world.scores if key[3].startswith(("mixing", "edges"))]:
        split, probe, keep, score = key
        values = world.scores.pop(key)
        if score.startswith("mixing"):
            world.set(split, probe, keep, score.replace("mixing", "leakage"), values)
    for one in judge_all(world.study()):
        known = one.claim.name not in ("channels-do-not-mix", "mosaic-stays-put")
        assert one.found.seeds == (3 if known else 0)
        assert known or (one.found.verdict == "open" and math.isnan(one.found.value))
        assert one.region in ("", "frame")
        assert one.beside is None


def test_without_an_eye_band_the_claim_about_the_eyes_has_no_value() -> None:
    world = World(seeds=3)
    for key in [key for key in world.scores if key[3].startswith("eye_")]:
        del world.scores[key]
    (claim,) = (claim for claim in CLAIMS if claim.name == "latent5-rotation")
    found = claim.judge(world.study(), "test")
    assert (found.verdict, found.seeds) == ("open", 0)


def test_a_seed_that_lacks_a_run_or_a_number_does_not_count(tmp_path: Path) -> None:
    world = World(seeds=5)
    skips_help(world, "test", [0.03, 0.05, 0.04, 0.045, 0.04])
    world.set("test", "rgb", "1", "lowpass", [0.6, float("nan"), 0.6, 0.61, 0.6])
    for run in world.runs(tmp_path / "made-up"):
        write(run)
    for file in (tmp_path / "made-up" / f"concats-{AE}_seed-4").iterdir():
        file.unlink()
    study = read_study(tmp_path, "made-up")
    by_name = {claim.name: claim for claim in CLAIMS}
    assert by_name["skips-help"].judge(study, "test").seeds == 4
    assert by_name["latent1-lowpass"].judge(study, "test").seeds == 4
