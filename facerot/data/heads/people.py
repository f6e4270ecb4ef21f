"""Who a person is: the attributes that make one person, the same in all views."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from facerot.data.heads import palette
from facerot.data.heads.palette import Colour


class Stream(IntEnum):
    """Each group of attributes has its own random stream, so that changing one moves no other."""

    BODY, SHAPE, SKIN, HAIR, FACE, MARKS, WORN, STUDIO, PAINT, GROOM, TEXTURE = range(11)


def stream(seed: int, number: int, step: Stream) -> np.random.Generator:
    """The random numbers of one step for one person, the same in every process."""
    return np.random.default_rng([seed, number, int(step)])


@dataclass(frozen=True)
class Body:
    """Build; sex 0 female to 1 male, child and old 0 to 1, weight and muscle -1 to 1.

    The three parts of the MakeHuman shape space (african, asian, caucasian) add up to 1.
    """

    male: bool
    sex: float
    child: float
    old: float
    african: float
    asian: float
    caucasian: float
    weight: float
    muscle: float


@dataclass(frozen=True)
class Expression:
    """Mild facial actions, 0 to 1; the smile may be lopsided."""

    smile_left: float
    smile_right: float
    brow_raise: float
    frown: float
    squint: float


@dataclass(frozen=True)
class Skin:
    """Melanin 0 to 1; the colours are linear albedo."""

    melanin: float
    colour: Colour
    blush: float
    freckles: float


@dataclass(frozen=True)
class Hair:
    """Hair; parting in dm from the middle (+ the subject's left), recede in dm.

    `covers` is the side (+1 left, -1 right) that falls forward, 0 where both are tucked.
    """

    style: str
    tint: str
    colour: Colour
    parting: float
    recede: float
    length: float
    volume: float
    wave: float
    covers: int


@dataclass(frozen=True)
class Features:
    """Eyes, brows, lips and facial hair; the brow's sizes are in dm."""

    eye: str
    eye_colour: Colour
    eyeliner: float
    brow_colour: Colour
    brow_width: float
    brow_arch: float
    brow_tilt: float
    brow_height: float
    lip_colour: Colour
    lip_strength: float
    beard: str


@dataclass(frozen=True)
class Mole:
    """A mole by its place, its side (+1 the subject's left) and its position in dm."""

    place: str
    side: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Worn:
    """Glasses, one earring or two, clothes; lens and rim sizes in dm."""

    glasses: str
    rim_colour: Colour
    rim: float
    lens_width: float
    lens_height: float
    earring: str
    earring_side: int
    earring_colour: Colour
    neckline: str
    cloth: Colour
    trim: Colour
    striped: bool


@dataclass(frozen=True)
class Studio:
    """Light and camera in degrees; the light stays with the camera, azimuth + is its right."""

    key_azimuth: float
    key_height: float
    key_strength: float
    ambient: float
    warmth: float
    camera_height: float


@dataclass(frozen=True)
class Person:
    """Everything that makes one person, the same in all views."""

    seed: int
    number: int
    body: Body
    expression: Expression
    skin: Skin
    hair: Hair
    features: Features
    moles: tuple[Mole, ...]
    worn: Worn
    studio: Studio

    def random(self, step: Stream) -> np.random.Generator:
        """A fresh stream for this person's step."""
        return stream(self.seed, self.number, step)


def attributes(person: Person) -> dict[str, object]:
    """One row of `people.csv`: colours as sRGB #rrggbb, moles as place@side."""
    row: dict[str, object] = {"person": f"{person.number:04d}"}
    for group in ("body", "expression", "skin", "hair", "features", "worn", "studio"):
        record = getattr(person, group)
        for field in fields(record):
            name = f"{group}_{field.name}" if group in ("skin", "hair") else field.name
            row[name] = _plain(getattr(record, field.name))
    sides = {1: "left", -1: "right"}
    row["moles"] = " ".join(f"{mole.place}@{sides[mole.side]}" for mole in person.moles)
    return row


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return palette.to_hex(value)
    if isinstance(value, bool):
        return int(value)
    return round(value, 4) if isinstance(value, float) else value
