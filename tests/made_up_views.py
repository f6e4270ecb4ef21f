"""Views at several yaws made up rather than photographed: we know what each of them shows."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import torch
from torch import Tensor

from facerot.config import SPLITS
from facerot.data.gallery import WHO, Gallery
from facerot.measure.scores import Regions, blur

SIZE = 32
YAWS = (-90.0, -45.0, 0.0)
REGIONS = Regions(eye_band=(0.4, 0.6), face_box=(0.25, 0.25, 0.75, 0.75))
# What a person shows besides their yaw: one of these patterns of luma each, in some mixture.
TRAITS = 4


class MadeUpViews:
    """Persons whose luma says who they are and how they are turned, and chroma neither.

    The luma of a view is a mixture of TRAITS patterns in proportions of the person's own, plus one
    pattern times the yaw; the chroma is one colour, the person's, all over. Both have nothing to do
    with each other. A front shows the patterns upside down, so that it has to be made.
    """

    def __init__(self, persons: int, yaws: tuple[float, ...] = YAWS) -> None:
        self.persons, self.yaws = persons, yaws

    def galleries(self, background: str | None = None) -> dict[str, Gallery]:
        """The persons of each split at every yaw."""
        return {split: self.gallery(split) for split in SPLITS}

    def gallery(self, split: str) -> Gallery:
        """The views of one split."""
        generator = torch.Generator().manual_seed(SPLITS.index(split))
        proportions = torch.randn(self.persons, TRAITS, generator=generator)
        colours = 0.08 * (torch.rand(self.persons, 2, generator=generator) - 0.5)
        shown = [view(one, colour, yaw) for one, colour in zip(proportions, colours)
                 for yaw in self.yaws]  # fmt: skip
        rows = [(f"{split}{person:03}", "", yaw, False)
                for person in range(self.persons) for yaw in self.yaws]  # fmt: skip
        people = pd.DataFrame(rows, columns=WHO)
        images = torch.stack(shown).mul(255).round().to(torch.uint8)
        return Gallery(images, people, [min(self.yaws)], 0.0)

    def batches(self, split: str) -> Iterator[tuple[Tensor, Tensor]]:
        """The views at the smallest yaw and the fronts."""
        gallery = self.gallery(split)
        sides = gallery.where(gallery.people["yaw"] == min(self.yaws))
        fronts = gallery.where(gallery.people["yaw"] == 0)
        yield torch.cat(list(sides.batches())), torch.cat(list(fronts.batches()))

    def people(self, split: str) -> pd.DataFrame:
        """Who is shown in the batches."""
        gallery = self.gallery(split)
        return gallery.where(gallery.people["yaw"] == min(self.yaws)).people


def view(proportions: Tensor, colour: Tensor, yaw: float) -> Tensor:
    """One view (3, SIZE, SIZE) in [0, 1]."""
    smooth = blur(
        torch.randn(TRAITS + 1, SIZE, SIZE, generator=torch.Generator().manual_seed(9)), 2
    )
    *traits, turn = smooth / smooth.std(dim=(1, 2), keepdim=True)
    pattern = sum(share * trait for share, trait in zip(proportions, traits))
    assert isinstance(pattern, Tensor)
    luma = 0.5 + 0.03 * (pattern.flip(0) if yaw == 0 else pattern) + 0.04 * yaw / 90 * turn
    cb, cr = colour
    chroma = torch.stack([1.402 * cr, -0.344136 * cb - 0.714136 * cr, 1.772 * cb])
    picture: Tensor = luma + chroma[:, None, None]
    return picture.clamp(0, 1)
