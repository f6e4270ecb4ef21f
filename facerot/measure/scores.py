"""What an output shows, per face: quality, colour, structure, rotation, leakage.

docs/definitions.md has every formula.

x is the input, y the target, o an output; all are images (N, 3, S, S) in [0, 1]. Every score is a
tensor (N,) unless it says otherwise, and nan for a face that does not define it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from facerot.latents import CHANNELS
from facerot.measure.probes import TILES, tile_mask

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
STRUCTURE_SIGMA = 4.0  # px: what is coarser than this is shading and silhouette, not features
LOWPASS_SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)  # px
FLAT = 1e-4  # standard deviation below which an image is taken as constant: rounding makes the rest
EDGE_FLOOR = 0.05  # brightness below which a pixel's colour shares fade to 0
LARGEST_SHIFT = 8  # px searched to either side


def mse(o: Tensor, y: Tensor) -> Tensor:
    """Mean squared error, >= 0."""
    return (o - y).square().mean(dim=(1, 2, 3))


def psnr(o: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB for a data range of 1."""
    return -10 * torch.log10(mse(o, y))


def ssim(o: Tensor, y: Tensor) -> Tensor:
    """Structural similarity for a data range of 1 (Wang et al. 2004), at most 1."""
    value = structural_similarity_index_measure(o, y, data_range=1.0, reduction="none")
    assert isinstance(value, Tensor)
    return value.reshape(len(o))


def luma(x: Tensor) -> Tensor:
    """The Y of BT.601, full range: (N, S, S) in [0, 1]."""
    return torch.einsum("nchw,c->nhw", x, torch.tensor(LUMA).to(x))


def chroma(x: Tensor) -> Tensor:
    """The Cb and Cr of BT.601, full range, centred at 0: (N, 2, S, S) in [-0.5, 0.5]."""
    y = luma(x)
    return torch.stack([(x[:, 2] - y) / 1.772, (x[:, 0] - y) / 1.402], dim=1)


def colour_kept(o: Tensor, full: Tensor) -> Tensor:
    """1 - |C(o) - C(full)|^2 / |C(full)|^2: 1 all colour of the full output, 0 as wrong as grey."""
    lost = (chroma(o) - chroma(full)).square().sum(dim=(1, 2, 3))
    return 1 - lost / _positive(chroma(full).square().sum(dim=(1, 2, 3)))


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


def structure(x: Tensor) -> Tensor:
    """Luma minus its blur of sigma 4 px: (N, S, S), the features without shading and silhouette."""
    y = luma(x)
    return y - blur(y, STRUCTURE_SIGMA)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation of two (N, H, W) per face, in [-1, 1]; 0 where one of them is flat."""
    a, b = (image.flatten(1) - image.flatten(1).mean(dim=1, keepdim=True) for image in (a, b))
    flat = torch.minimum(a.std(dim=1), b.std(dim=1)) < FLAT
    return torch.where(flat, 0.0, torch.cosine_similarity(a, b, dim=1))


def rotation_scores(
    o: Tensor, x: Tensor, y: Tensor, eye_band: Sequence[float]
) -> dict[str, Tensor]:
    """front_match, side_match and their difference, rotation: over the frame and the eye band.

    Args:
        o: outputs.
        x: inputs.
        y: targets.
        eye_band: relative top and bottom of the rows that hold the eyes.
    """
    size = o.shape[-2]
    eyes = slice(round(eye_band[0] * size), round(eye_band[1] * size))
    out, side, front = structure(o), structure(x), structure(y)
    scores = {}
    for prefix, rows in (("", slice(None)), ("eye_", eyes)):
        front_match = correlation(out[:, rows], front[:, rows])
        side_match = correlation(out[:, rows], side[:, rows])
        scores[f"{prefix}front_match"] = front_match
        scores[f"{prefix}side_match"] = side_match
        scores[f"{prefix}rotation"] = front_match - side_match
    return scores


def lowpass_matches(o: Tensor, x: Tensor) -> dict[str, Tensor]:
    """lowpass_0.5, ...: correlation of luma(o) with luma(x) blurred by each of LOWPASS_SIGMAS."""
    out, side = luma(o), luma(x)
    return {f"lowpass_{sigma:g}": correlation(out, blur(side, sigma)) for sigma in LOWPASS_SIGMAS}


def luma_front_match(o: Tensor, y: Tensor) -> Tensor:
    """Correlation of luma(o) with luma(y): what `lowpass` is to be compared with."""
    return correlation(luma(o), luma(y))


def energy_shares(o: Tensor) -> Tensor:
    """Share of each channel in the sum of squares: (N, 3), rows adding to 1; a row of leakage."""
    energy = o.square().sum(dim=(2, 3))
    return energy / _positive(energy.sum(dim=1, keepdim=True))


def tile_purity(o: Tensor) -> Tensor:
    """Share of each mosaic tile's energy in the channel the tile was given, mean of the 9 tiles."""
    size = o.shape[-1]
    own = tile_mask(size).to(o)
    energy = o.square()
    tile = (torch.arange(size) * TILES // size).to(o.device)
    cells = (tile[:, None] * TILES + tile[None, :]).flatten()
    whole, pure = (
        torch.zeros(len(o), TILES**2).to(o).index_add(1, cells, part.sum(dim=1).flatten(1))
        for part in (energy, energy * own)
    )
    return (pure / _positive(whole)).mean(dim=1)


def boundary_shift(o: Tensor, mosaic: Tensor) -> Tensor:
    """How far the colour edges of o lie from those of the mosaic input: px, >= 0.

    Colour edges are changes of the channel shares between neighbouring pixels; their profile along
    each axis is cross-correlated with the input's, the peak refined by a parabola.
    """
    shifts = [_profile_shift(a, b) for a, b in zip(_edge_profiles(o), _edge_profiles(mosaic))]
    return torch.hypot(*shifts)


def _edge_profiles(image: Tensor) -> tuple[Tensor, Tensor]:
    shares = image / (image.sum(dim=1, keepdim=True) + EDGE_FLOOR)
    across = shares.diff(dim=3).abs().sum(dim=(1, 2))
    down = shares.diff(dim=2).abs().sum(dim=(1, 3))
    return across, down


def _profile_shift(a: Tensor, b: Tensor) -> Tensor:
    """The shift in px at which profile a (N, L) agrees best with profile b (N, L)."""
    a, b = (profile - profile.mean(dim=1, keepdim=True) for profile in (a, b))
    padded = F.pad(a, [LARGEST_SHIFT + 1] * 2)
    match = (padded.unfold(1, b.shape[1], 1) * b[:, None]).sum(dim=2)
    peak = match[:, 1:-1].argmax(dim=1, keepdim=True) + 1
    left, top, right = (match.gather(1, peak + step)[:, 0] for step in (-1, 0, 1))
    bend = left - 2 * top + right
    offset = torch.where(bend < 0, 0.5 * (left - right) / bend, torch.zeros_like(bend))
    shift = peak[:, 0] - (LARGEST_SHIFT + 1) + offset.clamp(-0.5, 0.5)
    return torch.where(a.abs().sum(dim=1) > 0, shift, torch.full_like(shift, torch.nan))


def _positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, torch.full_like(x, torch.nan))


def face_scores(
    o: Tensor, full: Tensor, x: Tensor, y: Tensor, eye_band: Sequence[float]
) -> dict[str, Tensor]:
    """Every score of an output for the plain probe `rgb`; `full` is the output of all latents."""
    return {
        "mse": mse(o, y),
        "psnr": psnr(o, y),
        "ssim": ssim(o, y),
        "colour_kept": colour_kept(o, full),
        **rotation_scores(o, x, y, eye_band),
        "luma_front_match": luma_front_match(o, y),
        **lowpass_matches(o, x),
    }


def probe_scores(o: Tensor, x: Tensor, name: str) -> dict[str, Tensor]:
    """Every score of an output for a probe input other than `rgb`; x is the probed input."""
    if name == "mosaic":
        return {"tile_purity": tile_purity(o), "boundary_shift": boundary_shift(o, x)}
    shares = energy_shares(o).unbind(dim=1)
    return {f"leakage_{name}{channel}": share for channel, share in zip(CHANNELS, shares)}
