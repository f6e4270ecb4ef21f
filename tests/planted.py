"""Networks built by hand, so that we know which latent carries what: nothing here is trained.

Each level of the encoder keeps its input's pixels as channels (a 2x2 block becomes four), each
stage of the decoder puts them back, so that any linear map of the image can be routed through any
latent. 32x32 images have a bottleneck of 1x1, in which pixels can be moved at will: there the face
is turned, that is, flipped left-right. All that is routed is positive, so no ReLU bends it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from facerot.measure.scores import LUMA
from facerot.model import UNet

SIZE = 32
GAIN = 8.0  # of the last sigmoid; steep, so that what is 0 in all latents comes out dark
MIDDLE = 0.5
CHANNELS = (24, 48, 128, 512, 1024)
RGB = 3
TURNED, AS_IT_IS = 0, 1  # the planes of luma that latent5 hands up


@dataclass(frozen=True, eq=False)
class Roles:
    """What each latent carries to the output, as a factor.

    Attributes:
        colour: latent1 or latent2 -> how much of the chroma it carries.
        side: latent1 or latent2 -> how much of the luma of the side view it carries.
        front: how much of the luma latent5 carries turned.
        undo_side: how much of the luma of the side view latent5 takes away.
        blurred: whether what latent1 carries is averaged over 2x2 pixels.
        shift: whether what latent1 carries is moved by one pixel down and right.
    """

    colour: dict[int, float]
    side: dict[int, float]
    front: float = 0.0
    undo_side: float = 0.0
    blurred: bool = False
    shift: bool = False


def planted(roles: Roles) -> UNet:
    """The U-Net with all Concats whose latents carry what `roles` says, and nothing else."""
    network = UNet((1, 2, 3, 4), CHANNELS)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.fill_(math.sqrt(1 + layer.eps))  # with untouched statistics: identity
            elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.weight.zero_()
        weights = dict(network.named_parameters())
        weights["down1.0.bias"].zero_()
        weights["up1.0.bias"].fill_(-GAIN * MIDDLE)
        _wire({name.split(".")[0]: weights[name] for name in weights if ".0.weight" in name}, roles)
    return network.eval()


def _wire(weights: dict[str, Tensor], roles: Roles) -> None:
    """Set the convolutions' weights, by the name of their stage."""
    _encode(weights["down1"], torch.eye(RGB), pixels=1)
    _encode(weights["down2"], torch.eye(RGB), pixels=4)
    _encode(weights["down3"], torch.tensor([LUMA]), pixels=16)
    _encode(weights["down4"], torch.eye(1), pixels=64)
    _encode(weights["down5"], torch.eye(1), pixels=256)
    _turn(weights["up5"])
    for up, pixels in (("up4", 64), ("up3", 16), ("up2", 4)):
        for plane in TURNED, AS_IT_IS:
            _decode(weights[up], torch.eye(1), pixels, plane * 4 * pixels, plane * pixels)
    _decode(weights["up2"], torch.eye(RGB), 4, CHANNELS[1], 2 * 4)  # latent2, beside both planes
    _paint(weights["up1"], roles)


def _block(pixels: int) -> Iterator[tuple[int, int, int, int]]:
    """(channel below, row, column, channel above), as a plane's pixels become four times as many.

    A kernel of 4 with stride 2 and padding 1 sees its own 2x2 block at rows and columns 1 and 2.
    """
    for pixel, corner in product(range(pixels), range(4)):
        yield pixel, 1 + corner // 2, 1 + corner % 2, 4 * pixel + corner


def _encode(weight: Tensor, mix: Tensor, pixels: int) -> None:
    """A plane's channels -> four times as many at half the resolution; planes mixed by `mix`."""
    for (below, row, column, above), out, into in _each(pixels, mix):
        weight[out * 4 * pixels + above, into * pixels + below, row, column] = mix[out, into]


def _decode(weight: Tensor, mix: Tensor, pixels: int, source: int, to: int) -> None:
    """The way back; planes begin at channel `source` of what comes in and at `to` of what goes."""
    for (below, row, column, above), out, into in _each(pixels, mix):
        from_, onto = source + into * 4 * pixels + above, to + out * pixels + below
        weight[from_, onto, row, column] = mix[out, into]


def _each(pixels: int, mix: Tensor) -> Iterator[tuple[tuple[int, int, int, int], int, int]]:
    yield from product(_block(pixels), range(mix.shape[0]), range(mix.shape[1]))


def _turn(weight: Tensor) -> None:
    """latent5, 1x1 with a channel a pixel -> the flipped luma, then the luma as it is, on 2x2."""
    whole, quarter = _places(SIZE), _places(SIZE // 2)
    for plane, seen in enumerate((whole.flip(1), whole)):
        half = SIZE // 2
        quarters = seen.reshape(2, half, 2, half).transpose(1, 2)
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            to = plane * quarter.numel() + quarter
            weight[quarters[row, column], to, 1 + row, 1 + column] = 1.0


def _places(side: int) -> Tensor:
    """Which channel holds which pixel (row, column) of a plane that has become 1x1."""
    place = torch.zeros(1, 1, dtype=torch.long)
    corners = torch.tensor([[0, 1], [2, 3]])
    while len(place) < side:  # the last halving told the halves of the plane apart
        place = (4 * place[None, :, None, :] + corners[:, None, :, None]).flatten(2).flatten(0, 1)
    return place


def _paint(weight: Tensor, roles: Roles) -> None:
    """up1: chroma and luma from where `roles` says -> the image before its sigmoid."""
    luma = torch.tensor([LUMA])
    grey = torch.ones(RGB, 1)
    chroma = torch.eye(RGB) - grey @ luma
    _put(weight, grey * roles.front, 4 * TURNED)
    _put(weight, grey * -roles.undo_side, 4 * AS_IT_IS)
    for k, source in ((1, CHANNELS[0]), (2, 2 * 4)):
        mix = chroma * roles.colour.get(k, 0.0) + grey @ luma * roles.side.get(k, 0.0)
        _put(weight, mix, source, roles.blurred and k == 1, int(roles.shift and k == 1))


def _put(weight: Tensor, mix: Tensor, source: int, blurred: bool = False, shift: int = 0) -> None:
    """Planes that begin at channel `source` of up1's input -> the channels of the image."""
    for (_, row, column, above), out, into in _each(1, mix):
        seen = range(4) if blurred else [above]
        for corner in seen:
            at = source + 4 * into + corner, out, row + shift, column + shift
            weight[at] += GAIN * mix[out, into] / len(seen)
