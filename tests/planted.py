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
from functools import cache
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
# BT.601: what an image gains by its Cb and by its Cr, and how these are seen in its r, g and b.
CB = torch.tensor([[0.0], [-0.344136], [1.772]]), torch.tensor([[-0.168736, -0.331264, 0.5]])
CR = torch.tensor([[1.402], [-0.714136], [0.0]]), torch.tensor([[0.5, -0.418688, -0.081312]])
HALVES, BOTH = torch.tensor([[1.0], [-1.0]]), torch.ones(1, 2)  # above and below MIDDLE; added up
HAT = torch.tensor([0.25, 0.75, 0.75, 0.25])  # a kernel that doubles the resolution linearly


@dataclass(frozen=True, eq=False)
class Roles:
    """What each latent carries to the output, as a factor.

    Attributes:
        colour: latent1 or latent2 -> how much of the chroma it carries.
        side: latent1 or latent2 -> how much of the luma of the side view it carries.
        front: how much of the luma latent5 carries turned.
        undo_side: how much of the luma of the side view latent5 takes away.
        floor: how light the output is for a black input.
        apart: whether latent1 carries of the chroma Cb alone, latent2 Cr alone.
        blurred: whether what latent1 carries is averaged over 2x2 pixels.
        smeared: whether what latent2 carries is averaged over 4x4 pixels and drawn out linearly.
        shift: whether what latent1 carries is moved by two pixels to the right.
    """

    colour: dict[int, float]
    side: dict[int, float]
    front: float = 0.0
    undo_side: float = 0.0
    floor: float = 0.0
    apart: bool = False
    blurred: bool = False
    smeared: bool = False
    shift: bool = False


@cache
def planted(roles: Roles) -> UNet:
    """The U-Net with all Concats whose latents carry what `roles` says, and nothing else.

    Not to be changed: who asks for the same roles gets the same network.
    """
    network = _blank(roles.floor)
    with torch.no_grad():
        _wire(_convolutions(network), roles)
    return network


@cache
def folded(place: str) -> UNet:
    """A U-Net that hands luma up through latent5 alone, and from one place on folded at MIDDLE.

    What is darker than MIDDLE by so much becomes lighter by it. The place, `latent3`, `latent4`,
    `up4` or `up3`, holds both halves, what is lighter and what is darker; the next adds them up.
    """
    stage, network, one = place.replace("latent", "down"), _blank(), torch.eye(1)
    with torch.no_grad():
        weights, parameters = _convolutions(network), dict(network.named_parameters())
        _encode(weights["down1"], torch.eye(RGB), pixels=1)
        _encode(weights["down2"], torch.eye(RGB), pixels=4)
        mix = torch.tensor([LUMA])
        for down, pixels in (("down3", 16), ("down4", 64), ("down5", 256)):
            _encode(weights[down], HALVES @ mix if down == stage else mix, pixels)
            mix = BOTH if down == stage else one
        _turn(weights["up5"])
        source = AS_IT_IS
        for up, pixels in (("up4", 64), ("up3", 16), ("up2", 4)):
            mix, to = (HALVES, TURNED) if up == stage else (one if source else BOTH, AS_IT_IS)
            _decode(weights[up], mix, pixels, source * 4 * pixels, to * pixels)
            source = to
        _put(weights["up1"], torch.ones(RGB, 1), 4 * AS_IT_IS)
        half = {"down3": 64, "down4": 256, "up4": 64, "up3": 16}[stage]  # channels of one
        offset = parameters[f"{stage}.1.bias"]
        offset[:half], offset[half : 2 * half] = -MIDDLE, MIDDLE
    return network


def _blank(floor: float = 0.0) -> UNet:
    """A U-Net whose convolutions are 0 and whose norms change nothing."""
    network = UNet((1, 2, 3, 4), CHANNELS)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.fill_(math.sqrt(1 + layer.eps))  # with untouched statistics: identity
            elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.weight.zero_()
        weights = dict(network.named_parameters())
        weights["down1.0.bias"].zero_()
        weights["up1.0.bias"].fill_(GAIN * (floor - MIDDLE))
    return network.eval()


def _convolutions(network: UNet) -> dict[str, Tensor]:
    """The weights of the convolutions by the name of their stage."""
    weights = dict(network.named_parameters())
    return {name.split(".")[0]: weights[name] for name in weights if ".0.weight" in name}


def _wire(weights: dict[str, Tensor], roles: Roles) -> None:
    """Set the convolutions' weights, by the name of their stage."""
    _encode(weights["down1"], torch.eye(RGB), pixels=1, shift=int(roles.shift))
    _encode(weights["down2"], torch.eye(RGB), pixels=4)
    _encode(weights["down3"], torch.tensor([LUMA]), pixels=16)
    _encode(weights["down4"], torch.eye(1), pixels=64)
    _encode(weights["down5"], torch.eye(1), pixels=256)
    _turn(weights["up5"])
    for up, pixels in (("up4", 64), ("up3", 16), ("up2", 4)):
        for plane in TURNED, AS_IT_IS:
            _decode(weights[up], torch.eye(1), pixels, plane * 4 * pixels, plane * pixels)
    hand_up = _smear if roles.smeared else _decode
    hand_up(weights["up2"], torch.eye(RGB), 4, CHANNELS[1], 2 * 4)  # latent2, beside both planes
    _paint(weights["up1"], roles)


def _block(pixels: int) -> Iterator[tuple[int, int, int, int]]:
    """(channel below, row, column, channel above), as a plane's pixels become four times as many.

    A kernel of 4 with stride 2 and padding 1 sees its own 2x2 block at rows and columns 1 and 2.
    """
    for pixel, corner in product(range(pixels), range(4)):
        yield pixel, 1 + corner // 2, 1 + corner % 2, 4 * pixel + corner


def _encode(weight: Tensor, mix: Tensor, pixels: int, shift: int = 0) -> None:
    """A plane's channels -> four times as many at half the resolution; planes mixed by `mix`.

    With `shift` they are what lies so many pixels further left.
    """
    for (below, row, column, above), out, into in _each(pixels, mix):
        onto, from_ = out * 4 * pixels + above, into * pixels + below
        weight[onto, from_, row, column - shift] = mix[out, into]


def _decode(weight: Tensor, mix: Tensor, pixels: int, source: int, to: int) -> None:
    """The way back; planes begin at channel `source` of what comes in and at `to` of what goes."""
    for (below, row, column, above), out, into in _each(pixels, mix):
        from_, onto = source + into * 4 * pixels + above, to + out * pixels + below
        weight[from_, onto, row, column] = mix[out, into]


def _smear(weight: Tensor, mix: Tensor, pixels: int, source: int, to: int) -> None:
    """The same with a plane's channels averaged, and drawn out linearly."""
    hat = HAT[:, None] * HAT / (4 * pixels)
    for (below, above), out, into in product(
        product(range(pixels), range(4 * pixels)), range(mix.shape[0]), range(mix.shape[1])
    ):
        from_, onto = source + into * 4 * pixels + above, to + out * pixels + below
        weight[from_, onto] += mix[out, into] * hat


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
    whole = torch.eye(RGB) - grey @ luma
    chroma = {1: CB[0] @ CB[1], 2: CR[0] @ CR[1]} if roles.apart else {1: whole, 2: whole}
    _put(weight, grey * roles.front, 4 * TURNED)
    _put(weight, grey * -roles.undo_side, 4 * AS_IT_IS)
    for k, source in ((1, CHANNELS[0]), (2, 2 * 4)):
        mix = chroma[k] * roles.colour.get(k, 0.0) + grey @ luma * roles.side.get(k, 0.0)
        if roles.smeared and k == 2:
            _smear(weight, GAIN * mix, 1, source, 0)
        else:
            _put(weight, mix, source, roles.blurred and k == 1, int(roles.shift and k == 1))


def _put(weight: Tensor, mix: Tensor, source: int, blurred: bool = False, shift: int = 0) -> None:
    """Planes that begin at channel `source` of up1's input -> the channels of the image."""
    for (_, row, column, above), out, into in _each(1, mix):
        seen = range(4) if blurred else [above]
        for corner in seen:
            at = source + 4 * into + corner, out, row, column + shift
            weight[at] += GAIN * mix[out, into] / len(seen)
