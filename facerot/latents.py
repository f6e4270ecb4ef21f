"""Sets of latents: which are kept, which are removed, which the probe inputs meet.

In code that runs networks a set of latents, or of Concats, is a tuple of their numbers; in tables
and on disk it is its label: the digits, or `none`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

KeepSet = tuple[int, ...]

LATENTS: KeepSet = (1, 2, 3, 4, 5)  # of the Baseline; the last is the bottleneck
# On the way of a face through the network: what each stage puts out, the image last.
PLACES = ("input", *(f"latent{k}" for k in LATENTS), "up5", "up4", "up3", "up2", "output")
CHANNELS = ("r", "g", "b")
PROBES = ("rgb", *CHANNELS, "mosaic")  # what an input shows of itself
MEAN_LATENTS = "latents_mean.safetensors"  # in a run's faces/: what the fill `mean` takes
IN_FRAME, IN_EYES, IN_FACE = (
    "",
    "eye_",
    "face_",
)  # where a score is taken: what its name begins with


def keep_sets(latents: Sequence[int]) -> list[KeepSet]:
    """All 2**n sets of a model's n latents: all of them first, none of them last.

    The order is that of `UNet.decode_all`.
    """
    switches = product((True, False), repeat=len(latents))
    return [tuple(k for k, on in zip(latents, row) if on) for row in switches]


def keep_label(keep: Sequence[int]) -> str:
    """A set as it is written in latents.csv: its digits, or `none`."""
    return "".join(map(str, keep)) or "none"


def of_label(label: str) -> KeepSet:
    """The set that a label stands for."""
    return () if label == "none" else tuple(map(int, label))


def remove(latents: Sequence[int], k: int) -> KeepSet:
    """All latents of a model but one; raises ValueError where the model has no latentK."""
    if k not in latents:
        raise ValueError(f"latent{k} cannot be removed: this model has {keep_label(latents)}")
    return tuple(latent for latent in latents if latent != k)


def removals(latents: Sequence[int]) -> dict[str, KeepSet]:
    """`all`, then `-k` for each latent of a model: the columns of Fig 6, 8 and 9."""
    return {"all": tuple(latents)} | {f"-{k}": remove(latents, k) for k in latents}


def keep_ones(latents: Sequence[int]) -> dict[str, KeepSet]:
    """`keep k` for each latent of a model: the columns of Fig 5."""
    return {f"keep {k}": (k,) for k in latents}


def masks(latents: Sequence[int], probe: str) -> list[KeepSet]:
    """The masks that an input meets: every keep set for `rgb`, every removal for the others."""
    return keep_sets(latents) if probe == "rgb" else list(removals(latents).values())
