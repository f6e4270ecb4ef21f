"""Every mask on every face, and how much of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import torch

from facerot.data.datamodule import Batch
from facerot.measure.scores import Regions
from facerot.measure.silencing import masked_at_once, silence
from facerot.model import UNet


@dataclass
class Noise:
    """Faces that are none, in batches of a size."""

    count: int
    batch: int

    def batches(self, split: str) -> Iterator[Batch]:
        noise = torch.rand(2, self.count, 3, 64, 64, generator=torch.manual_seed(len(split)))
        yield from zip(*(torch.split(images, self.batch) for images in noise))

    def people(self, split: str) -> pd.DataFrame:
        rows = [(str(person), "", 0.0, False) for person in range(self.count)]
        people: pd.DataFrame = pd.DataFrame(rows, columns=["person", "session", "yaw", "mirrored"])
        return people


def test_the_numbers_do_not_depend_on_how_many_faces_are_decoded_at_once() -> None:
    torch.manual_seed(0)
    net = UNet((2,), channels=(2, 4, 4, 4, 4)).eval()
    regions = Regions((0.4, 0.55), (0.2, 0.2, 0.8, 0.8))
    assert masked_at_once(64) < 20
    whole, parts = (silence(net, Noise(20, batch), ["zero", "mean"], regions) for batch in (20, 3))
    pd.testing.assert_frame_equal(whole, parts, rtol=1e-4, atol=1e-5)


def test_large_faces_are_decoded_one_by_one_not_all_at_once() -> None:
    pixels = [masked_at_once(size) * size**2 for size in range(32, 257, 32)]
    assert max(pixels) <= 256**2
    assert min(pixels) > 0
