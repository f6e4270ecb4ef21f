"""The persons of a run at every yaw that the face set has of them, not only in their pairs."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from facerot.config import SPLITS, Settings
from facerot.data.align import LANDMARKS
from facerot.data.datamodule import FacePairs, to_unit
from facerot.data.images import load_images
from facerot.data.listing import Listing, list_faces
from facerot.data.views import View
from facerot.errors import reason

Rows = npt.NDArray[np.intp]

log = logging.getLogger(__name__)

WHO = ["person", "session", "yaw", "mirrored"]
PERSONS = 64  # of a split at most: spread evenly among its persons in their order


@dataclass(frozen=True, eq=False)
class Gallery:
    """Views of the persons of one split.

    Attributes:
        images: uint8 (N, 3, S, S).
        people: the columns WHO, a row a view; yaw in degrees as the network sees it.
        landmarks: x and y of each landmark in px of the photo, a row a view, nan where it is not
            known; None where the set has none.
    """

    images: Tensor
    people: pd.DataFrame
    landmarks: pd.DataFrame | None = None

    def pictures(self, rows: Rows) -> Tensor:
        """Some of the views as floats (n, 3, S, S) in [0, 1]."""
        return to_unit(self.images[torch.tensor(rows, device=self.images.device)])

    def where(self, chosen: pd.Series) -> Gallery:
        """Only the views that a mask (N,) of bools chooses."""
        rows = np.flatnonzero(chosen)
        points = None if self.landmarks is None else self.landmarks.iloc[rows]
        images = self.images[torch.tensor(rows, device=self.images.device)]
        return Gallery(images, self.people.iloc[rows].reset_index(drop=True), points)

    def on_side(self, source_yaw: Sequence[float], target_yaw: float) -> Gallery:
        """The views at the target's yaw and on the sides of it on which the sources lie."""
        away = self.people["yaw"] - target_yaw
        sides = [away * (source - target_yaw) > 0 for source in source_yaw]
        return self.where((away == 0) | np.logical_or.reduce(sides))

    def at(self, people: pd.DataFrame, yaw: float) -> Rows:
        """The row of the view at a yaw of each row of WHO, -1 where there is none."""
        keys = ["person", "session", "mirrored"]
        rows = self.people[self.people["yaw"] == yaw].reset_index(names="row")
        found = people[keys].merge(rows[[*keys, "row"]], "left", keys)["row"]
        numbers: Rows = found.fillna(-1).to_numpy(dtype=int)
        return numbers


def open_galleries(
    settings: Settings, pairs: FacePairs, listing: Listing | None = None
) -> dict[str, Gallery]:
    """The gallery of each split, of at most PERSONS persons.

    Raises SettingsError where the faces cannot be read.
    """
    listed = listing or list_faces(settings.data)
    pixels, faults = load_images(
        listed.root, listed.stamps, listed.views, settings.data, settings.size
    )
    usable = {view: row for row, view in enumerate(listed.views) if view not in faults}
    landmarks = read_landmarks(listed)
    images, galleries = torch.from_numpy(pixels), {}
    for split in SPLITS:
        shown = pairs.splits[split]
        persons = _spread(sorted({pair.person for pair in shown.pairs}))
        views = [view for view in usable if view.person in persons]
        gallery = _gallery(images, usable, views, landmarks, settings.mirror)
        galleries[split] = Gallery(
            gallery.images.to(shown.sources.device), gallery.people, gallery.landmarks
        )
    return galleries


def _spread(persons: Sequence[str]) -> set[str]:
    chosen = np.linspace(0, len(persons) - 1, min(PERSONS, len(persons))).round().astype(int)
    return {persons[index] for index in chosen}


def _gallery(
    images: Tensor,
    row: Mapping[View, int],
    views: Sequence[View],
    landmarks: pd.DataFrame | None,
    mirror: bool,
) -> Gallery:
    """The views, and with `mirror` each of them flipped too; landmarks are then left out."""
    chosen = images[[row[view] for view in views]]
    people = pd.DataFrame(
        [(view.person, " ".join(filter(None, view.session)), view.yaw, False) for view in views],
        columns=WHO,
    )
    if mirror:
        flipped = people.assign(yaw=-people["yaw"], mirrored=True)
        people = pd.concat([people, flipped], ignore_index=True)
        return Gallery(torch.cat([chosen, chosen.flip(-1)]), people)
    if landmarks is None:
        return Gallery(chosen, people)
    points = landmarks.reindex(pd.MultiIndex.from_frame(people[["person", "yaw"]]))
    return Gallery(chosen, people, points.reset_index(drop=True))


def read_landmarks(listing: Listing) -> pd.DataFrame | None:
    """The landmarks beside a face set by (person, yaw): columns `nose_tip_x`, `nose_tip_y`, ...

    Hidden ones are known too. None where the set has none that can be read, which is said.
    """
    if LANDMARKS not in listing.stamps:
        return None
    try:
        text = listing.root.read(LANDMARKS).decode("utf-8-sig")
        table = pd.read_csv(io.StringIO(text), dtype={"person": str})
        wide = table.pivot(index=["person", "yaw"], columns="landmark", values=["x", "y"])
        points: pd.DataFrame = wide.astype(float)
    except (ValueError, KeyError, OSError) as error:
        log.warning(f"{LANDMARKS} of {listing.root.path} is left out: {reason(error)}")
        return None
    points.columns = points.columns.map(lambda name: f"{name[1]}_{name[0]}")
    return points
