"""Colours as linear albedo, chosen by eye for the look after tone mapping, and their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facerot.data.heads.arrays import Array

Colour = tuple[float, float, float]

# From the lightest to the darkest skin, evenly spaced in melanin 0 to 1.
SKIN: tuple[Colour, ...] = (
    (0.80, 0.555, 0.45),
    (0.70, 0.45, 0.335),
    (0.55, 0.325, 0.215),
    (0.36, 0.19, 0.112),
    (0.20, 0.098, 0.055),
    (0.085, 0.043, 0.027),
)
HAIR: dict[str, Colour] = {
    "black": (0.012, 0.011, 0.011),
    "dark_brown": (0.034, 0.020, 0.012),
    "brown": (0.085, 0.047, 0.023),
    "chestnut": (0.14, 0.060, 0.025),
    "auburn": (0.19, 0.050, 0.017),
    "ginger": (0.38, 0.14, 0.035),
    "dark_blonde": (0.30, 0.180, 0.095),
    "blonde": (0.60, 0.41, 0.22),
    "platinum": (0.74, 0.63, 0.46),
    "grey": (0.30, 0.29, 0.285),
    "white": (0.66, 0.65, 0.63),
}
# Rarer in life than here: with every third head black, hair would say little about a person.
HAIR_OF_LIGHT_SKIN = {
    **{"black": 0.10, "dark_brown": 0.15, "brown": 0.18, "chestnut": 0.14, "auburn": 0.09},
    **{"ginger": 0.09, "dark_blonde": 0.11, "blonde": 0.10, "platinum": 0.04},
}
HAIR_OF_DARK_SKIN = {
    **{"black": 0.40, "dark_brown": 0.27, "brown": 0.14, "chestnut": 0.06, "auburn": 0.08},
    "dark_blonde": 0.05,
}
HAIR_OF_AGE = {"grey": 0.55, "white": 0.45}
EYE: dict[str, Colour] = {
    "dark_brown": (0.025, 0.012, 0.007),
    "brown": (0.085, 0.040, 0.016),
    "hazel": (0.17, 0.11, 0.04),
    "green": (0.12, 0.20, 0.085),
    "blue": (0.11, 0.20, 0.36),
    "grey": (0.23, 0.29, 0.33),
}
EYE_OF_LIGHT_SKIN = {
    **{"dark_brown": 0.12, "brown": 0.20, "hazel": 0.16, "green": 0.15, "blue": 0.25},
    "grey": 0.12,
}
EYE_OF_DARK_SKIN = {"dark_brown": 0.50, "brown": 0.30, "hazel": 0.12, "green": 0.05, "blue": 0.03}
LIPS: tuple[Colour, ...] = (
    (0.45, 0.13, 0.12),
    (0.42, 0.07, 0.08),
    (0.50, 0.17, 0.17),
    (0.35, 0.05, 0.09),
    (0.48, 0.20, 0.15),
)
CLOTH: tuple[Colour, ...] = (
    (0.02, 0.02, 0.022),
    (0.60, 0.60, 0.60),
    (0.03, 0.05, 0.16),
    (0.28, 0.03, 0.035),
    (0.04, 0.15, 0.06),
    (0.14, 0.14, 0.15),
    (0.48, 0.36, 0.21),
    (0.10, 0.26, 0.45),
    (0.48, 0.10, 0.20),
    (0.52, 0.40, 0.07),
    (0.22, 0.08, 0.28),
    (0.05, 0.24, 0.24),
    (0.50, 0.18, 0.05),
)
RIM: tuple[Colour, ...] = (
    (0.01, 0.01, 0.01),
    (0.12, 0.05, 0.02),
    (0.35, 0.28, 0.12),
    (0.30, 0.30, 0.32),
    (0.25, 0.02, 0.02),
)
GOLD, SILVER, CORAL = (0.75, 0.55, 0.15), (0.75, 0.75, 0.78), (0.60, 0.04, 0.06)
JEWELLERY: tuple[Colour, ...] = (GOLD, GOLD, SILVER, SILVER, CORAL)
DARKEST, LIGHTEST = 0.003, 0.9


def ramp_colour(steps: Sequence[Colour], position: float) -> Colour:
    """The colour at position 0 to 1 of evenly spaced steps."""
    at = np.linspace(0, 1, len(steps))
    red, green, blue = (float(np.interp(position, at, [s[k] for s in steps])) for k in range(3))
    return red, green, blue


def scale(colour: Colour, factor: float) -> Colour:
    """A colour made darker or lighter, within what a surface can reflect."""
    red, green, blue = (float(np.clip(c * factor, DARKEST, LIGHTEST)) for c in colour)
    return red, green, blue


def vary(
    rng: np.random.Generator, colour: Colour, spread: float, per_channel: float = 0.0
) -> Colour:
    """A colour near this one: log-normal in brightness and, if asked, in each channel."""
    factors = np.exp(rng.normal(0, spread) + rng.normal(0, 1, 3) * per_channel)
    red, green, blue = (scale(colour, float(f))[k] for k, f in enumerate(factors))
    return red, green, blue


def to_srgb(linear: Array) -> Array:
    """Linear light to sRGB, both in [0, 1] (IEC 61966-2-1)."""
    light = np.clip(linear, 0, 1)
    curve = 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    coded: Array = np.where(light <= 0.0031308, 12.92 * light, curve)
    return coded


def to_hex(colour: Sequence[float]) -> str:
    """#rrggbb in sRGB of a linear colour."""
    return "#" + "".join(f"{round(c * 255):02x}" for c in to_srgb(np.array(colour)).tolist())
