"""Where faces lie in a latent: coordinates that keep their distances."""

from __future__ import annotations

import numpy as np
import torch

from facerot.config import SPLITS
from facerot.measure.geometry import KEY, geometry
from facerot.measure.tables import FACE
from facerot.model import UNet
from tests.made_up_views import REGIONS, MadeUpViews

PERSONS = 9


@torch.inference_mode()
def test_coordinates_keep_the_distances_of_faces() -> None:
    torch.manual_seed(0)
    net, faces = UNet((2,), channels=(2, 4, 4, 4, 4)).eval(), MadeUpViews(PERSONS)
    table = geometry(net, faces, REGIONS)
    assert list(table.columns) == [*KEY, *FACE, "score", "value"]
    assert set(table["latent"]) == {2, 5}, "of this model alone"
    for split in SPLITS:
        ((x, _),) = faces.batches(split)
        for k in (2, 5):
            rows = table[(table["split"] == split) & (table["latent"] == k)]
            placed = rows.pivot(index="person", columns="axis", values="value")
            points = torch.tensor(placed.loc[list(faces.people(split)["person"])].to_numpy())
            latent = net.encode(x)[k - 1].flatten(1).double()
            wanted = torch.cdist(latent, latent)
            torch.testing.assert_close(torch.cdist(points, points), wanted, rtol=1e-3, atol=1e-3)
            assert (np.diff(placed.std()) < 1e-6).all(), "the longest axis first"
