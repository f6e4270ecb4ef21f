"""The faces that a run leaves under every mask, read back from its pictures."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from facerot.data.photo import opened
from facerot.latents import keep_label, masks
from facerot.panels import Pixels, read_sheet
from facerot.reading import MOST_PHOTO, read_bytes
from facerot.runs.study import Finished


@lru_cache(maxsize=64)
def faces_of(run: Finished, split: str, probe: str) -> dict[str, Pixels]:
    """`input`, `target` and every keep set by its label -> the faces shown, (N, S, S, 3).

    Raises OSError or ValueError where the run's sheet is not such a picture.
    """
    names = ["input", "target", *map(keep_label, masks(run.latents_of_model, probe))]
    path = run.folder / "faces" / f"{split}_{probe}.png"
    with opened(read_bytes(path, MOST_PHOTO)) as file:
        return read_sheet(np.asarray(file.convert("RGB")), names)
