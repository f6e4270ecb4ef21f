"""What the paper prints: its tables, its figures' captions, its names for the models.

Okamoto & Jin'no (2023), Feature of Latent Variables in Rotational Transformation of Face Images by
U-Net (in Japanese). A set of Concats is written as in latents.csv: its digits, or `none`.
"""

from __future__ import annotations

from dataclasses import dataclass

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
