"""The paper's claims as tests: a signed number a seed, positive as claimed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from facerot.config import SPLITS
from facerot.evidence.bootstrap import Estimate, Statistic, Values, estimate, holm, mean
from facerot.latents import IN_FACE, IN_FRAME, LATENTS, keep_label, remove
from facerot.paper import AE, BASELINE, SETS, number_of_concats
from facerot.runs.study import Study

ALL, NONE = keep_label(LATENTS), keep_label(())
WITHOUT = {k: keep_label(remove(LATENTS, k)) for k in LATENTS}
SMALL_ROTATION = 0.1  # claim 7: a smaller change of `rotation` is no influence
PURE = 0.9  # claims 10 and 11: share of the response's energy that stays in its own channel
STILL = 1.0  # px, claim 11
EDGED = 0.5  # claim 11: share of faces whose output has colour edges
NO_WORSE = 0.0003  # MSE, claim 13
REGIONS = {IN_FRAME: "frame", IN_FACE: "face"}
SILENCED = ("figure5", "figure6", "figure7", "figure8", "figure9")
GENTLE = "mean"  # the fill that disturbs the decoder less than `zero`, shown beside it
# What is too little to matter: a claim whose whole 90 % interval lies within is `null`.
MSE_MARGIN = 0.0003  # as claim 13 has it: what the paper prints as equal
SCORE_MARGIN = 0.05  # of a correlation or a share: not to be seen in a picture
SLOPE_MARGIN = 0.02  # a Concat: over all four the ratio of the errors changes by 8 %

PerSeed = Callable[[Study, str], "pd.Series | pd.DataFrame"]


@dataclass(frozen=True)
class Claim:
    """One claim: what it says, where the paper shows it, and the number that decides it.

    Attributes:
        region: where it is judged, IN_FACE if it speaks of the face (on the frame where a study has
            no face box), IN_FRAME if of colour; None where there is no choice.
    """

    name: str
    sentence: str
    formula: str
    rests_on: str  # the table or figure of the report
    splits: tuple[str, ...]
    per_seed: PerSeed
    statistic: Statistic
    margin: float
    region: str | None = None

    @property
    def silences(self) -> bool:
        """Whether it rests on silenced latents, and so on what they become."""
        return self.rests_on in SILENCED

    def judge(self, study: Study, split: str) -> Estimate:
        """The statistic over the seeds that have all the runs it needs; `verdict` says the rest."""
        return self._on(self.judged_on(study), split)

    def judge_beside(self, study: Study, split: str) -> Estimate | None:
        """The same in the other region, face or frame; None where there is none."""
        if self.region is None or study.inside is None:
            return None
        return self._on(study if self.region == IN_FACE else study.inside, split)

    def judged_on(self, study: Study) -> Study:
        """The study with its scores taken in the region that the claim speaks of."""
        return study.inside if self.region == IN_FACE and study.inside else study

    def _on(self, study: Study, split: str) -> Estimate:
        values = self.per_seed(study, split).dropna().to_numpy(dtype=float)
        return estimate(values, self.statistic, self.margin)


CLAIMS: list[Claim] = []


def claim(
    sentence: str,
    rests_on: str,
    splits: tuple[str, ...] = SPLITS,
    statistic: Statistic = mean,
    margin: float = SCORE_MARGIN,
    region: str | None = None,
) -> Callable[[PerSeed], PerSeed]:
    """Enter a function of (study, split) as the claim of its name, its docstring as the formula."""

    def enter(per_seed: PerSeed) -> PerSeed:
        name = per_seed.__name__.replace("_", "-")
        formula = (per_seed.__doc__ or "").rstrip(".")
        one = Claim(name, sentence, formula, rests_on, splits, per_seed, statistic, margin, region)
        CLAIMS.append(one)
        return per_seed

    return enter


@dataclass(frozen=True)
class Judged:
    """A claim, the faces it was judged on, and what came out.

    Attributes:
        found: with silenced latents set to 0, as in the paper.
        region: where, `face` or `frame`; empty where there is no choice.
        beside: the same in the other region; None where there is none.
        gentle: with them set to their mean; None where nothing is silenced.
        holm: p-value of `found`, corrected for the number of verdicts.
    """

    claim: Claim
    split: str
    found: Estimate
    region: str
    beside: Estimate | None
    gentle: Estimate | None
    holm: float


def judge_all(study: Study) -> list[Judged]:
    """Every claim on every split that it is judged on, in their order."""
    gentle = replace(study, fill=GENTLE)
    asked = [(entry, split) for entry in CLAIMS for split in entry.splits]
    found = [entry.judge(study, split) for entry, split in asked]
    return [
        Judged(
            entry,
            split,
            one,
            region="" if entry.region is None else REGIONS[entry.judged_on(study).region],
            beside=entry.judge_beside(study, split),
            gentle=entry.judge(gentle, split) if entry.silences else None,
            holm=p,
        )
        for (entry, split), one, p in zip(asked, found, holm([one.p for one in found]))
    ]


def smallest(columns: Sequence[pd.Series]) -> pd.Series:
    """The smallest of several values a seed; nan for a seed that lacks one of them."""
    return pd.concat(columns, axis=1).min(axis=1, skipna=False)


def largest(columns: Sequence[pd.Series]) -> pd.Series:
    """The largest of several values a seed; nan for a seed that lacks one of them."""
    return pd.concat(columns, axis=1).max(axis=1, skipna=False)


def spread(samples: Values) -> Values:
    """Standard deviation over seeds, (..., seeds, c) -> (..., c); nan for one."""
    if samples.shape[-2] < 2:
        return np.full_like(samples[..., 0, :], np.nan)
    return np.asarray(samples.std(axis=-2, ddof=1))


def excess_spread(samples: Values) -> Values:
    """(r, seeds, 3) -> (r,): the spread of the last column above the larger of the others."""
    first, second, last = np.moveaxis(spread(samples), -1, 0)
    return np.asarray(last - np.maximum(first, second))


@claim(
    "The skips lower the error: the U-Net is better than the auto-encoder.",
    "table1",
    margin=MSE_MARGIN,
)
def skips_help(study: Study, split: str) -> pd.Series:
    """MSE(AE) - MSE(U-Net)."""
    return study.mse(AE, split) - study.mse(BASELINE, split)


@claim("latent1 alone gives a low-pass filtered copy of the input.", "figure5")
def latent1_lowpass(study: Study, split: str) -> pd.Series:
    """Keep 1: lowpass - luma_front_match."""
    return study.score("lowpass", "1", split) - study.score("luma_front_match", "1", split)


@claim("latent2 alone gives the face as the side view shows it.", "figure5", region=IN_FACE)
def latent2_side_face(study: Study, split: str) -> pd.Series:
    """Keep 2: side_match - front_match."""
    return study.score("side_match", "2", split) - study.score("front_match", "2", split)


@claim(
    "latent3, latent4 and latent5 alone carry no colour, latent1 does.", "figure5", region=IN_FRAME
)
def deep_latents_no_colour(study: Study, split: str) -> pd.Series:
    """colour_kept(keep 1) - max over k = 3, 4, 5 of colour_kept(keep k)."""
    first, *deep = (study.score("colour_kept", k, split) for k in "1345")
    return first - largest(deep)


@claim(
    "Colour is lost without latent1, and less without any other latent.", "figure6", region=IN_FRAME
)
def latent1_colour(study: Study, split: str) -> pd.Series:
    """Min over k != 1 of colour_kept(-k) - colour_kept(-1)."""
    return _loss_beyond_the_others(study, "colour_kept", 1, split)


@claim(
    "The face is lost without latent2, and less without any other latent.",
    "figure6",
    region=IN_FACE,
)
def latent2_face(study: Study, split: str) -> pd.Series:
    """Min over k != 2 of front_match(-k) - front_match(-2)."""
    return _loss_beyond_the_others(study, "front_match", 2, split)


def _loss_beyond_the_others(study: Study, score: str, k: int, split: str) -> pd.Series:
    without = {i: study.score(score, keep, split) for i, keep in WITHOUT.items()}
    return smallest([value for i, value in without.items() if i != k]) - without[k]


@claim(
    "Without latent3 or latent4 the face still turns; only its quality drops.",
    "figure6",
    region=IN_FACE,
)
def latent34_quality_only(study: Study, split: str) -> pd.Series:
    """0.1 - max over k = 3, 4 of |rotation(-k) - rotation(all)|."""
    whole = study.score("rotation", ALL, split)
    changes = [(study.score("rotation", WITHOUT[k], split) - whole).abs() for k in (3, 4)]
    return SMALL_ROTATION - largest(changes)


@claim("Without latent5 the eyes of the side view show through: it turns the face.", "figure6")
def latent5_rotation(study: Study, split: str) -> pd.Series:
    """Eye band: side_match(-5) - side_match(all)."""
    side = [study.score("eye_side_match", keep, split) for keep in (WITHOUT[5], ALL)]
    return side[0] - side[1]


@claim(
    "What latent3 does depends on the initial values; what latent1 and latent2 do does not.",
    "figure7",
    statistic=excess_spread,
)
def latent3_seed_dependent(study: Study, split: str) -> pd.DataFrame:
    """Spread over seeds of rotation(-3), minus the larger of the spreads for -1 and -2."""
    columns = [study.score("rotation", WITHOUT[k], split) for k in (1, 2, 3)]
    return pd.concat(columns, axis=1)


@claim("An input of one colour channel comes out in that channel, whatever is removed.", "figure8")
def channels_do_not_mix(study: Study, split: str) -> pd.Series:
    """Smallest diagonal of mixing over all removals, minus 0.9."""
    diagonal = [
        study.score(f"mixing_{channel}{channel}", keep, split, probe=channel)
        for channel in "rgb"
        for keep in WITHOUT.values()
    ]
    return smallest(diagonal) - PURE


@claim("The tiles of a mosaic input keep their colours and their places.", "figure9")
def mosaic_stays_put(study: Study, split: str) -> pd.Series:
    """Smallest of tile purity - 0.9, 1 - boundary shift (px), edges found - 0.5, all removals."""
    margins = []
    for keep in WITHOUT.values():
        purity, shift, edges = (
            study.score(name, keep, split, probe="mosaic")
            for name in ("tile_purity", "boundary_shift", "edges_found")
        )
        # What no face of a seed defines is no reason to drop the seed: then no edges are found.
        margins += [(purity - PURE).fillna(np.inf), (STILL - shift).fillna(np.inf), edges - EDGED]
    return smallest(margins)


@claim("Of the single Concats, Concat2 is the best.", "table2", ("test",), margin=MSE_MARGIN)
def concat2_best_single(study: Study, split: str) -> pd.Series:
    """Min over k != 2 of MSE({k}) - MSE({2})."""
    return smallest([study.mse(k, split) for k in "134"]) - study.mse("2", split)


@claim("Concat2 alone is as good as all four, to 0.0003.", "figure10", ("test",), margin=MSE_MARGIN)
def concat2_is_enough(study: Study, split: str) -> pd.Series:
    """MSE(all) + 0.0003 - MSE({2})."""
    return study.mse(BASELINE, split) + NO_WORSE - study.mse("2", split)


@claim("Adding Concat3 makes the output worse.", "table4", ("test",), margin=MSE_MARGIN)
def concat3_hurts(study: Study, split: str) -> pd.Series:
    """Mean of MSE(S with 3) - MSE(S without 3), S over {2}, {1,2}, {2,4}, {1,2,4}."""
    pairs = (("23", "2"), ("123", "12"), ("234", "24"), ("1234", "124"))
    costs = [study.mse(with3, split) - study.mse(without3, split) for with3, without3 in pairs]
    return pd.concat(costs, axis=1).mean(axis=1, skipna=False)


@claim(
    "The more Concats, the further test and train error part: overfitting.",
    "overfitting",
    ("test / train",),
    margin=SLOPE_MARGIN,
)
def concats_overfit(study: Study, split: str) -> pd.Series:
    """Slope of log(test MSE / train MSE) over the number of Concats, the sets of Tables 1 to 4."""
    counts = np.array([number_of_concats(concats) for concats in SETS], dtype=float)
    train, test = (
        pd.concat([study.mse(concats, part) for concats in SETS], axis=1, keys=SETS).dropna()
        for part in SPLITS
    )
    centred = counts - counts.mean()
    slope: pd.Series = np.log(test / train) @ centred / (centred @ centred)
    return slope
