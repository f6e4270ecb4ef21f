"""The network: its shapes, and masks as arguments."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facerot.latents import keep_sets, remove
from facerot.measure.silencing import mean_latents
from facerot.model import UNet

WIDTHS = (4, 4, 8, 8, 8)
SUBSETS = [set(s) for n in range(5) for s in combinations((1, 2, 3, 4), n)]

concats = st.sampled_from(SUBSETS)


def network(subset: set[int], seed: int = 0) -> UNet:
    torch.manual_seed(seed)
    return UNet(subset, WIDTHS).eval()


def faces(count: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@settings(deadline=None, max_examples=16)
@given(concats, st.sampled_from([32, 64, 96]))
def test_shapes_and_range(subset: set[int], size: int) -> None:
    net, x = network(subset), faces(size=size)
    sides = [latent.shape[-1] for latent in net.encode(x)]
    assert sides == [size // 2**k for k in range(1, 6)]
    o = net(x)
    assert o.shape == x.shape
    assert o.min() >= 0
    assert o.max() <= 1


@settings(deadline=None, max_examples=16)
@given(concats)
@torch.inference_mode()
def test_all_masks_at_once_are_the_masks_one_by_one(subset: set[int]) -> None:
    net, x = network(subset), faces()
    latents = net.encode(x)
    fill = mean_latents(net, [faces(5)])
    for value in (None, fill):
        every = net.decode_all(latents, value)
        sets = keep_sets(net.latents)
        assert len(every) == len(sets) == 2 ** (len(subset) + 1)
        for o, keep in zip(every, sets):
            torch.testing.assert_close(o, net.decode(latents, keep, value), rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=16)
@given(concats)
@torch.inference_mode()
def test_keeping_all_latents_is_the_plain_pass_to_the_bit(subset: set[int]) -> None:
    net, x = network(subset), faces()
    plain = net(x)
    assert torch.equal(net(x, net.latents), plain)
    assert torch.equal(net.decode(net.encode(x), net.latents), plain)
    assert torch.equal(net.decode_all(net.encode(x))[0], plain)


@pytest.mark.parametrize("subset", SUBSETS)
def test_a_latent_without_its_concat_cannot_be_kept_or_removed(subset: set[int]) -> None:
    net = network(subset)
    for k in {1, 2, 3, 4} - subset:
        with pytest.raises(ValueError, match=f"latent{k}"):
            net(faces(), {k})
        with pytest.raises(ValueError, match=f"latent{k}"):
            remove(net.latents, k)


def test_a_missing_concat_has_no_weights() -> None:
    full = sum(p.numel() for p in network({1, 2, 3, 4}).parameters())
    kernel = 4 * 4
    handed = [WIDTHS[k] * (3 if k == 0 else WIDTHS[k - 1]) * kernel for k in range(4)]
    for subset in SUBSETS:
        count = sum(p.numel() for p in network(subset).parameters())
        assert full - count == sum(handed[k - 1] for k in {1, 2, 3, 4} - subset)


@torch.inference_mode()
def test_only_what_the_concat_hands_over_is_silenced() -> None:
    net, x = network({1, 2, 3, 4}), faces()
    latents = list(net.encode(x))
    silenced = net.decode(latents, {2, 3, 4, 5})
    latents[0] = torch.zeros_like(latents[0])
    assert torch.equal(silenced, net.decode(latents))


@torch.inference_mode()
def test_silencing_with_the_mean_of_one_face_changes_nothing_for_it() -> None:
    net, x = network({1, 3}), faces(1)
    fill = mean_latents(net, [x])
    torch.testing.assert_close(net.decode(net.encode(x), (), fill), net(x))
