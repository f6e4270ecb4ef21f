"""What an output shows, per face: quality, colour, structure, rotation, leakage.

docs/definitions.md has every formula.

x is the input, y the target, o an output; all are images (N, 3, S, S) in [0, 1]. Every score is a
tensor (N,) unless it says otherwise, and nan for a face that does not define it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from facerot.latents import CHANNELS, IN_EYES, IN_FACE, IN_FRAME
from facerot.measure.probes import TILES, tile_mask

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
STRUCTURE_SIGMA = 4.0  # px: what is coarser than this is shading and silhouette, not features
LOWPASS_SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)  # px
FLAT = 1e-4  # standard deviation below which an image is taken as constant: rounding makes the rest
EDGE_FLOOR = 0.05  # brightness below which a pixel's colour shares fade to 0
LARGEST_SHIFT = 8  # px searched to either side
# Correlation of an edge profile with the mosaic's from which an output has colour edges. At 64 px
# noise, grey and faces that are no mosaic reach 0.31 by chance, a mosaic blurred by a Gaussian of
# 2 px has 0.49 to 0.52, by one of 3 px 0.39 to 0.42.
EDGES = 0.45

Window = tuple[slice, slice]  # rows, columns


@dataclass(frozen=True)
class Regions:
    """Where scores look besides the frame, relative to it; None where nothing is said.

    Attributes:
        eye_band: top and bottom of the rows that hold the eyes.
        face_box: left, top, right and bottom of the face.
    """

    eye_band: Sequence[float] | None = None
    face_box: Sequence[float] | None = None

    def windows(self, size: int) -> dict[str, Window]:
        """The pixels of each region of an image of `size` px, by the prefix of its scores."""
        found: dict[str, Window] = {IN_FRAME: (slice(None), slice(None))}
        if self.eye_band is not None:
            top, bottom = (round(at * size) for at in self.eye_band)
            found[IN_EYES] = slice(top, bottom), slice(None)
        if self.face_box is not None:
            left, top, right, bottom = (round(at * size) for at in self.face_box)
            found[IN_FACE] = slice(top, bottom), slice(left, right)
        return found


def mse(o: Tensor, y: Tensor) -> Tensor:
    """Mean squared error, >= 0."""
    return (o - y).square().mean(dim=(1, 2, 3))


def psnr(o: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB for a data range of 1."""
    return -10 * torch.log10(mse(o, y))


def ssim(o: Tensor, y: Tensor) -> Tensor:
    """Structural similarity for a data range of 1 (Wang et al. 2004), at most 1.

    The images are handed over as the channels of a single one, each with windows of its own: the
    same numbers in half the time.
    """
    images, others = (
        each.flatten(0, 1)[None].contiguous(memory_format=torch.channels_last) for each in (o, y)
    )
    _, everywhere = structural_similarity_index_measure(
        images, others, data_range=1.0, return_full_image=True
    )
    assert isinstance(everywhere, Tensor)
    return everywhere.reshape(len(o), -1).mean(dim=1)


def luma(x: Tensor) -> Tensor:
    """The Y of BT.601, full range: (N, S, S) in [0, 1]."""
    red, green, blue = x.unbind(dim=1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def chroma(x: Tensor) -> Tensor:
    """The Cb and Cr of BT.601, full range, centred at 0: (N, 2, S, S) in [-0.5, 0.5]."""
    y = luma(x)
    return torch.stack([(x[:, 2] - y) / 1.772, (x[:, 0] - y) / 1.402], dim=1)


def colour_kept(colour: Tensor, of_full: Tensor) -> Tensor:
    """1 - |C(o) - C(full)|^2 / |C(full)|^2, of the chroma C of an output and of the full output.

    1: all colour of the full output; 0: as wrong as grey.
    """
    lost = (colour - of_full).square().sum(dim=(1, 2, 3))
    return 1 - lost / _positive(of_full.square().sum(dim=(1, 2, 3)))


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of square images (N, S, S), sigma in px, cut at 3 sigma, edges repeated."""
    matrix = _blur_matrix(image.shape[-1], sigma).to(image)
    return matrix @ image @ matrix.T


@lru_cache
def _blur_matrix(size: int, sigma: float) -> Tensor:
    """The blur along one axis as a matrix (size, size) whose rows add to 1."""
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-offsets.square() / (2 * sigma**2))
    taps = (torch.arange(size)[:, None] + offsets).clamp(0, size - 1)
    matrix = torch.zeros(size, size)
    return matrix.scatter_add_(1, taps, (weights / weights.sum()).expand(size, -1))


def fine(luma: Tensor) -> Tensor:
    """Luma minus its blur of sigma 4 px, (N, S, S): structure without shading and silhouette."""
    return luma - blur(luma, STRUCTURE_SIGMA)


def within(image: Tensor, window: Window) -> Tensor:
    """The rows and columns of images (..., S, S) that a window holds."""
    rows, columns = window
    return image[..., rows, columns]


def standardised(image: Tensor) -> Tensor:
    """Images (N, H, W) as rows (N, H W) of mean 0 and norm 1, of 0 where they are flat.

    The product of two such rows is the Pearson correlation of the images.
    """
    rows = image.flatten(1)
    rows = rows - rows.mean(dim=1, keepdim=True)
    norm = rows.norm(dim=1, keepdim=True)
    flat = norm < FLAT * (rows.shape[1] - 1) ** 0.5
    return torch.where(flat, 0.0, rows / norm)


def energy_shares(o: Tensor) -> Tensor:
    """Share of each channel in the sum of squares: (N, 3), rows adding to 1; a row of leakage."""
    energy = o.square().sum(dim=(2, 3))
    return energy / _positive(energy.sum(dim=1, keepdim=True))


def response(o: Tensor, floor: Tensor) -> Tensor:
    """What of an output answers to the input, (N, 3, S, S) in [-1, 1].

    `floor` (N or 1, 3, S, S) is the output for a black input under the same mask and fill. A
    difference below FLAT is rounding, not an answer.
    """
    answer = o - floor
    return torch.where(answer.abs() < FLAT, 0.0, answer)


def tile_purity(answer: Tensor) -> Tensor:
    """Share of each mosaic tile's energy in the channel the tile was given, mean of the 9 tiles.

    Of a `response`: a floor that is there for every input keeps no tile from being pure.
    """
    size = answer.shape[-1]
    own = tile_mask(size).to(answer)
    energy = answer.square()
    tile = (torch.arange(size) * TILES // size).to(answer.device)
    cells = (tile[:, None] * TILES + tile[None, :]).flatten()
    whole, pure = (
        energy.new_zeros(len(energy), TILES**2).index_add(1, cells, part.sum(dim=1).flatten(1))
        for part in (energy, energy * own)
    )
    return (pure / _positive(whole)).mean(dim=1)


def boundary_shift(o: Tensor, mosaic: Tensor) -> Tensor:
    """How far the colour edges of o lie from those of the mosaic input: px, >= 0.

    Colour edges are changes of the channel shares between neighbouring pixels; their profile along
    each axis is cross-correlated with the input's, the peak refined by a parabola. nan for an
    output without edges to speak of: along one axis its profile correlates with the input's by
    less than EDGES even where they agree best.
    """
    pairs = zip(_edge_profiles(o), _edge_profiles(mosaic))
    (across, by_x), (down, by_y) = (_profile_shift(a, b) for a, b in pairs)
    found = torch.minimum(by_x, by_y) >= EDGES
    return torch.where(found, torch.hypot(across, down), torch.nan)


def _edge_profiles(image: Tensor) -> tuple[Tensor, Tensor]:
    hue = image - image.mean(dim=1, keepdim=True)  # so that light and dark grey are no edge
    shares = hue / (image.sum(dim=1, keepdim=True) + EDGE_FLOOR)
    across = shares.diff(dim=3).abs().sum(dim=(1, 2))
    down = shares.diff(dim=2).abs().sum(dim=(1, 3))
    return across, down


def _profile_shift(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The shift in px at which profile a (N, L) agrees best with profile b (N, L), and how well.

    The second is their correlation there, in [-1, 1]; 0 where one of them is constant.
    """
    a, b = (profile - profile.mean(dim=1, keepdim=True) for profile in (a, b))
    padded = F.pad(a, [LARGEST_SHIFT + 1] * 2)
    match = (padded.unfold(1, b.shape[1], 1) * b[:, None]).sum(dim=2)
    peak = match[:, 1:-1].argmax(dim=1, keepdim=True) + 1
    left, top, right = (match.gather(1, peak + step)[:, 0] for step in (-1, 0, 1))
    bend = left - 2 * top + right
    offset = torch.where(bend < 0, 0.5 * (left - right) / bend, torch.zeros_like(bend))
    shift = peak[:, 0] - (LARGEST_SHIFT + 1) + offset.clamp(-0.5, 0.5)
    flat = torch.minimum(a.std(dim=1), b.std(dim=1)) < FLAT
    return shift, torch.where(flat, 0.0, top / (a.norm(dim=1) * b.norm(dim=1)))


def _positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, torch.full_like(x, torch.nan))


class FaceScores:
    """Every score of outputs for the plain probe `rgb`.

    What outputs of the same faces are compared with is computed once. Blur and structure are taken
    over the frame, before a window looks at a part of it.

    Args:
        x: inputs.
        y: targets.
        regions: where scores look besides the frame.
    """

    def __init__(self, x: Tensor, y: Tensor, regions: Regions) -> None:
        self.y, self.windows = y, regions.windows(y.shape[-1])
        self.broad = {name: window for name, window in self.windows.items() if name != IN_EYES}
        side, front = luma(x), luma(y)
        bright = {"luma_front_match": front}
        bright |= {f"lowpass_{sigma:g}": blur(side, sigma) for sigma in LOWPASS_SIGMAS}
        self.structures = {
            prefix: [standardised(within(fine(image), window)) for image in (front, side)]
            for prefix, window in self.windows.items()
        }
        self.bright = {
            prefix: {name: standardised(within(image, window)) for name, image in bright.items()}
            for prefix, window in self.broad.items()
        }

    def __call__(self, o: Tensor, full: Tensor) -> dict[str, Tensor]:
        """Of outputs; `full` are those of all latents."""
        quality = {"mse": mse(o, self.y), "psnr": psnr(o, self.y), "ssim": ssim(o, self.y)}
        return {**quality, **self.claimed(o, full)}

    def claimed(self, o: Tensor, full: Tensor) -> dict[str, Tensor]:
        """All but PSNR and SSIM, which no claim reads and whose windows take most of the time."""
        colour, of_full = chroma(o), chroma(full)
        colours = {
            f"{prefix}colour_kept": colour_kept(within(colour, window), within(of_full, window))
            for prefix, window in self.broad.items()
        }
        return {"mse": mse(o, self.y), **colours, **self.rotation(o), **self.matches(o)}

    def rotation(self, o: Tensor) -> dict[str, Tensor]:
        """front_match, side_match and their difference, rotation, inside each window."""
        scores, features = {}, fine(luma(o))
        for prefix, window in self.windows.items():
            out = standardised(within(features, window))
            front_match, side_match = ((out * one).sum(dim=1) for one in self.structures[prefix])
            scores[f"{prefix}front_match"], scores[f"{prefix}side_match"] = front_match, side_match
            scores[f"{prefix}rotation"] = front_match - side_match
        return scores

    def matches(self, o: Tensor) -> dict[str, Tensor]:
        """luma_front_match, and what it is to be compared with: lowpass_0.5, ..., in each window.

        Correlations of luma(o) with luma(y), and with luma(x) blurred by each of LOWPASS_SIGMAS.
        """
        scores, brightness = {}, luma(o)
        for prefix, window in self.broad.items():
            out = standardised(within(brightness, window))
            for name, one in self.bright[prefix].items():
                scores[prefix + name] = (out * one).sum(dim=1)
        return scores


def probe_scores(o: Tensor, floor: Tensor, x: Tensor, name: str) -> dict[str, Tensor]:
    """Every score of an output for a probe input other than `rgb`.

    Args:
        o: outputs.
        floor: see `response`.
        x: the probed input.
        name: the probe.
    """
    answer = response(o, floor)
    if name == "mosaic":
        shift = boundary_shift(o, x)
        found = 1 - shift.isnan().to(shift)
        purity = tile_purity(answer)
        return {"tile_purity": purity, "boundary_shift": shift, "edges_found": found}
    shares = {"mixing": energy_shares(answer), "leakage": energy_shares(o)}
    return {
        f"{score}_{name}{channel}": share
        for score, rows in shares.items()
        for channel, share in zip(CHANNELS, rows.unbind(dim=1))
    }
