"""A person as pieces to render, with the frame around the head and the landmarks on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facerot.data.heads import hair, paint, shape, worn
from facerot.data.heads.arrays import Array, Flags, vertex_normals
from facerot.data.heads.mesh import Head, HeadModel, pose_skin
from facerot.data.heads.people import Person, Stream
from facerot.data.heads.pieces import Piece, tubes
from facerot.data.heads.strands import Strands

# The frame is set by chin and skull alone, so that every head fills it alike whatever its hair:
# half its side, and its centre above the chin, in units of the height from chin to skull.
HALF_SIDE, CENTRE = 0.745, 0.535
EYES = ("helper-l-eye", "helper-r-eye")
LASHES = ("helper-l-eyelashes-2", "helper-r-eyelashes-2")
MOUTH = {
    "helper-upper-teeth": (0.60, 0.57, 0.50),
    "helper-lower-teeth": (0.60, 0.57, 0.50),
    "helper-tongue": (0.25, 0.06, 0.06),
}
LASH_COLOUR = (0.03, 0.02, 0.018)
# Lashes are a flat strip: on eyes without make-up they would look painted.
LASHES_FROM = 0.55


@dataclass(frozen=True)
class Figure:
    """Pieces, the centre (3,) and half side of the frame, landmarks (3,) by name; all in dm."""

    pieces: list[Piece]
    centre: Array
    half_side: float
    landmarks: dict[str, Array]


def assemble(person: Person, model: HeadModel) -> Figure:
    """Everything of a person that the camera can see."""
    vertices = model.deform(shape.draw_weights(person, model.files))
    head = pose_skin(model, vertices)
    surface = paint.Surface(head.base, head.masks)
    eyes = [model.parts[name].fine(vertices) for name in EYES]
    pieces = [_skin(person, head, surface), worn.clothes(person, head)]
    pieces += _face_parts(person, model, vertices)
    strands = hair.grow_hair(person, head, paint.scalp_cover(person, surface))
    rng = person.random(Stream.TEXTURE)
    pieces += [_hair_piece(rng, person, group) for group in strands]
    pieces += worn.glasses(person.worn, head, eyes) + worn.earrings(person.worn, head)
    return Figure(pieces, *frame(head), landmarks(model, head, eyes))


def _skin(person: Person, head: Head, surface: paint.Surface) -> Piece:
    colours = paint.paint_skin(person, surface)
    return Piece(head.vertices, head.triangles, colours, head.normals, "skin")


def _face_parts(person: Person, model: HeadModel, vertices: Array) -> list[Piece]:
    """Eyes, teeth, tongue and, with make-up, lashes."""
    colours = {name: paint.paint_eye(person, model.parts[name].base) for name in EYES}
    plain = dict(MOUTH)
    if person.features.eyeliner > LASHES_FROM:
        plain |= dict.fromkeys(LASHES, LASH_COLOUR)
    colours |= {name: np.tile(c, (len(model.parts[name].base), 1)) for name, c in plain.items()}
    pieces = []
    for name, painted in colours.items():
        fine, triangles = model.parts[name].fine(vertices), model.parts[name].triangles
        material = "eye" if name in EYES else "cloth"
        pieces.append(Piece(fine, triangles, painted, vertex_normals(fine, triangles), material))
    return pieces


def _hair_piece(rng: np.random.Generator, person: Person, strands: Strands) -> Piece:
    """Tapering tubes, lighter at the tips and a little different from strand to strand."""
    count, steps, _ = strands.curves.shape
    radii = np.tile(strands.radius * np.linspace(1, 0.5, steps), (count, 1))
    shade = np.exp(rng.normal(0, 0.2, (count, 1))) * np.linspace(0.8, 1.15, steps)
    if person.hair.tint == "grey":
        shade *= np.where(rng.random((count, 1)) < 0.35, 1.45, 0.85)
    tone = 1 + rng.normal(0, 0.05, (count, 1, 3))
    colours = np.clip(np.array(person.hair.colour) * shade[..., None] * tone, 0.003, 0.85)
    return tubes(strands.curves, radii, colours, "hair")


def frame(head: Head) -> tuple[Array, float]:
    """Centre (3,) and half side of the square that shows the head, in dm."""
    x, y, z = head.base.T
    chin = (np.abs(x) < 0.1) & (z > 1.2) & (y > 6.15) & (y < 6.4)
    lowest, highest = head.vertices[chin, 1].min(), head.vertices[:, 1].max()
    depth = head.vertices[y > 6.9, 2]
    height = float(highest - lowest)
    centre = np.array([0, lowest + CENTRE * height, (depth.max() + depth.min()) / 2])
    return centre, HALF_SIDE * height


def landmarks(model: HeadModel, head: Head, eyes: list[Array]) -> dict[str, Array]:
    """Landmarks (3,) on the deformed head; left and right are the subject's own."""
    x, _, z = head.base.T
    lips, ears = head.masks["lips"] > 0.5, head.masks["ears"] > 0.5
    found = {"nose_tip": head.vertices[_best(z, np.abs(x) < 0.03)]}
    for side, name, eye_name, eye in zip((1, -1), ("left", "right"), EYES, eyes, strict=True):
        found[f"{name}_pupil"] = eye[int(model.parts[eye_name].base[:, 2].argmax())]
        found[f"{name}_mouth"] = head.vertices[_best(side * x, lips)]
        found[f"{name}_ear"] = head.vertices[_best(side * x, ears)]
    return found


def _best(values: Array, among: Flags) -> int:
    """Index of the largest value among the chosen vertices."""
    return int(np.where(among, values, -np.inf).argmax())
