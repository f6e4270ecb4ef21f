"""The shape of a person's head: weights of the morph targets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np

from facerot.data.heads.people import Body, Expression, Person, Stream

# Paired targets end in one of these: the two ends of an axis.
ENDS = (
    *(("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward")),
    *(("concave", "convex"), ("compress", "uncompress")),
)
# Standard deviation of a person's place on an axis (1 = the whole target), the first prefix
# that fits; wide enough that persons differ, narrow enough that none is a caricature.
SPREAD = {
    **{"measure-": 0.0, "head-age": 0.05, "head-angle": 0.05, "head-trans": 0.05},
    **{"neck-trans": 0.05, "neck-scale-vert": 0.05, "head-scale": 0.16, "head": 0.16},
    **{"mouth-trans-in": 0.04, "nose-trans-in": 0.04, "mouth-scale-depth": 0.15, "mouth": 0.27},
    **{"nose": 0.30, "neck": 0.15, "eye-trans": 0.18, "eye": 0.28, "ear-wing": 0.22, "ear": 0.30},
    **{"cheek": 0.32, "chin-jaw-drop": 0.15, "chin-prognathism": 0.2, "chin": 0.30},
    **{"forehead": 0.32, "eyebrows": 0.32},
}
# The base mesh has small eyes; at 64 pixels they are read better a little larger.
LARGER_EYES = {"eye-scale": 0.25, "eye-height2": 0.25}
SIDE_SPREAD = 0.08
ASYMMETRY = {"chance": 0.35, "spread": 0.18}
OUTLINES = ("oval", "round", "square", "rectangular", "triangular", "invertedtriangular", "diamond")
EAR_SHAPES = ("pointed", "round", "square", "triangle")


def draw_weights(person: Person, targets: Iterable[str]) -> dict[str, float]:
    """Weights by target name; `targets` in sorted order, so that the draws are always the same."""
    rng, names = person.random(Stream.SHAPE), sorted(targets)
    weights = macro_weights(person.body)
    for axis, ends in paired_axes(names).items():
        weights |= _axis_weights(rng, axis, ends)
    weights["head-" + OUTLINES[int(rng.integers(len(OUTLINES)))]] = rng.uniform(0, 0.45)
    ears, amount = EAR_SHAPES[int(rng.integers(len(EAR_SHAPES)))], rng.uniform(0, 0.5)
    weights |= {f"{side}-ear-shape-{ears}": amount for side in "lr"}
    for name in names:
        drawn, amount = rng.random(), abs(rng.normal(0, ASYMMETRY["spread"]))
        if name.startswith("asym-") and drawn < ASYMMETRY["chance"]:
            weights[name] = amount
    return weights | action_weights(person.expression)


def macro_weights(body: Body) -> dict[str, float]:
    """Products of the body's parameters over MakeHuman's macro targets."""
    ages = {"child": body.child, "young": 1 - body.child - body.old, "old": body.old}
    sexes = {"male": body.sex, "female": 1 - body.sex}
    races = {"african": body.african, "asian": body.asian, "caucasian": body.caucasian}
    muscles, fats = _three_way(body.muscle), _three_way(body.weight)
    weights: dict[str, float] = {}
    for (age, a), (sex, s) in product(ages.items(), sexes.items()):
        weights |= {f"{race}-{sex}-{age}": a * s * r for race, r in races.items()}
        for (muscle, m), (fat, f) in product(muscles.items(), fats.items()):
            weights[f"universal-{sex}-{age}-{muscle}muscle-{fat}weight"] = a * s * m * f
    return weights


def _three_way(value: float) -> dict[str, float]:
    """A value in [-1, 1] as shares of min, average and max."""
    return {"min": max(-value, 0.0), "average": 1 - abs(value), "max": max(value, 0.0)}


def paired_axes(names: list[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """(stem, low end) -> the two ends of each paired axis; left and right share one stem.

    The low end is part of the key: nose-trans has three axes of its own.
    """
    known = set(names)
    axes = {}
    for name, (low, high) in product(names, ENDS):
        other = name.removesuffix(low) + high
        if name.endswith("-" + low) and other in known and not name.startswith("r-"):
            axes[name.removesuffix("-" + low), low] = (name, other)
    return axes


def _axis_weights(
    rng: np.random.Generator, axis: tuple[str, str], ends: tuple[str, str]
) -> dict[str, float]:
    """One draw for the axis; sided axes get it on both sides with a small difference."""
    stem, low = axis
    plain = stem.removeprefix("l-")
    spread = next(s for prefix, s in SPREAD.items() if f"{plain}-{low}".startswith(prefix))
    place = np.clip(rng.normal(LARGER_EYES.get(plain, 0.0), spread), -0.9, 0.9)
    if plain == stem:
        return {ends[int(place > 0)]: abs(float(place))}
    weights = {}
    for side in "lr":
        here = np.clip(place + rng.normal(0, SIDE_SPREAD), -1, 1)
        weights[side + ends[int(here > 0)][1:]] = abs(float(here))
    return weights


def action_weights(expression: Expression) -> dict[str, float]:
    """Facial actions (face units) of an expression; cheeks follow the smile."""
    actions = {
        "mouthSmileLeft": expression.smile_left,
        "mouthSmileRight": expression.smile_right,
        "cheekSquintLeft": 0.4 * expression.smile_left,
        "cheekSquintRight": 0.4 * expression.smile_right,
        "browInnerUp": expression.brow_raise,
        "browDownLeft": expression.frown,
        "browDownRight": expression.frown,
        "eyeSquintLeft": expression.squint,
        "eyeSquintRight": expression.squint,
    }
    return {f"act-{name}": amount for name, amount in actions.items()}
