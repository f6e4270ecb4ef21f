"""Which latents to keep, and what a silenced one becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

KeepSet = tuple[int, ...]

LATENTS: KeepSet = (1, 2, 3, 4, 5)  # of the Baseline; the last is the bottleneck


def keep_sets(latents: Sequence[int]) -> list[KeepSet]:
    """All 2**n sets of a model's n latents: all of them first, none of them last.

    The order is that of `UNet.decode_all`.
    """
    switches = product((True, False), repeat=len(latents))
    return [tuple(k for k, on in zip(latents, row) if on) for row in switches]


def keep_label(keep: KeepSet) -> str:
    """A keep set as it is written in latents.csv: its digits, or `none`."""
    return "".join(map(str, keep)) or "none"


def remove(latents: Sequence[int], k: int) -> KeepSet:
    """All latents of a model but one; raises ValueError where the model has no latentK."""
    if k not in latents:
        raise ValueError(
            f"latent{k} cannot be removed: this model has {keep_label(tuple(latents))}"
        )
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


def mean_latents(
    encode: Callable[[Tensor], Sequence[Tensor]], batches: Iterable[Tensor]
) -> list[Tensor]:
    """Each latent averaged over faces, shape (1, C, H, W): the fill `mean`."""
    total: list[Tensor] = []
    count = 0
    for x in batches:
        sums = [latent.sum(dim=0, keepdim=True) for latent in encode(x)]
        total = [one + other for one, other in zip(total, sums)] if total else sums
        count += len(x)
    return [latent / count for latent in total]
