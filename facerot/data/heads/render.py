"""Pictures and landmarks of one person, path traced by Mitsuba in a fixed studio."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from facerot.data.heads import studio
from facerot.data.heads.arrays import Array
from facerot.data.heads.draw import draw_person
from facerot.data.heads.faceset import LANDMARKS, SIZE, YAWS, Image, Seen
from facerot.data.heads.mesh import HeadModel
from facerot.data.heads.people import Studio
from facerot.data.heads.pieces import Piece
from facerot.data.heads.scene import Figure, assemble

# Camera distance in dm: far enough that the face is not distorted, as in a studio.
DISTANCE = 14.0
BOUNCES = 4
# A landmark is hidden where something is nearer than it by more than this (dm), on most of a
# grid of rays one pixel wide.
CLEARANCE, RAYS = 0.09, 5
PRINCIPLED = {
    "type": "principled",
    "base_color": {"type": "mesh_attribute", "name": "vertex_color"},
}
DIFFUSE = {"type": "diffuse", "reflectance": {"type": "mesh_attribute", "name": "vertex_color"}}
MATERIALS: dict[str, dict[str, Any]] = {
    "skin": {**PRINCIPLED, "roughness": 0.48, "specular": 0.45},
    "eye": {**PRINCIPLED, "roughness": 0.12, "specular": 0.6},
    "gloss": {**PRINCIPLED, "roughness": 0.25, "specular": 0.6},
    "hair": {**PRINCIPLED, "roughness": 0.38, "specular": 0.5},
    "cloth": {"type": "twosided", "bsdf": DIFFUSE},
}


@cache
def mitsuba() -> Any:
    """The renderer, with the one variant that runs on every CPU without a compiler."""
    import mitsuba as mi

    mi.set_variant("scalar_rgb")
    return mi


@cache
def head_model() -> HeadModel:
    """The parametric head, read once per process."""
    return HeadModel()


def render_person(
    seed: int, number: int, samples: int
) -> tuple[dict[int, Image], dict[int, dict[str, Seen]]]:
    """RGBA pictures (64, 64, 4) and landmarks (x, y, visible) by yaw."""
    person = draw_person(seed, number)
    figure = assemble(person, head_model())
    mi, scene = mitsuba(), _load(figure, person.studio)
    light = mi.traverse(scene)
    images, seen = {}, {}
    for yaw in YAWS:
        # The light turns with the camera: the subject sits on a turning chair.
        light["light.to_world"] = mi.ScalarTransform4f().rotate([0, 1, 0], -yaw)
        light.update()
        view = View(figure, yaw, person.studio.camera_height)
        images[yaw] = studio.develop(
            np.array(mi.render(scene, sensor=view.sensor(samples), seed=0))
        )
        seen[yaw] = {name: view.see(scene, figure.landmarks[name]) for name in LANDMARKS}
    return images, seen


class View:
    """The camera at one yaw; negative yaw shows the nose towards the image's left."""

    def __init__(self, figure: Figure, yaw: int, height: float) -> None:
        turn, rise = np.radians(-yaw), np.radians(height)
        self.back = np.array(
            [np.sin(turn) * np.cos(rise), np.sin(rise), np.cos(turn) * np.cos(rise)]
        )
        self.right = np.array([np.cos(turn), 0, -np.sin(turn)])
        self.up = np.cross(self.back, self.right)
        self.centre, self.half_side = figure.centre, figure.half_side
        self.eye = self.centre + DISTANCE * self.back

    def sensor(self, samples: int) -> Any:
        """Mitsuba's camera; one thread renders one image, so that the sum has one order."""
        mi = mitsuba()
        sampler = {"type": "multijitter", "sample_count": samples}
        film = {
            "type": "hdrfilm",
            **{"width": SIZE, "height": SIZE, "pixel_format": "rgba"},
            "rfilter": {"type": "gaussian", "stddev": 0.45},
        }
        where = mi.ScalarTransform4f().look_at(
            origin=self.eye.tolist(), target=self.centre.tolist(), up=[0, 1, 0]
        )
        angle = float(2 * np.degrees(np.arctan(self.half_side / DISTANCE)))
        camera = {"type": "perspective", "fov": angle, "to_world": where}
        return mi.load_dict({**camera, "film": film, "sampler": sampler})

    def project(self, point: Array) -> tuple[float, float]:
        """Pixel position (x, y) of a point (3,), from the image's top left corner."""
        offset = point - self.centre
        scale = SIZE / 2 / self.half_side * DISTANCE / (DISTANCE - offset @ self.back)
        return SIZE / 2 + scale * (offset @ self.right), SIZE / 2 - scale * (offset @ self.up)

    def see(self, scene: Any, point: Array) -> Seen:
        """Where a point (3,) is in the image, and whether nothing but air is before it."""
        x, y = self.project(point)
        pixel = 2 * self.half_side / SIZE
        offsets = (np.arange(RAYS) / (RAYS - 1) - 0.5) * pixel
        hidden = [
            self._blocked(scene, point + across * self.right + along * self.up)
            for across in offsets
            for along in offsets
        ]
        inside = 0 <= x < SIZE and 0 <= y < SIZE
        return x, y, bool(inside and np.mean(hidden) < 0.5)

    def _blocked(self, scene: Any, point: Array) -> bool:
        mi, way = mitsuba(), point - self.eye
        distance = float(np.linalg.norm(way))
        ray = mi.Ray3f(self.eye.tolist(), (way / distance).tolist(), distance - CLEARANCE, 0.0, [])
        return bool(scene.ray_test(ray))


def _load(figure: Figure, light: Studio) -> Any:
    mi = mitsuba()
    parts: dict[str, Any] = {f"piece{k}": _mesh(piece) for k, piece in enumerate(figure.pieces)}
    # One block is the whole image: what a pixel sums up never depends on the threads.
    integrator = {"max_depth": BOUNCES, "hide_emitters": True, "block_size": SIZE}
    parts["integrator"] = {"type": "path", **integrator}
    parts["light"] = {"type": "envmap", "bitmap": mi.Bitmap(studio.environment(light))}
    return mi.load_dict({"type": "scene", **parts})


def _mesh(piece: Piece) -> Any:
    mi = mitsuba()
    properties = mi.Properties()
    properties["mesh_bsdf"] = mi.load_dict(MATERIALS[piece.material])
    count, faces = len(piece.vertices), len(piece.triangles)
    mesh = mi.Mesh(piece.material, count, faces, has_vertex_normals=True, props=properties)
    mesh.add_attribute("vertex_color", 3, piece.colours.astype(np.float32).ravel())
    values = mi.traverse(mesh)
    values["vertex_positions"] = piece.vertices.astype(np.float32).ravel()
    values["vertex_normals"] = piece.normals.astype(np.float32).ravel()
    values["faces"] = piece.triangles.astype(np.uint32).ravel()
    values.update()
    return mesh
