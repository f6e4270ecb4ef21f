"""Where the turn is carried and made: statements, each a number by seed with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from facerot.evidence.bootstrap import Estimate, estimate
from facerot.evidence.claims import ALL, NONE, WITHOUT
from facerot.evidence.depth import crossings, drawn, read_at, several_yaws
from facerot.evidence.seeds import (
    FEWEST,
    FEWEST_COMPARED,
    cka_by_seed,
    comparable,
    mean_distances,
    outputs_of,
    two_clusters,
)
from facerot.evidence.shapley import interaction, shapley, worth_by_seed
from facerot.latents import IN_FACE, LATENTS, PLACES
from facerot.paper import BASELINE
from facerot.runs.study import Study

FRONT, TURN, COLOUR = f"{IN_FACE}front_match", f"{IN_FACE}rotation", "colour_kept"
SPLIT = "test"
OTHER = "other"  # another person, among the donors of a patch
COARSE = 8  # cycles a picture: what the grid of latent2 can tell of at 64 px


@dataclass(frozen=True)
class Answer:
    """A statement about the Baseline on test faces, and the number that it stands on.

    Attributes:
        if_above: what is so where the number is above 0.
        if_below: what is so where it is below.
        number: what the number is, in the words of docs/definitions.md.
        found: the number over seeds.
    """

    if_above: str
    if_below: str
    number: str
    found: Estimate

    @property
    def sentence(self) -> str:
        """What the number says; that it is open where its interval holds 0 or there is none."""
        said = {"holds": self.if_above, "fails": self.if_below}.get(self.found.verdict)
        return said or f"Open: {self.if_above[0].lower()}{self.if_above[1:]}"


def answers(study: Study) -> list[Answer]:
    """Every statement for which the study has tables of the Baseline, most of it first."""
    return [answer for source in SOURCES for answer in source(study)]


def _of_shapley(study: Study) -> Iterator[Answer]:
    """Who adds colour and turn, and who can stand in for whom."""
    turn, colour = _values(study, TURN), _values(study, COLOUR)
    if turn:
        yield _answer(
            "latent4 and latent5 turn the face", "latent4 and latent5 work against the turn",
            f"Shapley values of {TURN}, latent4 + latent5", turn[4] + turn[5],
        )  # fmt: skip
        yield _answer(
            "latent5 does more of it than latent4", "latent4 does more of it than latent5",
            f"Shapley values of {TURN}, latent5 - latent4", turn[5] - turn[4],
        )  # fmt: skip
        yield _answer(
            "latent1 and latent2 turn the face too",
            "latent1 and latent2 pull back to the side view: they carry it unturned",
            f"Shapley values of {TURN}, latent1 + latent2", turn[1] + turn[2],
        )  # fmt: skip
        pairs = interaction(worth_by_seed(study, TURN, SPLIT, BASELINE, LATENTS), LATENTS)
        yield _answer(
            "latent4 and latent5 need each other for the turn",
            "latent4 and latent5 can stand in for each other in the turn",
            f"interaction of latent4 and latent5 in {TURN}", pairs[4, 5],
        )  # fmt: skip
    if turn and (mild := _values(replace(study, fill="mean"), TURN)):
        yield _answer(
            "That they turn it is no effect of the zeros: it is so with the mean as well",
            "With silenced latents at their mean, latent4 and latent5 work against the turn",
            "the same with the fill mean", mild[4] + mild[5],
        )  # fmt: skip
    if colour:
        yield _answer(
            "Colour goes through latent1 rather than latent2",
            "Colour goes through latent2 rather than latent1",
            f"Shapley values of {COLOUR}, latent1 - latent2", colour[1] - colour[2],
        )  # fmt: skip
        yield _answer(
            "latent1 and latent2 carry more of it than latent3, latent4 and latent5 together",
            "latent3, latent4 and latent5 carry more of it than latent1 and latent2",
            f"Shapley values of {COLOUR}, latent1 + latent2 - the others",
            colour[1] + colour[2] - colour[3] - colour[4] - colour[5],
        )  # fmt: skip


def _of_dose(study: Study) -> Iterator[Answer]:
    """Whether more of a latent turns more than training did, and whether its effect is gradual."""
    turn = by_seed(study.further("dose"), ["latent", "factor"], TURN)
    if turn.empty:
        return
    for k in (5, 4):
        yield _answer(
            f"A quarter more of latent{k} turns the face further than training did",
            f"A quarter more of latent{k} turns it less",
            f"{TURN} with latent{k} times 1.25, minus as it is", turn[k, 1.25] - turn[k, 1.0],
        )  # fmt: skip
    yield _answer(
        "Half of latent5 gives more than half of its effect",
        "Half of latent5 gives less than half of its effect: it sets in late",
        f"{TURN} with latent5 times 0.5, minus the mean of times 0 and 1",
        turn[5, 0.5] - (turn[5, 0.0] + turn[5, 1.0]) / 2,
    )


def _of_ablation(study: Study) -> Iterator[Answer]:
    """Whether the turn is lost with the fill that costs least, too."""
    mild = replace(study, fill="optimal")
    kept = {keep: mild.score(TURN, keep, SPLIT) for keep in (ALL, WITHOUT[4], WITHOUT[5])}
    if kept[ALL].empty:
        return
    yield _answer(
        "Constants of least error in place of latent4 or latent5 cost the turn too",
        "Constants of least error in place of latent4 or latent5 turn the face further",
        f"{TURN}, all minus the mean of -4 and -5, fill optimal",
        kept[ALL] - (kept[WITHOUT[4]] + kept[WITHOUT[5]]) / 2,
    )


def _of_spectrum(study: Study) -> Iterator[Answer]:
    """Whether latent1 is a low-pass or the high band."""
    table = study.further("spectrum")
    if table.empty:
        return
    ours = table[(table["latent"] == 1) & (table["fill"] == "mean")]
    power = by_seed(ours, ["frequency"], "luma_power")
    fine = [frequency for frequency in power.columns if int(frequency) > COARSE]
    yield _answer(
        "What latent1 contributes is mostly fine: the high band",
        "What latent1 contributes is mostly coarse: a low-pass, as the paper says",
        f"share of its luma power above {COARSE} cycles a picture, minus 0.5 (fill mean)",
        power[fine].sum(axis=1) / power.sum(axis=1) - 0.5,
    )


def _of_patching(study: Study) -> Iterator[Answer]:
    """What comes in turned with another person's latents, what unturned, and where colour goes."""
    table = study.further("patching")
    if table.empty:
        return
    others = table[table["donor"] == OTHER]
    front, side, colour = (
        by_seed(others, ["patched"], score)
        for score in (f"{IN_FACE}front", f"{IN_FACE}side", "colour")
    )
    if not front.empty:
        yield _answer(
            "Another person's latent4 and latent5 come in turned: as the front of that person",
            "Another person's latent4 and latent5 come in unturned",
            "patching latent4 and latent5: face_front - face_side", front["45"] - side["45"],
        )  # fmt: skip
        yield _answer(
            "Another person's latent1 and latent2 come in turned too",
            "Another person's latent1 and latent2 come in unturned: as that person's side view",
            "patching latent1 and latent2: face_front - face_side", front["12"] - side["12"],
        )  # fmt: skip
    yield _answer(
        "The colour is that of the person whose latent1 and latent2 it is",
        "The colour is that of the person whose latent3, latent4 and latent5 it is",
        "patching latent1 and latent2: colour - 0.5", colour["12"] - 0.5,
    )  # fmt: skip


def _of_decodability(study: Study) -> Iterator[Answer]:
    """What the bottleneck tells of, and whether the output still tells the yaw of its input."""
    table = study.further("decodability")
    if table.empty:
        return
    ours = table[table["reader"] == "ridge"]
    told = by_seed(ours, ["what", "place"], "explained")
    if {("front", "latent5"), ("side", "latent5")} <= set(told.columns):
        yield _answer(
            "latent5 tells more of the front that is to come than of the side view",
            "latent5 tells more of the side view than of the front that is to come",
            "decodability at latent5: front - side",
            told["front", "latent5"] - told["side", "latent5"],
        )
    if ("yaw", "latent5") in told.columns:
        yield _answer(
            "latent5 tells the yaw better than the input does",
            "latent5 tells less of the yaw than the input: part of it is lost on the way down",
            "decodability of yaw: latent5 - input", told["yaw", "latent5"] - told["yaw", "input"],
        )  # fmt: skip


def _of_direction(study: Study) -> Iterator[Answer]:
    """Whether the output turns as a latent is moved the way it moves when the input is turned."""
    read, pushed = (
        by_seed(study.further("direction"), ["start", "added", "steps"], score)
        for score in ("yaw", "yaw_shuffled")
    )
    if read.empty:
        return
    settings = study.of(BASELINE)[0].settings
    way = np.sign(settings.target_yaw - np.mean(settings.source_yaw))
    unit = {k: (read["source", str(k), 1.0] - read["source", str(k), -1.0]) / 2 for k in LATENTS}
    chance = (pushed["source", "2", 1.0] - pushed["source", "2", -1.0]) / 2
    yield _answer(
        "latent2 hands the yaw on: moved as if the input were turned to the front, it turns the "
        "output that way",
        "latent2 turns against its input: moved as if that were turned to the front, it turns the "
        "output away",
        "degrees that a unit of latent2's yaw direction turns the output, in the sense of source "
        "to target", way * unit[2],
    )  # fmt: skip
    yield _answer(
        "It turns it further than a push of that length by chance",
        "A push of that length by chance turns it further",
        "the same without its sign, minus that of a direction by chance",
        unit[2].abs() - chance.abs(),
    )
    yield _answer(
        "latent4 and latent5 hand the yaw on too",
        "latent4 and latent5 say how far to turn: moved as if the input were frontal already, they "
        "turn the output less",
        "the same of latent4 + latent5", way * (unit[4] + unit[5]),
    )  # fmt: skip


def _of_depth(study: Study) -> Iterator[Answer]:
    """Where on its way a face stops being the source and becomes the target."""
    if several_yaws(study):
        source, target = (read_at(study, SPLIT, what) for what in ("source", "target"))
        yield _answer(
            "Going down, the target takes over from the source in the encoder, before latent5",
            "The target takes over from the source in the decoder, after latent5",
            "places from the crossing of the source's share to latent5",
            PLACES.index("latent5") - crossings(study, SPLIT),
        )
        yield _answer(
            "The Concats bring the source back", "The Concats bring no source back",
            "source as read from up3 - from up5", source["up3"] - source["up5"],
        )  # fmt: skip
        yield _answer(
            "The output tells more of the target than of the source",
            "The output tells more of the source than of the target",
            "target - source as read from the output", target["output"] - source["output"],
        )  # fmt: skip
    mild = replace(study, fill="mean")
    front, side = (drawn(mild, SPLIT, match) for match in ("front", "side"))
    turn = front - side
    if turn.empty:
        return
    yield _answer(
        "Of latent5 alone the decoder draws that person's front, beyond the mean face",
        "Of latent5 alone the decoder draws less of that person's front than the mean face has",
        f"{TURN}, keep 5 - none, the others at their mean",
        turn["up5"] - mild.score(TURN, NONE, SPLIT),
    )  # fmt: skip
    yield _answer(
        "latent1 and latent2 turn what latent3 to latent5 have drawn further",
        "latent1 and latent2 pull what latent3 to latent5 have drawn back to the side",
        f"{TURN}, all - keep 3, 4 and 5, the others at their mean",
        turn["output"] - turn["up3"],
    )


def _of_seeds(study: Study) -> Iterator[Answer]:
    """How far networks differ that differ in their initial values alone."""
    runs = comparable(study)
    if len(runs) < FEWEST_COMPARED:
        return
    alike = cka_by_seed(runs, SPLIT)
    if not alike.empty:
        yield _answer(
            "From seed to seed latent1 is more the same than latent5",
            "From seed to seed latent5 is more the same than latent1",
            "CKA with the other seeds: latent1 - latent5", alike[1] - alike[5],
        )  # fmt: skip
    try:
        points = outputs_of(runs, SPLIT)
    except (OSError, ValueError):
        return  # the page says so where the figure would be
    apart = {mask: pd.Series(mean_distances(one)) for mask, one in points.items()}
    yield _answer(
        "Without latent3 the seeds draw further apart than without latent1 or latent2",
        "The seeds draw further apart without latent1, or without latent2, than without latent3",
        "distance to the other seeds under -3, minus the larger of -1 and -2",
        apart["-3"] - np.maximum(apart["-1"], apart["-2"]),
    )
    if len(runs) >= FEWEST:
        yield Answer(
            "Without latent3 the seeds behave in two ways",
            "Without latent3 the seeds lie more evenly than one cloud does",
            "silhouette of two clusters under -3, minus that of one cloud (90 % of rotations)",
            two_clusters(points["-3"]).found,
        )


SOURCES: tuple[Callable[[Study], Iterator[Answer]], ...] = (
    _of_shapley,
    _of_ablation,
    _of_patching,
    _of_dose,
    _of_spectrum,
    _of_decodability,
    _of_direction,
    _of_depth,
    _of_seeds,
)


def by_seed(table: pd.DataFrame, key: Sequence[str], score: str) -> pd.DataFrame:
    """A column for each value of the key, a row a seed: a score of the Baseline on test faces."""
    if table.empty:
        return table
    ours = table[
        (table["concats"] == BASELINE) & (table["split"] == SPLIT) & (table["score"] == score)
    ]
    wide: pd.DataFrame = ours.pivot(index="seed", columns=list(key), values="value")
    return wide


def _values(study: Study, score: str) -> dict[int, pd.Series]:
    """The Shapley values of the Baseline by seed; empty where the study lacks the score."""
    known = score in study.latents.index.unique("score") and bool(study.of(BASELINE))
    worth = worth_by_seed(study, score, SPLIT, BASELINE, LATENTS) if known else {}
    return shapley(worth, LATENTS) if worth and len(worth[LATENTS]) else {}


def _answer(if_above: str, if_below: str, number: str, values: pd.Series) -> Answer:
    return Answer(if_above, if_below, number, estimate(values.dropna().to_numpy()))
