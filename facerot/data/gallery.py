"""The persons of a run at every yaw that the face set has of them, not only in their pairs."""

from __future__ import annotations

import io
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from facerot.config import Settings
from facerot.data.align import LANDMARKS
from facerot.data.images import load_images
from facerot.data.listing import Listing
from facerot.data.pixels import evaluation_batch, to_unit
from facerot.data.views import View
from facerot.errors import reason

Rows = npt.NDArray[np.intp]

log = logging.getLogger(__name__)

WHO = ["person", "session", "yaw", "mirrored"]
PERSONS = 64  # of a split at most: spread evenly among its persons in their order


@dataclass(frozen=True, eq=False)
class Gallery:
    """Views of the persons of one split, and from which yaw to which the network turns.

    Attributes:
        images: uint8 (N, 3, S, S).
        people: the columns WHO, a row a view; yaw in degrees as the network sees it.
        source_yaw: of the inputs that the network is trained on.
        target_yaw: of its targets.
        landmarks: x and y of each landmark in px of the photo, a row a view, nan where it is not
            known; None where the set has none.
    """

    images: Tensor
    people: pd.DataFrame
    source_yaw: Sequence[float]
    target_yaw: float
    landmarks: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.people)

    def pictures(self, rows: Rows) -> Tensor:
        """Some of the views as floats (n, 3, S, S) in [0, 1]."""
        return to_unit(self.images[torch.tensor(rows, device=self.images.device)])

    def batches(self) -> Iterator[Tensor]:
        """All views in evaluation batches, as floats (n, 3, S, S) in [0, 1]."""
        yield from map(to_unit, torch.split(self.images, evaluation_batch(self.images.shape[-1])))

    def to(self, device: torch.device) -> Gallery:
        """The same views on another device."""
        return replace(self, images=self.images.to(device))

    def where(self, chosen: pd.Series) -> Gallery:
        """Only the views that a mask (N,) of bools chooses."""
        rows = np.flatnonzero(chosen)
        points = None if self.landmarks is None else self.landmarks.iloc[rows]
        images = self.images[torch.tensor(rows, device=self.images.device)]
        people = self.people.iloc[rows].reset_index(drop=True)
        return replace(self, images=images, people=people, landmarks=points)

    def on_side(self) -> Gallery:
        """The views at the target's yaw and on the sides of it on which the sources lie."""
        away = self.people["yaw"] - self.target_yaw
        sides = [away * (source - self.target_yaw) > 0 for source in self.source_yaw]
        return self.where((away == 0) | np.logical_or.reduce(sides))

    def at(self, people: pd.DataFrame, yaw: float) -> Rows:
        """The row of the view at a yaw of each row of WHO, -1 where there is none."""
        keys = ["person", "session", "mirrored"]
        rows = self.people[self.people["yaw"] == yaw].reset_index(names="row")
        found = people[keys].merge(rows[[*keys, "row"]], "left", keys)["row"]
        numbers: Rows = found.fillna(-1).to_numpy(dtype=int)
        return numbers


def open_galleries(
    settings: Settings,
    listing: Listing,
    persons: Mapping[str, Collection[str]],
    background: str | None = None,
) -> dict[str, Gallery]:
    """The gallery of each split, of at most PERSONS of its persons.

    Args:
        settings: how the faces are cut, and what is turned where.
        listing: the face set.
        persons: whose views, by split.
        background: behind transparent pixels, where not that of the face set.

    Raises SettingsError where a view cannot be read.
    """
    faces = replace(settings.data, background=background or settings.data.background)
    pixels, faults = load_images(listing.root, listing.stamps, listing.views, faces, settings.size)
    images, landmarks = torch.from_numpy(pixels), read_landmarks(listing)
    usable = {view: row for row, view in enumerate(listing.views) if view not in faults}
    galleries = {}
    for split, everybody in persons.items():
        chosen = _spread(sorted(everybody))
        rows = {view: row for view, row in usable.items() if view.person in chosen}
        galleries[split] = _gallery(images[list(rows.values())], list(rows), landmarks, settings)
    return galleries


def _spread(persons: Sequence[str]) -> set[str]:
    chosen = np.linspace(0, len(persons) - 1, min(PERSONS, len(persons))).round().astype(int)
    return {persons[index] for index in chosen}


def _gallery(
    images: Tensor, views: Sequence[View], landmarks: pd.DataFrame | None, settings: Settings
) -> Gallery:
    """The views, with `mirror` each of them flipped too: then without their landmarks."""
    people = pd.DataFrame(
        [(view.person, " ".join(filter(None, view.session)), view.yaw, False) for view in views],
        columns=WHO,
    )
    points = None
    if settings.mirror:
        images = torch.cat([images, images.flip(-1)])
        flipped = people.assign(yaw=-people["yaw"], mirrored=True)
        people = pd.concat([people, flipped], ignore_index=True)
    elif landmarks is not None:
        points = landmarks.reindex(pd.MultiIndex.from_frame(people[["person", "yaw"]]))
        points = points.reset_index(drop=True)
    return Gallery(images, people, settings.source_yaw, settings.target_yaw, points)


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
