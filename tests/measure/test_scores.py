"""Invariants of the scores: what each must say of images for which the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from facerot.latents import CHANNELS, PROBES
from facerot.measure import scores
from facerot.measure.probes import probe, tile_mask
from facerot.measure.silencing import averages

seeds = st.integers(0, 10_000)
REGIONS = scores.Regions(eye_band=(0.4, 0.55), face_box=(0.25, 0.1, 0.75, 0.9))
WINDOWS = REGIONS.windows(64)


def averaged(per_face: dict[str, torch.Tensor]) -> dict[str, float]:
    """What latents.csv would say of the scores of one mask."""
    rows = [(score, value) for score, values in per_face.items() for value in values.tolist()]
    table = pd.DataFrame(rows, columns=["score", "value"])
    means = averages(table.assign(split="test", probe="rgb", keep="12345", fill="zero"))
    return dict(zip(means["score"], means["value"]))


def images(seed: int, count: int = 2) -> torch.Tensor:
    """Smooth random colour images, with structure at several scales."""
    generator = torch.Generator().manual_seed(seed)
    coarse = (torch.rand(count, 3, n, n, generator=generator) for n in (4, 16, 64))
    layers = [torch.nn.functional.interpolate(c, size=64, mode="bilinear") for c in coarse]
    return sum(layers, torch.zeros(1)) / 3


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_quality_of_a_perfect_and_of_a_wrong_output(seed: int) -> None:
    y, o = images(seed), images(seed + 1)
    assert torch.all(scores.mse(y, y) == 0)
    torch.testing.assert_close(scores.ssim(y, y), torch.ones(2))
    expected = peak_signal_noise_ratio(o, y, 1.0, dim=(1, 2, 3), reduction="none")
    torch.testing.assert_close(scores.psnr(o, y), expected)
    assert torch.all(scores.ssim(o, y) < 1)


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.3), (0.01, 0.02), (0.9, 0.1)])
def test_ssim_of_constants_is_that_of_their_light_for_a_data_range_of_1(a: float, b: float) -> None:
    o, y = (torch.full((1, 3, 64, 64), value) for value in (a, b))
    light = (2 * a * b + 0.01**2) / (a * a + b * b + 0.01**2)  # Wang et al. 2004, equation 6
    assert scores.ssim(o, y).item() == pytest.approx(light, abs=1e-4)


def test_ssim_of_faces_at_once_is_that_of_each() -> None:
    o, y = images(0, count=5), images(1, count=5)
    each = structural_similarity_index_measure(o, y, data_range=1.0, reduction="none")
    assert isinstance(each, torch.Tensor)
    torch.testing.assert_close(scores.ssim(o, y), each)


@settings(deadline=None, max_examples=10)
@given(seeds)
def test_matches_are_pearsons_correlations_in_each_window(seed: int) -> None:
    x, y, o = (images(seed + k) for k in range(3))
    found = scores.FaceScores(x, y, REGIONS)(o, o)

    def correlation(one: torch.Tensor, other: torch.Tensor, window: scores.Window) -> float:
        both = [scores.within(image[0], window).flatten().numpy() for image in (one, other)]
        return float(np.corrcoef(both)[0, 1])

    light_o, light_x, light_y = map(scores.luma, (o, x, y))
    windows = {"": (slice(None), slice(None)), "eye_": (slice(26, 35), slice(None)),
               "face_": (slice(6, 58), slice(16, 48))}  # fmt: skip
    for prefix, window in windows.items():
        fine_o, fine_x, fine_y = map(scores.fine, (light_o, light_x, light_y))
        wanted = {"front_match": (fine_o, fine_y), "side_match": (fine_o, fine_x)}
        if prefix != "eye_":
            wanted["luma_front_match"] = (light_o, light_y)
            wanted |= {
                f"lowpass_{sigma:g}": (light_o, scores.blur(light_x, sigma))
                for sigma in scores.LOWPASS_SIGMAS
            }
        for name, (one, other) in wanted.items():
            value = found[prefix + name][0].item()
            assert value == pytest.approx(correlation(one, other, window), abs=1e-4)


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_colour_kept_is_one_for_all_colour_and_zero_for_grey(seed: int) -> None:
    o = images(seed)
    grey = scores.luma(o)[:, None].expand_as(o)
    full = scores.chroma(o)
    torch.testing.assert_close(scores.colour_kept(full, full), torch.ones(2))
    kept = scores.colour_kept(scores.chroma(grey), full)
    torch.testing.assert_close(kept, torch.zeros(2), rtol=0, atol=1e-4)
    half = (o + grey) / 2
    kept = scores.colour_kept(scores.chroma(half), full)
    torch.testing.assert_close(kept, torch.full((2,), 0.75))


def test_luma_and_chroma_are_those_of_bt601() -> None:
    white, red, blue = torch.eye(3)[0] * 0 + 1, torch.eye(3)[0], torch.eye(3)[2]
    pixels = torch.stack([white, red, blue])[:, :, None, None]
    assert scores.luma(pixels).flatten().tolist() == pytest.approx([1, 0.299, 0.114])
    expected = [[0, 0], [-0.299 / 1.772, 0.5], [0.5, -0.114 / 1.402]]
    torch.testing.assert_close(scores.chroma(pixels)[:, :, 0, 0], torch.tensor(expected))


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_rotation_tells_front_from_side(seed: int) -> None:
    x, y = images(seed), images(seed + 1)
    turned = scores.FaceScores(x, y, REGIONS).rotation(y)
    still = scores.FaceScores(x, y, REGIONS).rotation(x)
    for prefix in ("", "eye_", "face_"):
        torch.testing.assert_close(turned[f"{prefix}front_match"], torch.ones(2))
        torch.testing.assert_close(still[f"{prefix}side_match"], torch.ones(2))
        torch.testing.assert_close(turned[f"{prefix}rotation"], -still[f"{prefix}rotation"])
        assert torch.all(turned[f"{prefix}rotation"] > 0)


def test_structure_ignores_shading_and_the_eye_band_ignores_the_mouth() -> None:
    x, y = images(1), images(2)
    ramp = torch.linspace(0, 0.3, 64)[:, None].expand(64, 64)
    shaded = scores.FaceScores(x, y, REGIONS).rotation(y * 0.6 + ramp)
    assert torch.all(shaded["front_match"] > 0.99)
    mouthless = y.clone()
    mouthless[:, :, 50:] = 0
    banded = scores.FaceScores(x, y, REGIONS).rotation(mouthless)
    assert torch.all(banded["eye_front_match"] > 0.99)
    assert torch.all(banded["front_match"] < banded["eye_front_match"])


@pytest.mark.parametrize("sigma", scores.LOWPASS_SIGMAS)
def test_lowpass_finds_the_blur_that_was_applied(sigma: float) -> None:
    x = images(3, count=4)
    blurred = torch.stack([scores.blur(x[:, c], sigma) for c in range(3)], dim=1)
    found = averaged(scores.FaceScores(x, x, REGIONS).matches(blurred))
    for prefix in ("", "face_"):
        assert found[f"{prefix}lowpass"] == pytest.approx(1, abs=1e-3)
        assert found[f"{prefix}lowpass_sigma"] == sigma


def test_blur_keeps_constants_and_means_of_centred_spots() -> None:
    flat = torch.full((1, 64, 64), 0.3)
    torch.testing.assert_close(scores.blur(flat, 4.0), flat)
    spot = torch.zeros(1, 64, 64)
    spot[0, 32, 32] = 1
    assert scores.blur(spot, 4.0).sum().item() == pytest.approx(1, abs=1e-3)


def test_a_constant_output_matches_nothing() -> None:
    x, y = images(4), images(5)
    found = scores.FaceScores(x, y, REGIONS).rotation(torch.full_like(x, 0.5))
    assert all(torch.all(value == 0) for value in found.values())


@pytest.mark.parametrize("channel", range(3))
def test_leakage_of_a_pure_channel_is_its_row_of_the_identity(channel: int) -> None:
    o = probe(images(6), CHANNELS[channel])
    found = scores.probe_scores(o, torch.zeros(1, 3, 64, 64), o, CHANNELS[channel])
    for score in ("leakage", "mixing"):
        shares = [found[f"{score}_{CHANNELS[channel]}{other}"][0].item() for other in CHANNELS]
        assert shares == pytest.approx([float(c == channel) for c in range(3)])
    grey = torch.full((1, 3, 64, 64), 0.5)
    assert scores.energy_shares(grey)[0].tolist() == pytest.approx([1 / 3] * 3)


def test_a_mosaic_is_pure_and_a_grey_picture_a_third_of_it() -> None:
    x = images(7)
    torch.testing.assert_close(scores.tile_purity(probe(x, "mosaic")), torch.ones(2))
    grey = scores.luma(x)[:, None].expand_as(x)
    torch.testing.assert_close(scores.tile_purity(grey), torch.full((2,), 1 / 3))


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (0, 5), (-3, 4), (7, 0)])
def test_boundary_shift_is_the_displacement(right: int, down: int) -> None:
    mosaic = probe(torch.full((1, 3, 64, 64), 0.7), "mosaic")
    moved = mosaic.roll((down, right), dims=(2, 3))
    shift = scores.boundary_shift(moved, mosaic).item()
    assert shift == pytest.approx((right**2 + down**2) ** 0.5, abs=0.3)


@pytest.mark.parametrize(("right", "down"), [(0.25, 0), (2.25, 0), (0, 3.75), (4.75, 2.25)])
def test_boundary_shift_finds_parts_of_a_pixel(right: float, down: float) -> None:
    fine = tile_mask(8 * 64)[None]  # eight times finer, moved by whole pixels of its own
    moved = fine.roll((round(8 * down), round(8 * right)), dims=(2, 3))
    before, after = (torch.nn.functional.avg_pool2d(one, 8) for one in (fine, moved))
    mosaic = 0.7 * before
    shift = scores.boundary_shift(0.7 * after, mosaic).item()
    assert shift == pytest.approx((right**2 + down**2) ** 0.5, abs=0.15)


def test_light_and_dark_of_one_hue_are_no_edges() -> None:
    mosaic = probe(torch.full((1, 3, 64, 64), 0.7), "mosaic")
    light = 0.2 + 0.8 * torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        scores.boundary_shift(mosaic * light, mosaic), torch.zeros(1), rtol=0, atol=0.1
    )
    assert scores.boundary_shift(light.expand(1, 3, 64, 64), mosaic).isnan()
    for channel in range(3):  # black and grey tiles where the mosaic has its own
        grey = 0.8 * tile_mask(64)[None, channel : channel + 1].expand(1, 3, 64, 64)
        assert scores.boundary_shift(grey, mosaic).isnan()
    lit = mosaic.clone()
    lit[..., 27:] *= 0.1  # a shadow that begins inside a tile
    torch.testing.assert_close(scores.boundary_shift(lit, mosaic), torch.zeros(1), rtol=0, atol=0.1)


def test_a_floor_that_is_always_there_is_no_mixing() -> None:
    floor = torch.full((1, 3, 64, 64), 0.3)
    x = images(6)
    red, mosaic = (0.5 * probe(x, name) for name in ("r", "mosaic"))
    found = scores.probe_scores(red + floor, floor, red, "r")
    torch.testing.assert_close(found["mixing_rr"], torch.ones(2))
    assert torch.all(found["leakage_rr"] < 0.9)
    found = scores.probe_scores(mosaic + floor, floor, mosaic, "mosaic")
    torch.testing.assert_close(found["tile_purity"], torch.ones(2))
    grey = scores.luma(red)[:, None].expand_as(red)
    mixed = scores.probe_scores(grey + floor, floor, red, "r")["mixing_rr"]
    torch.testing.assert_close(mixed, torch.full((2,), 1 / 3))


def test_an_output_that_answers_nothing_has_no_mixing() -> None:
    floor = images(6, count=1)
    rounded = floor.expand(2, -1, -1, -1) + 1e-6
    assert torch.all(scores.probe_scores(rounded, floor, images(1), "r")["mixing_rr"].isnan())


def test_a_mosaic_blurred_away_and_pictures_without_tiles_have_no_edges() -> None:
    x = images(7, count=8)
    mosaic = probe(x, "mosaic")
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    blurred = torch.stack([scores.blur(mosaic[:, c], 4.0) for c in range(3)], dim=1)
    for picture in (x, noise, 0.5 + 0.01 * noise, torch.full_like(x, 0.5), blurred):
        assert torch.all(scores.boundary_shift(picture, mosaic).isnan())
        found = scores.probe_scores(picture, torch.zeros(1), mosaic, "mosaic")
        assert torch.all(found["edges_found"] == 0)
        assert torch.all(found["boundary_shift"].isnan())
    faint = 0.5 + 0.1 * mosaic
    assert torch.all(scores.boundary_shift(faint, mosaic) < 0.1)
    assert torch.all(scores.probe_scores(faint, faint, mosaic, "mosaic")["edges_found"] == 1)


def test_what_is_not_known_of_a_face_set_is_not_scored() -> None:
    x, y = images(1), images(2)
    bare = scores.FaceScores(x, y, scores.Regions())(y, y)
    assert not [name for name in bare if name.startswith(("eye_", "face_"))]
    whole = scores.FaceScores(x, y, REGIONS)(y, y)
    in_box = {name.removeprefix("face_") for name in whole if name.startswith("face_")}
    assert in_box == set(bare) - {"mse", "psnr", "ssim"}
    everywhere = scores.FaceScores(x, y, scores.Regions(face_box=(0, 0, 1, 1)))(y, y)
    for name in in_box:
        torch.testing.assert_close(everywhere[f"face_{name}"], bare[name])


def test_colour_of_the_background_is_not_colour_of_the_face() -> None:
    o = images(3)
    grey = scores.luma(o)[:, None].expand_as(o)
    box = (..., *WINDOWS["face_"])
    grey_face, grey_behind = o.clone(), grey.clone()
    grey_face[box], grey_behind[box] = grey[box], o[box]
    for picture, kept in ((grey_face, 0), (grey_behind, 1)):
        found = scores.FaceScores(o, o, REGIONS)(picture, o)
        torch.testing.assert_close(
            found["face_colour_kept"], torch.full((2,), float(kept)), rtol=0, atol=1e-4
        )
        assert torch.all((found["colour_kept"] - kept).abs() > 0.2)


def test_a_black_output_defines_no_colour_scores() -> None:
    x = images(8)
    black = torch.zeros_like(x)
    for value in (
        scores.energy_shares(black)[:, 0],
        scores.tile_purity(black),
        scores.boundary_shift(black, probe(x, "mosaic")),
    ):
        assert torch.all(value.isnan())
    mixed = scores.energy_shares(torch.cat([black, probe(x, "r")]))[:, 0]
    assert averaged({"leakage_rr": mixed}) == {"leakage_rr": pytest.approx(1)}


def test_neighbouring_tiles_of_the_mosaic_differ_and_probes_keep_their_pixels() -> None:
    x, mask = images(9), tile_mask(64)
    assert torch.all(mask.sum(dim=0) == 1)
    middles = mask[:, 10::21, 10::21].argmax(dim=0)[:3, :3]
    assert torch.all(middles.diff(dim=0) != 0)
    assert torch.all(middles.diff(dim=1) != 0)
    assert middles[0].tolist() == [0, 1, 2], "row 0 from the left: r, g, b"
    assert middles[:, 0].tolist() == [0, 1, 2]
    for name in PROBES:
        seen = probe(x, name)
        assert torch.all((seen == 0) | (seen == x))
    torch.testing.assert_close(sum((probe(x, c) for c in CHANNELS), torch.zeros(1)), x)
