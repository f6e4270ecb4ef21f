"""The network of the paper's Fig 1 and 4, and its latents as arguments.

image 64x64 -> down1 -> latent1 32x32 ---- Concat1 ---> up1 -> image 64x64
               down2 -> latent2 16x16 ---- Concat2 ---> up2
               down3 -> latent3  8x8  ---- Concat3 ---> up3
               down4 -> latent4  4x4  ---- Concat4 ---> up4
               down5 -> latent5  2x2  --- bottleneck -> up5
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BOTTLENECK = 5
RGB = 3

Merge = Callable[[list[Tensor], int], Tensor]  # ([from below, latentK], dim of their channels)


def add(parts: list[Tensor], dim: int) -> Tensor:
    """What comes from below plus latentK, as wide as it is: up-(K+1) puts out that width."""
    below, latent = parts
    return below + latent


MERGES: dict[str, Merge] = {"concat": torch.cat, "add": add}
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=True),  # the weights of batch, other statistics
    "none": nn.Identity,
}


class Stage(nn.Sequential):
    """Layers that each group of channels passes by itself, all groups with the same weights."""

    def __init__(self, *layers: nn.Module, groups: int) -> None:
        super().__init__(*layers)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C*groups, H, W) -> (N, D*groups, H', W'), the group the faster index of a channel.

        So two such tensors, joined along their channels, are one again.
        """
        x = apart(x, self.groups)
        for layer in self:
            x = layer(x)
        return together(x, self.groups)


class Down(Stage):
    """latent(K-1) -> latentK: half the resolution."""

    def __init__(self, inputs: int, outputs: int, norm: str, groups: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=norm == "none"),
            NORMS[norm](outputs),
            nn.LeakyReLU(0.2),
            groups=groups,
        )


class Up(Stage):
    """Twice the resolution; the last stage ends in the image instead of features."""

    def __init__(
        self, inputs: int, outputs: int, norm: str, groups: int, last: bool = False
    ) -> None:
        super().__init__(
            nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=norm == "none"),
            NORMS[norm](outputs),
            nn.Sigmoid() if last else nn.ReLU(),
            groups=groups,
        )

    def both_ways(self, x: Tensor, kept: Tensor, silent: Tensor) -> Tensor:
        """What it puts out with a latent kept, then silenced: (R*N, C, H, W) -> (2*R*N, D, H', W').

        A convolution of two parts is the sum of theirs, so each part is convolved once: what comes
        from below, and the latent's two, each (N, L, H, W). Parts that are added share weights.
        """
        conv, *rest = self
        assert isinstance(conv, nn.ConvTranspose2d)
        below, skips = apart(x, self.groups), apart(torch.cat([kept, silent]), self.groups)
        width = below.shape[1] if below.shape[1] < conv.in_channels else 0
        convolve = partial(F.conv_transpose2d, stride=2, padding=1)
        one = convolve(below, conv.weight[: width or None], conv.bias)
        two = convolve(skips, conv.weight[width:])
        shape = (len(skips) // 2, *one.shape[1:])
        y = (one.reshape(1, -1, *shape) + two.reshape(2, 1, *shape)).flatten(0, 2)
        for layer in rest:
            y = layer(y)
        return together(y, self.groups)


class UNet(nn.Module):
    """A U-Net in which ConcatK is there or not: without it up-K gets nothing of latentK.

    Args:
        concats: which ConcatK hand latentK to the decoder, K in 1..4; none is the auto-encoder.
        channels: the widths of latent1 .. latent5, of each colour channel where it is by itself.
        norm: what follows the convolutions, but for the first and the last: `batch`, `instance`
            (needs S >= 64: at 32 latent5 is 1x1, and nothing is left of one value) or `none`.
        merge: how latentK joins what comes from below: `concat` beside it, and a missing ConcatK
            has no weights; `add` onto it, both being equally wide, so that no ConcatK has weights.
        colour: `joint`, or `separate`: r, g and b pass one and the same one-channel network, each
            by itself, and channel 3c+i of a latent is channel c of what colour i became.
    """

    def __init__(
        self,
        concats: Collection[int] = (1, 2, 3, 4),
        channels: Sequence[int] = (32, 64, 128, 256, 256),
        norm: str = "batch",
        merge: str = "concat",
        colour: str = "joint",
    ) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {
            "concats": sorted(concats), "channels": list(channels),
            "norm": norm, "merge": merge, "colour": colour,
        }  # fmt: skip
        self.latents = (*sorted(concats), BOTTLENECK)
        self.merge = MERGES[merge]
        groups = {"joint": 1, "separate": RGB}[colour]
        widths = (RGB // groups, *channels)
        beside = concats if merge == "concat" else ()
        skips = [widths[k] if k in beside else 0 for k in range(1, BOTTLENECK)]
        down, up = partial(Down, groups=groups), partial(Up, groups=groups)

        self.down1 = down(widths[0], widths[1], "none")
        self.down2 = down(widths[1], widths[2], norm)
        self.down3 = down(widths[2], widths[3], norm)
        self.down4 = down(widths[3], widths[4], norm)
        self.down5 = down(widths[4], widths[5], norm)

        self.up5 = up(widths[5], widths[4], norm)
        self.up4 = up(widths[4] + skips[3], widths[3], norm)
        self.up3 = up(widths[3] + skips[2], widths[2], norm)
        self.up2 = up(widths[2] + skips[1], widths[1], norm)
        self.up1 = up(widths[1] + skips[0], widths[0], "none", last=True)

    def encode(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images (N, 3, S, S) in [0, 1] -> latent1 .. latent5, a row a face.

        latentK is (N, C, S / 2**K, S / 2**K), C its width, thrice that with colours by themselves.
        """
        latent1 = self.down1(x)
        latent2 = self.down2(latent1)
        latent3 = self.down3(latent2)
        latent4 = self.down4(latent3)
        latent5 = self.down5(latent4)
        return latent1, latent2, latent3, latent4, latent5

    def decode(
        self,
        latents: Sequence[Tensor],
        keep: Collection[int] | None = None,
        fill: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """The five latents -> images (N, 3, S, S) in [0, 1].

        Args:
            latents: what `encode` returns.
            keep: the latents that reach the decoder; None for all that this model has.
            fill: what each silenced latent becomes, five tensors that broadcast; None for zeros.

        Raises:
            ValueError: `keep` names a latent that never reaches the decoder of this model.
        """
        *_, image = self.drawn(latents, keep, fill)
        return image

    def drawn(
        self,
        latents: Sequence[Tensor],
        keep: Collection[int] | None = None,
        fill: Sequence[Tensor] | None = None,
    ) -> Iterator[Tensor]:
        """What every stage puts out on the way of `decode`: up5, up4, up3, up2, and the image."""
        reach = self._silence(latents, self.latents if keep is None else keep, fill)
        x = self.up5(reach[5])
        for k, up in self.ups:
            yield x
            x = up(self.merge([x, reach[k]], 1) if k in reach else x)
        yield x

    @property
    def ups(self) -> tuple[tuple[int, Up], ...]:
        """The stages that a Concat may hand a latent to, upwards: (K, up-K)."""
        return (4, self.up4), (3, self.up3), (2, self.up2), (1, self.up1)

    def forward(self, x: Tensor, keep: Collection[int] | None = None) -> Tensor:
        """Images (N, 3, S, S) in [0, 1] -> turned images, with the kept latents alone."""
        return self.decode(self.encode(x), keep)

    def decode_all(self, latents: Sequence[Tensor], fill: Sequence[Tensor] | None = None) -> Tensor:
        """Every keep set at once: (2**n, N, 3, S, S) for a model with n latents.

        The keep sets are ordered as `itertools.product((kept, silenced), repeat=n)`, latent1
        slowest. What two keep sets share is decoded once: each stage doubles the batch only where
        its own latent comes in, and only after its convolution.
        """
        kept = self._silence(latents, self.latents, fill)
        silent = self._silence(latents, (), fill)
        x: Tensor = self.up5(torch.cat([kept[5], silent[5]]))
        for k, up in self.ups:
            x = up.both_ways(x, kept[k], silent[k]) if k in kept else up(x)
        every = x.reshape(-1, len(latents[0]), *x.shape[1:])
        every[0] = self.decode(latents)  # to the bit: what all others are compared with
        return every

    def _silence(
        self, latents: Sequence[Tensor], keep: Collection[int], fill: Sequence[Tensor] | None
    ) -> dict[int, Tensor]:
        """What reaches the decoder from each latent of this model, by its number."""
        for k in keep:
            if k not in self.latents:
                has = ", ".join(map(str, self.latents))
                raise ValueError(f"latent{k} never reaches this model's decoder: it has {has}")
        return {
            k: latents[k - 1]
            if k in keep
            else _filled(latents[k - 1], fill[k - 1] if fill else None)
            for k in self.latents
        }


def apart(x: Tensor, groups: int) -> Tensor:
    """Each group of channels as a row: (N, C*groups, H, W) -> (N*groups, C, H, W).

    Channels last here and on the way back: what the convolutions are fast with.
    """
    if groups == 1:
        return x
    last: Tensor = x.movedim(1, -1).unflatten(-1, (-1, groups))  # type: ignore[no-untyped-call]
    return last.movedim(-1, 1).flatten(0, 1).movedim(-1, 1)


def together(x: Tensor, groups: int) -> Tensor:
    """A row a face again: (N*groups, C, H, W) -> (N, C*groups, H, W)."""
    if groups == 1:
        return x
    last: Tensor = x.movedim(1, -1).unflatten(0, (-1, groups))  # type: ignore[no-untyped-call]
    return last.movedim(1, -1).flatten(-2).movedim(-1, 1)


def _filled(latent: Tensor, fill: Tensor | None) -> Tensor:
    return torch.zeros_like(latent) if fill is None else fill.expand_as(latent)
