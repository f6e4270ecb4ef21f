"""What the paper prints: its tables, its figures' captions, its names for the models.

Okamoto & Jin'no (2023), Feature of Latent Variables in Rotational Transformation of Face Images by
U-Net (in Japanese). A set of Concats is written as in latents.csv: its digits, or `none`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facerot.latents import CHANNELS, KeepSet, keep_label, keep_ones, removals
from facerot.panels import Pixels

AE, BASELINE = "none", "1234"


@dataclass(frozen=True)
class PaperTable:
    """One of Tables 1 to 4: for each set of Concats the MSE on train and on test faces."""

    title: str
    mse: dict[str, tuple[float, float]]


TABLES = {
    "table1": PaperTable(
        "MSE between generated and target images",
        {AE: (0.0102, 0.0488), BASELINE: (0.0007, 0.0089)},
    ),
    "table2": PaperTable(
        "MSE by Concat",
        {
            "1": (0.0084, 0.0132),
            "2": (0.0014, 0.0087),
            "3": (0.0015, 0.0108),
            "4": (0.0019, 0.0151),
        },
    ),
    "table3": PaperTable(
        "MSE with two Concats",
        {"12": (0.0014, 0.0087), "23": (0.0010, 0.0089), "24": (0.0010, 0.0089)},
    ),
    "table4": PaperTable(
        "MSE with three Concats",
        {"123": (0.0009, 0.0090), "124": (0.0009, 0.0087), "234": (0.0008, 0.0088)},
    ),
}

SETS = tuple(concats for table in TABLES.values() for concats in table.mse)


def model_name(concats: str) -> str:
    """What the paper calls the model with a set of Concats."""
    return {AE: "AE", BASELINE: "U-Net"}.get(concats, f"Concat{','.join(concats)}")


def number_of_concats(concats: str) -> int:
    """How many Concats a set has."""
    return 0 if concats == AE else len(concats)


def _each_alone(latents: Sequence[int]) -> dict[str, KeepSet]:
    return {"all": tuple(latents), **keep_ones(latents)}


@dataclass(frozen=True)
class MaskedFigure:
    """A figure of outputs under masks: a column a mask, a row a face and probe input.

    Attributes:
        title: what it shows.
        masks: the latents of a model -> what stands above a column, and the keep set it shows.
        probes: the inputs that each face is shown as.
        note: what one has to know to read it.
    """

    title: str
    masks: Callable[[Sequence[int]], dict[str, KeepSet]]
    probes: tuple[str, ...]
    note: str

    def compose(
        self, latents: Sequence[int], sheets: Mapping[str, Mapping[str, Pixels]], rows: int
    ) -> dict[str, Pixels]:
        """The columns by their captions, each (about `rows`, S, S, 3), face by face.

        Args:
            latents: of the model.
            sheets: probe -> `input`, `target` or the label of a keep set -> faces (N, S, S, 3).
            rows: how many there should be; a face has one for each probe.
        """
        context = ["input"] if self.probes != ("rgb",) else ["input", "target"]
        columns = {name: name for name in context}
        columns |= {caption: keep_label(keep) for caption, keep in self.masks(latents).items()}
        shown = [sheets[probe] for probe in self.probes]
        faces = min(math.ceil(rows / len(shown)), len(shown[0]["input"]))
        return {
            caption: np.stack([sheet[name][face] for face in range(faces) for sheet in shown])
            for caption, name in columns.items()
        }


TRAIN_FACES_ALONE = "The paper shows train faces alone."
MASKED_FIGURES = {
    "figure5": MaskedFigure(
        "Fig 5. Each latent alone",
        _each_alone,
        ("rgb",),
        "One latent is kept, the others are set to 0; all: nothing is.",
    ),
    "figure6": MaskedFigure(
        "Fig 6. Latents removed one by one",
        removals,
        ("rgb",),
        "-n: latent n is set to 0; all: nothing is.",
    ),
    "figure8": MaskedFigure(
        "Fig 8. Latents by colour (single colour)",
        removals,
        CHANNELS,
        f"The input shows one channel, the other two are 0. {TRAIN_FACES_ALONE}",
    ),
    "figure9": MaskedFigure(
        "Fig 9. Latents by colour (RGB)",
        removals,
        ("mosaic",),
        f"Each of 3x3 tiles of the input keeps one channel. {TRAIN_FACES_ALONE}",
    ),
}
