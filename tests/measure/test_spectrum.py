"""Spectrum: of pictures whose frequencies are known, and of planted latents."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from facerot.measure.scores import luma
from facerot.measure.spectrum import radial_power, spectrum
from facerot.measure.tables import means
from tests.measure.test_patching import FACES
from tests.measure.test_planted import COLOUR_BY_1, REGIONS
from tests.planted import SIZE, Roles, planted

COARSE_BY_2 = Roles(colour={}, side={1: 0.5, 2: 0.5}, smeared=True)
BLOCK = 4  # px that latent2 averages over


@cache
def powers(roles: Roles) -> pd.Series:
    table = means(spectrum(planted(roles), FACES, REGIONS))
    found: pd.Series = table.set_index(["split", "fill", "score", "latent", "frequency"])["value"]
    return found.sort_index()


@pytest.mark.parametrize("size", [32, 64])
def test_the_power_adds_up_to_the_mean_square(size: int) -> None:
    image = torch.randn(3, 2, size, size, generator=torch.manual_seed(0))
    power = radial_power(image)
    assert power.shape == (3, size // 2 + 1)
    torch.testing.assert_close(power.sum(dim=1), image.square().sum(dim=1).mean(dim=(1, 2)))


@pytest.mark.parametrize("cycles", [1, 5, 13])
def test_a_wave_lies_at_its_frequency_whatever_its_direction(cycles: int) -> None:
    at = (torch.arange(64) + 0.5) / 64
    wave = torch.cos(2 * np.pi * cycles * at).expand(64, 64)
    for image in (wave, wave.T):
        power = radial_power(image[None, None])[0]
        assert power[cycles] == pytest.approx(float(power.sum()), rel=1e-4)


def test_the_power_of_a_contribution_is_that_of_the_difference() -> None:
    network, found = planted(COLOUR_BY_1), powers(COLOUR_BY_1)
    ((x, _),) = FACES.batches("test")
    with torch.inference_mode():
        change = network(x) - network(x, (1, 2, 3, 4))
    wanted = luma(change).square().mean().item()
    assert found["test", "zero", "luma_power", 5].sum() == pytest.approx(wanted, rel=1e-4)


def test_a_planted_low_pass_latent_lies_in_the_low_bands() -> None:
    found = powers(COARSE_BY_2)["test", "mean", "luma_power"].unstack("latent")
    shares = found / found.sum()
    below = shares.loc[: SIZE / (2 * BLOCK)].sum()
    assert below[2] > 0.95
    assert below[1] < below[2] - 0.1
    assert (found[[3, 4]] < 1e-9).all(axis=None)  # carry nothing


def test_a_latent_of_colour_alone_changes_the_chroma() -> None:
    found = powers(COLOUR_BY_1)["test", "mean"].groupby(["score", "latent"]).sum()
    assert found["chroma_power", 1] > 10 * found["luma_power", 1]
