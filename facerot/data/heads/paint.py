"""The colours of skin and eyes, vertex by vertex, as linear albedo.

Each painter takes the colours so far (n, 3) and gives new ones; what it knows of the head is
where a vertex lies on the undeformed mesh, so that paint follows every deformation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facerot.data.heads import regions
from facerot.data.heads.arrays import Array, bump, noise, ramp, unit
from facerot.data.heads.palette import DARKEST, LIGHTEST
from facerot.data.heads.people import Person, Stream

# How much of the skin each kind of beard hides under its own strands.
BEARD_SHADE = {
    **{"none": 0.0, "stubble": 0.38, "beard": 0.75, "full": 0.85},
    **{"goatee": 0.75, "moustache": 0.75},
}
SHAVEN_SHADE = 0.09
SCALP_SHADE = {"bald": 0.75, "buzz": 0.88}
# Radii of the eye (dm); iris and pupil are a little large, or they would be lost at 64 pixels.
EYE_RADIUS, IRIS, PUPIL = 0.14, 0.074, 0.028
SCLERA = (0.85, 0.82, 0.80)


@dataclass(frozen=True)
class Surface:
    """The skin's vertices on the undeformed head: base (n, 3) in dm, masks (n,) in [0, 1]."""

    base: Array
    masks: Mapping[str, Array]

    @cached_property
    def side(self) -> Array:
        """Distance from the middle of the face (n,)."""
        return np.abs(self.base[:, 0])

    @cached_property
    def height(self) -> Array:
        """Height (n,)."""
        return self.base[:, 1]

    @cached_property
    def front(self) -> Array:
        """1 on the face, 0 from the temples backwards (n,)."""
        return ramp(self.base[:, 2], 0.9, 1.2)

    def spot(self, x: float, y: float, width: float, height: float) -> Array:
        """A soft spot on both sides of the face (n,)."""
        return bump(self.side, x, width) * bump(self.height, y, height) * self.front


def paint_skin(person: Person, at: Surface) -> Array:
    """Albedo (n, 3) of the whole skin."""
    rng = person.random(Stream.PAINT)
    colours = _complexion(person, at, rng)
    colours = _age_lines(colours, person, at)
    colours = _freckles(colours, person, at, rng)
    colours = _beard_shade(colours, person, at, rng)
    colours = _mouth(colours, person, at)
    colours = _eyelids(colours, person, at)
    colours = _nostrils(colours, at)
    colours = _brows(colours, person, at, rng)
    colours = _moles(colours, person, at)
    colours = _scalp(colours, person, at)
    painted: Array = colours.clip(DARKEST, LIGHTEST)
    return painted


def mix(colours: Array, paint: Array | tuple[float, ...], amount: Array) -> Array:
    """Lay paint over colours by amount (n,) in [0, 1]."""
    cover = np.clip(amount, 0, 1)[:, None]
    mixed: Array = colours * (1 - cover) + np.asarray(paint) * cover
    return mixed


def _dim(colours: Array, amount: Array, per_channel: tuple[float, float, float]) -> Array:
    """Take away amount (n,) of the light, times what each channel loses."""
    dimmed: Array = colours * (1 - amount[:, None] * np.array(per_channel))
    return dimmed


def _complexion(person: Person, at: Surface, rng: np.random.Generator) -> Array:
    """Skin tone with blotches, red cheeks, nose and ears, and darker eye sockets."""
    skin, old = person.skin, person.body.old
    blotch = 0.05 * noise(rng, at.base, 2.5) + 0.04 * noise(rng, at.base, 9)
    grain = 0.025 * noise(rng, at.base, 25)
    colours = np.array(skin.colour) * (1 + blotch + grain)[:, None]
    red = 0.35 * at.spot(0.48, 6.92, 0.22, 0.18) * (0.4 + skin.blush)
    red += 0.3 * at.spot(0, 6.93, 0.13, 0.12) + 0.12 * at.spot(0, 6.3, 0.25, 0.12)
    red += 0.25 * at.masks["ears"] + 0.1 * noise(rng, at.base, 4)
    colours = _dim(colours, np.clip(red, 0, 1) * (1 - 0.6 * skin.melanin), (0.02, 0.36, 0.38))
    socket = 0.20 * at.spot(0.31, 7.26, 0.26, 0.13)
    socket += (0.08 + 0.22 * old) * at.spot(0.30, 7.12, 0.20, 0.05)
    return _dim(colours, socket, (0.8, 1, 0.95))


def _age_lines(colours: Array, person: Person, at: Surface) -> Array:
    """The fold from nose to mouth, and lines on an old forehead."""
    x, y, old = at.side, at.height, person.body.old
    fold = bump(x - 0.22 - 0.42 * (6.95 - y), 0, 0.035)
    fold *= ramp(y, 6.55, 6.7) * (1 - ramp(y, 6.85, 6.98)) * at.front
    lines = ramp(np.sin(42 * y + 0.6 * np.sin(3 * at.base[:, 0])), 0.6, 0.9)
    lines *= ramp(y, 7.58, 7.66) * (1 - ramp(y, 7.85, 7.95)) * (1 - ramp(x, 0.5, 0.65)) * at.front
    shade = fold * (0.05 + 0.22 * old) + lines * 0.18 * old
    return _dim(colours, shade, (0.9, 1, 1))


def _freckles(colours: Array, person: Person, at: Surface, rng: np.random.Generator) -> Array:
    dots = ramp(noise(rng, at.base, 45), 0.45, 0.65) * at.spot(0.25, 7.0, 0.45, 0.22)
    return _dim(colours, 0.5 * dots * person.skin.freckles, (0.5, 0.8, 1))


def _beard_shade(colours: Array, person: Person, at: Surface, rng: np.random.Generator) -> Array:
    """The skin under a beard, and the shadow of a shaven one."""
    kind, grown_man = person.features.beard, person.body.male and not person.body.child
    shaven = kind == "none" and grown_man
    region = regions.beard(at.base, at.masks, "stubble" if shaven else kind)
    shade = SHAVEN_SHADE if shaven else BEARD_SHADE[kind]
    tone = 0.6 * np.array(person.hair.colour) + 0.14 * np.array(person.skin.colour)
    return mix(colours, tone, region * shade * (0.9 + 0.2 * noise(rng, at.base, 30)))


def _mouth(colours: Array, person: Person, at: Surface) -> Array:
    """Lips, the line between them, and the dark inside."""
    features = person.features
    lips = at.masks["lips"]
    tone = 0.5 * np.array(features.lip_colour) + np.array(person.skin.colour) * (0.42, 0.25, 0.25)
    colours = mix(colours, tone, lips * features.lip_strength)
    line = bump(at.height - 0.02 * (at.side / 0.25) ** 2, 6.607, 0.012) * lips
    colours = _dim(colours, 0.35 * line, (1, 1, 1))
    inside = ramp(at.masks["inside-mouth"], 0.5, 0.9) * (1 - ramp(at.base[:, 2], 1.25, 1.45))
    return mix(colours, (0.12, 0.03, 0.03), inside)


def _eyelids(colours: Array, person: Person, at: Surface) -> Array:
    """The lash line, stronger above the eye, and the crease of the upper lid."""
    upper = ramp(at.height, 7.255, 7.30)
    line = at.masks["eyelids"] * (0.12 + 0.5 * upper * (0.35 + person.features.eyeliner))
    colours = mix(colours, (0.02, 0.012, 0.01), np.minimum(line, 0.9))
    crease = bump(at.height + 0.25 * (at.side - 0.3) ** 2, 7.375, 0.018) * at.front
    crease *= ramp(at.side, 0.13, 0.16) * (1 - ramp(at.side, 0.5, 0.54))
    return _dim(colours, 0.25 * crease, (1, 1, 1))


def _nostrils(colours: Array, at: Surface) -> Array:
    holes = np.exp(-(((at.side - 0.085) / 0.05) ** 2 + ((at.height - 6.875) / 0.028) ** 2))
    return _dim(colours, 0.55 * holes * ramp(at.base[:, 2], 1.4, 1.5), (1, 1, 1))


def _brows(colours: Array, person: Person, at: Surface, rng: np.random.Generator) -> Array:
    hairs = np.clip(0.9 + 0.25 * noise(rng, at.base, 40), 0, 1)
    return mix(
        colours, person.features.brow_colour, regions.brows(at.base, person.features) * hairs
    )


def _moles(colours: Array, person: Person, at: Surface) -> Array:
    for mole in person.moles:
        distance = np.hypot(at.base[:, 0] - mole.x, at.height - mole.y)
        disc = (1 - ramp(distance, 0.6 * mole.radius, mole.radius)) * at.front
        colours = mix(colours, np.array(person.skin.colour) * (0.22, 0.13, 0.11), 0.9 * disc)
    return colours


def _scalp(colours: Array, person: Person, at: Surface) -> Array:
    """The skin under head hair, so that no bare scalp shows between the strands."""
    grows = scalp_cover(person, at)
    shade = SCALP_SHADE.get(person.hair.style, 0.92)
    return mix(colours, np.array(person.hair.colour) * 0.8 + 0.003, grows * shade)


def scalp_cover(person: Person, at: Surface) -> Array:
    """Where this person's head hair grows (n,) in [0, 1], the same for paint and strands."""
    frizz = noise(person.random(Stream.GROOM), at.base, 8)
    return regions.scalp(at.base, at.masks, person.hair, frizz)


def paint_eye(person: Person, base: Array) -> Array:
    """Albedo (n, 3) of one eyeball from its undeformed vertices (n, 3)."""
    centre = (base.max(axis=0) + base.min(axis=0)) / 2
    gaze = unit(base - centre)
    radius = EYE_RADIUS * np.arccos(np.clip(gaze[:, 2], -1, 1))
    turn = np.arctan2(gaze[:, 1], gaze[:, 0])
    spokes = 1 + 0.25 * np.sin(17 * turn + 3 * np.sin(5 * turn))
    rim = 1 - 0.7 * ramp(radius, 0.7 * IRIS, IRIS)
    iris = np.array(person.features.eye_colour) * (spokes * rim)[:, None]
    colours = np.tile(SCLERA, (len(base), 1))
    colours = mix(colours, iris, 1 - ramp(radius, IRIS - 0.006, IRIS + 0.004))
    return mix(colours, (0.004,) * 3, 1 - ramp(radius, PUPIL - 0.004, PUPIL + 0.003))
