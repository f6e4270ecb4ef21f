"""Draw a person: every attribute as a pure function of (seed, number)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from facerot.data.heads import palette
from facerot.data.heads.people import (
    Body,
    Expression,
    Features,
    Hair,
    Mole,
    Person,
    Skin,
    Stream,
    Studio,
    Worn,
    stream,
)

Thing = TypeVar("Thing")

# A place on the face of the undeformed head: (x, y) in dm, x of the subject's left side.
MOLE_PLACES = {
    "cheek": (0.50, 6.95),
    "mouth": (0.30, 6.78),
    "chin": (0.17, 6.38),
    "jaw": (0.52, 6.60),
    "temple": (0.56, 7.50),
    "forehead": (0.28, 7.74),
}
GLASSES = ("round", "square")
NECKLINES = {"crew": 0.40, "v": 0.22, "scoop": 0.18, "high": 0.20}
MEN_EARRINGS = {"none": 0.85, "stud": 0.15}
WOMEN_EARRINGS = {"none": 0.45, "stud": 0.20, "hoop": 0.35}
BEARDS = {
    **{"none": 0.44, "stubble": 0.22, "beard": 0.12, "goatee": 0.08, "moustache": 0.06},
    "full": 0.08,
}
MEN_HAIR = {
    **{"buzz": 0.12, "short": 0.18, "side_part": 0.18, "swept_back": 0.12, "undercut": 0.10},
    **{"bald": 0.09, "fringe": 0.07, "curly": 0.08, "afro": 0.03, "long": 0.03},
}
WOMEN_HAIR = {
    **{"short": 0.06, "side_part": 0.08, "fringe": 0.07, "bob": 0.17, "long": 0.12},
    **{"one_side": 0.12, "bun": 0.11, "curly": 0.08, "afro": 0.04, "ponytail": 0.09},
    **{"side_tail": 0.06},
}
# Tight curls and cropped hair are commoner on dark skin, so that the styles look at home.
TIGHT_HAIR = ("curly", "afro", "buzz", "bun")


def draw_person(seed: int, number: int) -> Person:
    """Draw a person; groups are drawn in turn, as hair depends on age and eyes on skin."""
    rng = {step: stream(seed, number, step) for step in Stream}
    body = _body(rng[Stream.BODY])
    skin = _skin(rng[Stream.SKIN], body)
    hair = _hair(rng[Stream.HAIR], body, skin)
    return Person(
        seed=seed,
        number=number,
        body=body,
        expression=_expression(rng[Stream.BODY]),
        skin=skin,
        hair=hair,
        features=_features(rng[Stream.FACE], body, skin, hair),
        moles=_moles(rng[Stream.MARKS]),
        worn=_worn(rng[Stream.WORN], body),
        studio=_studio(rng[Stream.STUDIO]),
    )


def _pick(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One key, with a chance in proportion to its weight."""
    shares = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def _one_of(rng: np.random.Generator, things: Sequence[Thing]) -> Thing:
    return things[int(rng.integers(len(things)))]


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _near(rng: np.random.Generator, mean: float, spread: float, low: float, high: float) -> float:
    """A normal draw, clipped to [low, high]."""
    return float(np.clip(rng.normal(mean, spread), low, high))


def _sign(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


def _body(rng: np.random.Generator) -> Body:
    """Every twelfth person is a child, every third is growing old."""
    male = bool(rng.random() < 0.5)
    sex = _near(rng, 0.92 if male else 0.08, 0.08, 0, 1)
    kind = rng.random()
    child = _between(rng, 0.25, 0.55) if kind < 0.08 else 0.0
    old = _between(rng, 0.2, 0.9) if 0.08 <= kind < 0.42 else 0.0
    african, asian, caucasian = (float(share) for share in rng.dirichlet([0.4, 0.4, 0.5]))
    weight = _near(rng, 0, 0.42, -0.9, 0.9)
    muscle = _near(rng, 0.15 if male else -0.1, 0.35, -0.9, 0.9)
    return Body(male, sex, child, old, african, asian, caucasian, weight, muscle)


def _expression(rng: np.random.Generator) -> Expression:
    def sometimes(chance: float, most: float) -> float:
        return _between(rng, 0, most) * bool(rng.random() < chance)

    smile = sometimes(0.6, 0.55)
    left, right = rng.uniform(0.7, 1, 2) * smile
    return Expression(
        smile_left=float(left),
        smile_right=float(right),
        brow_raise=sometimes(0.3, 0.4),
        frown=sometimes(0.2, 0.35),
        squint=sometimes(0.3, 0.45),
    )


def _skin(rng: np.random.Generator, body: Body) -> Skin:
    """Skin follows the body's shape only loosely."""
    melanin = 0.80 * body.african + 0.34 * body.asian + 0.15 * body.caucasian
    melanin = float(np.clip(melanin + rng.normal(0, 0.09), 0, 1))
    tone = palette.ramp_colour(palette.SKIN, melanin)
    colour = palette.vary(rng, tone, 0.05, per_channel=0.035)
    freckles = _between(rng, 0.4, 1) if melanin < 0.3 and rng.random() < 0.25 else 0.0
    return Skin(melanin, colour, _between(rng, 0, 1), freckles)


def _hair(rng: np.random.Generator, body: Body, skin: Skin) -> Hair:
    greying = body.old > 0.3 and rng.random() < body.old
    natural = palette.HAIR_OF_LIGHT_SKIN if skin.melanin < 0.45 else palette.HAIR_OF_DARK_SKIN
    tint = _pick(rng, palette.HAIR_OF_AGE if greying else natural)
    style = _pick(rng, _hair_styles(body, skin))
    parting = float(_sign(rng) * rng.uniform(0.18, 0.40))
    falls = style == "one_side" or rng.random() < 0.6
    recede = _near(rng, 0.02 + 0.4 * body.old * body.male, 0.09, -0.08, 0.45)
    return Hair(
        style=style,
        tint=tint,
        colour=palette.vary(rng, palette.HAIR[tint], 0.12),
        parting=parting,
        recede=recede,
        length=_between(rng, 0, 1),
        volume=_between(rng, 0.75, 1.25),
        wave=_between(rng, 0, 1),
        covers=-int(np.sign(parting)) if falls else 0,
    )


def _hair_styles(body: Body, skin: Skin) -> dict[str, float]:
    """The chances of the styles for this person."""
    dark = skin.melanin > 0.55
    styles = dict(MEN_HAIR if body.male else WOMEN_HAIR)
    for style in styles:
        styles[style] *= (2.0 if style in TIGHT_HAIR else 0.6) if dark else 1.0
    if skin.melanin < 0.55:
        styles["afro"] *= 0.15
    if body.child:
        styles.pop("bald", None)
    return styles


def _features(rng: np.random.Generator, body: Body, skin: Skin, hair: Hair) -> Features:
    male, grown_man = body.male, body.male and not body.child
    eyes = palette.EYE_OF_LIGHT_SKIN if skin.melanin < 0.35 else palette.EYE_OF_DARK_SKIN
    eye = _pick(rng, eyes)
    pale = hair.tint in ("platinum", "white")
    darker = 0.35 if pale else _between(rng, 0.35, 0.8)
    lip = _one_of(rng, palette.LIPS)
    return Features(
        eye=eye,
        eye_colour=palette.vary(rng, palette.EYE[eye], 0.15),
        eyeliner=_between(rng, 0, 0.3) if male else _between(rng, 0.2, 1),
        brow_colour=palette.scale(hair.colour, darker),
        brow_width=_between(rng, 0.04, 0.066) * (1.12 if male else 0.85),
        brow_arch=_between(rng, 0.01, 0.08),
        brow_tilt=float(rng.normal(0, 0.012)),
        brow_height=float(rng.normal(0, 0.018)),
        lip_colour=palette.scale(lip, 1 - 0.55 * skin.melanin),
        lip_strength=_between(rng, 0.25, 0.6) if male else _between(rng, 0.4, 0.95),
        beard=_pick(rng, BEARDS) if grown_man else "none",
    )


def _moles(rng: np.random.Generator) -> tuple[Mole, ...]:
    """No mole, one or two, at different places."""
    count = int(rng.choice(3, p=[0.45, 0.4, 0.15]))
    places = rng.choice(len(MOLE_PLACES), count, replace=False)
    return tuple(_mole(rng, list(MOLE_PLACES)[int(place)]) for place in places)


def _mole(rng: np.random.Generator, place: str) -> Mole:
    side, (x, y) = _sign(rng), MOLE_PLACES[place]
    dx, dy = rng.normal(0, 0.035, 2)
    return Mole(place, side, side * (x + dx), y + dy, radius=_between(rng, 0.045, 0.075))


def _worn(rng: np.random.Generator, body: Body) -> Worn:
    cloth, trim = (palette.CLOTH[k] for k in rng.choice(len(palette.CLOTH), 2, replace=False))
    return Worn(
        glasses=_one_of(rng, GLASSES) if rng.random() < 0.2 else "none",
        rim_colour=_one_of(rng, palette.RIM),
        rim=_between(rng, 0.018, 0.032),
        lens_width=_between(rng, 0.25, 0.29),
        lens_height=_between(rng, 0.18, 0.24),
        earring=_pick(rng, MEN_EARRINGS if body.male else WOMEN_EARRINGS),
        earring_side=int(rng.choice([-1, 0, 1], p=[0.35, 0.3, 0.35])),
        earring_colour=_one_of(rng, palette.JEWELLERY),
        neckline=_pick(rng, NECKLINES),
        cloth=palette.vary(rng, cloth, 0.2),
        trim=trim,
        striped=bool(rng.random() < 0.2),
    )


def _studio(rng: np.random.Generator) -> Studio:
    """The main lamp is more often on the camera's left."""
    side = -1 if rng.random() < 0.65 else 1
    return Studio(
        key_azimuth=side * _between(rng, 18, 50),
        key_height=_between(rng, 18, 42),
        key_strength=float(np.exp(rng.normal(0, 0.09))),
        ambient=float(np.exp(rng.normal(0, 0.10))),
        warmth=float(rng.normal(0, 0.05)),
        camera_height=_between(rng, -5, 6),
    )
