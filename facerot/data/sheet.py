"""A picture of pairs as a network will see them, with the regions that scores look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facerot.config import FaceSet, Settings
from facerot.data.pairs import Pair
from facerot.data.photo import decode
from facerot.data.root import Root
from facerot.panels import Pixels, captioned

SHEET_ROWS, SHEET_COLUMNS, ENLARGE = 2, 12, 2
MEAN_OF = 200  # pairs at most
CYAN, YELLOW = (0, 255, 255), (255, 255, 0)


def write_sheet(root: Root, pairs: Sequence[Pair], settings: Settings) -> Path:
    """A picture of the mean pair, and of a random pair of some random persons, as they are seen.

    Eye band and face box are drawn on all. Captions are the source yaw and the person; another
    `seed` picks others.
    """
    order = np.random.default_rng(settings.seed).permutation(len(pairs)).tolist()
    of_person = {pairs[i].person: pairs[i] for i in order}
    some = [_faces(root, pairs[i], settings) for i in order[:MEAN_OF]]
    shown = {"mean": np.rint(np.mean(some, axis=0)).astype(np.uint8)}
    for pair in list(of_person.values())[: SHEET_ROWS * SHEET_COLUMNS - 1]:
        shown[f"{pair.yaw:g} {pair.person}"] = _faces(root, pair, settings)
    columns = [(name, _outlined(faces, settings.data)) for name, faces in shown.items()]
    width = min(SHEET_COLUMNS, len(columns))
    bands = [
        captioned(dict(columns[i : i + width])) for i in range(0, len(columns) - width + 1, width)
    ]
    sheet = Image.fromarray(np.concatenate(bands))
    yaws = "_".join(f"{yaw:g}" for yaw in settings.source_yaw)
    name = f"{settings.data.name}-check_{yaws}_to_{settings.target_yaw:g}.png"
    path = Path(settings.outputs) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    size = sheet.width * ENLARGE, sheet.height * ENLARGE
    sheet.resize(size, Image.Resampling.NEAREST).save(path)
    return path


def _faces(root: Root, pair: Pair, settings: Settings) -> Pixels:
    """The source and the target of a pair, (2, size, size, 3)."""
    pixels = np.stack(
        [
            decode(root.read(view.file), view.person, settings.data, settings.size, view.place)
            for view in (pair.source, pair.target)
        ]
    )
    faces: Pixels = pixels.transpose(0, 2, 3, 1)
    return faces[:, :, ::-1] if pair.flip else faces


def _outlined(images: Pixels, faces: FaceSet) -> Pixels:
    """Images (N, S, S, 3) with the eye band in CYAN and the face box in YELLOW."""
    size = images.shape[1]
    drawn: Pixels = images.copy()
    for edge in faces.eye_band or ():
        drawn[:, min(round(edge * size), size - 1), ::2] = CYAN
    if faces.face_box is not None:
        left, top, right, bottom = (min(round(edge * size), size - 1) for edge in faces.face_box)
        drawn[:, top : bottom + 1, [left, right]] = YELLOW
        drawn[:, [top, bottom], left : right + 1] = YELLOW
    return drawn
