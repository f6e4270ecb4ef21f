"""What a person wears: clothes as a shell over the skin, glasses and earrings as wires."""

from __future__ import annotations

import numpy as np

from facerot.data.heads import regions
from facerot.data.heads.arrays import Array, noise, ramp
from facerot.data.heads.mesh import Head
from facerot.data.heads.people import Person, Stream, Worn
from facerot.data.heads.pieces import Piece, ball, shell, wire

# Cloth stands off the skin (dm), less at the neckline, where a band of the trim colour ends it.
THICKNESS, HEM, BAND = 0.06, 0.025, 0.05
STRIPES_PER_DM = 3.5
STUD, HOOP, HOOP_WIRE = 0.062, 0.125, 0.024
# Distance of the lenses before the eyes, and how far the rims bend back at the sides (dm).
LENS_DISTANCE, LENS_BEND = 0.16, 0.10
ROUNDNESS = {"round": 2, "square": 5}


def clothes(person: Person, head: Head) -> Piece:
    """A garment with a clean neckline."""
    rng, worn = person.random(Stream.TEXTURE), person.worn
    depth = regions.clothes(head.base, worn.neckline)
    folds = 0.02 * noise(rng, head.base, 3)
    offset = HEM + (THICKNESS + folds) * ramp(depth, 0, 0.15)
    weave = 1 + 0.08 * noise(rng, head.base, 6)
    band = 1 - ramp(depth, BAND - 0.01, BAND + 0.01)
    stripe = ramp(np.sin(2 * np.pi * STRIPES_PER_DM * depth), -0.2, 0.2) * worn.striped
    trim = np.maximum(band, stripe)[:, None]
    colours = (np.array(worn.cloth) * (1 - trim) + np.array(worn.trim) * trim) * weave[:, None]
    outside = head.vertices + head.normals * offset[:, None]
    return shell(outside, head.triangles, depth, np.clip(colours, 0, 0.9), "cloth")


def glasses(worn: Worn, head: Head, eyes: list[Array]) -> list[Piece]:
    """Two rims, a bridge and two temples; eyes are the vertices of the left and right eyeball."""
    if worn.glasses == "none":
        return []
    centres = [(eye.max(axis=0) + eye.min(axis=0)) / 2 for eye in eyes]
    front = max(eye[:, 2].max() for eye in eyes) + LENS_DISTANCE
    curves = [_rim(worn, centre, front) for centre in centres]
    curves.append(_bridge(worn, centres[0], front))
    curves += [_temple(worn, head, centre, front) for centre in centres]
    return [wire(curve, worn.rim, worn.rim_colour, "gloss") for curve in curves]


def _rim(worn: Worn, eye: Array, front: float) -> Array:
    """A superellipse (k, 3) around the eye, bent back towards the temple."""
    angle = np.linspace(0, 2 * np.pi, 32)
    x, y, power = np.cos(angle), np.sin(angle), ROUNDNESS[worn.glasses]
    reach = (np.abs(x) ** power + np.abs(y) ** power) ** (-1 / power)
    x = 1.06 * eye[0] + worn.lens_width * reach * x
    y = eye[1] - 0.03 + worn.lens_height * reach * y
    return np.stack([x, y, front - LENS_BEND * _outward(x, eye) ** 2], axis=1)


def _outward(x: Array | float, eye: Array) -> Array:
    """Distance to the side in units of where the rims end."""
    share: Array = np.clip(np.asarray(x) * np.sign(eye[0]), 0, 1) / 0.6
    return share


def _bridge(worn: Worn, left_eye: Array, front: float) -> Array:
    along = np.linspace(0, 1, 6)
    inner, arch = 1.06 * left_eye[0] - worn.lens_width, np.sin(np.pi * along)
    height = left_eye[1] + 0.03 + 0.03 * arch
    return np.stack([inner * (1 - 2 * along), height, front + 0.02 * arch], axis=1)


def _temple(worn: Worn, head: Head, eye: Array, front: float) -> Array:
    """From the rim to the top of the ear, outside the head all the way."""
    side, skin = np.sign(eye[0]), head.vertices
    ear = _ear(head, side)
    top = ear[ear[:, 1].argmax()]
    hinge_x = abs(1.06 * eye[0]) + worn.lens_width
    hinge_z = front - LENS_BEND * float(_outward(side * hinge_x, eye)) ** 2
    near = (np.abs(skin[:, 1] - top[1]) < 0.12) & (skin[:, 0] * side > 0)
    cheek = skin[near & (head.masks["ears"] < 0.5) & (skin[:, 2] > top[2]) & (skin[:, 2] < hinge_z)]
    points = []
    for share in np.linspace(0, 1, 12):
        z = hinge_z * (1 - share) + top[2] * share
        beside = np.abs(cheek[np.abs(cheek[:, 2] - z) < 0.08, 0])
        width = max(hinge_x, beside.max() + 0.03) if len(beside) and share else hinge_x
        points.append([side * width, (eye[1] + 0.04) * (1 - share) + (top[1] - 0.02) * share, z])
    return np.array(points)


def _ear(head: Head, side: float) -> Array:
    """The vertices of one ear (n, 3); side +1 is the subject's left."""
    ear: Array = head.vertices[(head.masks["ears"] > 0.5) & (head.base[:, 0] * side > 0)]
    return ear


def earrings(worn: Worn, head: Head) -> list[Piece]:
    """A stud on, or a hoop under, the lobe of one ear or both (side 0)."""
    if worn.earring == "none":
        return []
    sides = [worn.earring_side] if worn.earring_side else [1, -1]
    return [_earring(worn, _ear(head, side), side) for side in sides]


def _earring(worn: Worn, ear: Array, side: int) -> Piece:
    lobe = ear[ear[:, 1].argmin()] + [0.02 * side, 0.02, 0]
    if worn.earring == "stud":
        return ball(lobe, STUD, worn.earring_colour, "gloss")
    angle = np.linspace(0, 2 * np.pi, 24)
    # Turned out by 45 degrees, so that neither the front nor the side sees it edge on.
    turned = np.sin(angle) * np.sqrt(0.5)
    ring = np.stack([turned * side, np.cos(angle) - 1, turned], axis=1)
    return wire(lobe + HOOP * ring, HOOP_WIRE, worn.earring_colour, "gloss")
