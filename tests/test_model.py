"""The network: its shapes, and masks as arguments."""

from __future__ import annotations

from itertools import combinations, product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from facerot.config import COLOURS, MERGES, NORMS
from facerot.latents import keep_sets, remove
from facerot.measure.silencing import mean_latents
from facerot.model import UNet

WIDTHS = (4, 4, 8, 8, 8)
SUBSETS = [set(s) for n in range(5) for s in combinations((1, 2, 3, 4), n)]
KINDS = list(product(NORMS, MERGES, COLOURS))
USUAL = ("batch", "concat", "joint")

Kind = tuple[str, str, str]  # norm, merge, colour

concats = st.sampled_from(SUBSETS)
of_every_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def network(subset: set[int], kind: Kind = USUAL) -> UNet:
    """A network with fresh weights and, where it keeps any, running statistics of its own."""
    torch.manual_seed(0)
    net = UNet(subset, WIDTHS, *kind)
    net(faces(4))
    return net.eval()


def faces(count: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@of_every_kind
@settings(deadline=None, max_examples=6)
@given(concats, st.sampled_from([32, 64, 96]))
def test_shapes_and_range(kind: Kind, subset: set[int], size: int) -> None:
    norm, _, colour = kind
    assume(norm != "instance" or size > 32)  # latent5 is 1x1: refused with the settings
    net, x = network(subset, kind), faces(size=size)
    for k, latent in enumerate(net.encode(x), start=1):
        width = WIDTHS[k - 1] * (3 if colour == "separate" else 1)
        assert latent.shape == (len(x), width, size // 2**k, size // 2**k)
    o = net(x)
    assert o.shape == x.shape
    assert o.min() >= 0
    assert o.max() <= 1


@of_every_kind
@settings(deadline=None, max_examples=4)
@given(concats)
@torch.inference_mode()
def test_all_masks_at_once_are_the_masks_one_by_one(kind: Kind, subset: set[int]) -> None:
    net, x = network(subset, kind), faces()
    latents = net.encode(x)
    fill = mean_latents(net, [faces(5)])
    for value in (None, fill):
        every = net.decode_all(latents, value)
        sets = keep_sets(net.latents)
        assert len(every) == len(sets) == 2 ** (len(subset) + 1)
        for o, keep in zip(every, sets):
            torch.testing.assert_close(o, net.decode(latents, keep, value), rtol=0, atol=1e-6)


@of_every_kind
@settings(deadline=None, max_examples=6)
@given(concats)
@torch.inference_mode()
def test_keeping_all_latents_is_the_plain_pass_to_the_bit(kind: Kind, subset: set[int]) -> None:
    net, x = network(subset, kind), faces()
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


@of_every_kind
def test_a_missing_concat_has_no_weights(kind: Kind) -> None:
    _, merge, colour = kind
    full = weights(network({1, 2, 3, 4}, kind))
    kernel, image = 4 * 4, 3 if colour == "joint" else 1
    handed = [WIDTHS[k] * (image if k == 0 else WIDTHS[k - 1]) * kernel for k in range(4)]
    for subset in SUBSETS:
        missing = {1, 2, 3, 4} - subset if merge == "concat" else set()
        assert full - weights(network(subset, kind)) == sum(handed[k - 1] for k in missing)


def weights(net: UNet) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("merge", MERGES)
def test_a_bias_is_where_no_norm_has_one(merge: str) -> None:
    for norm in NORMS:
        names = network({2}, (norm, merge, "joint")).state_dict()
        assert {"down1.0.bias", "up1.0.bias"} <= set(names)
        assert ("down2.0.bias" in names) == ("up2.0.bias" in names) == (norm == "none")
        assert ("down2.1.bias" in names) == (norm != "none")


@torch.inference_mode()
def test_without_its_concat_nothing_is_added() -> None:
    """All four Concats silenced with zeros are no Concats, the weights being the same ones."""
    kind = ("batch", "add", "joint")
    whole, without = network({1, 2, 3, 4}, kind), network(set(), kind)
    without.load_state_dict(whole.state_dict())
    assert torch.equal(whole(faces(), {5}), without(faces()))


@pytest.mark.parametrize(("norm", "merge"), list(product(NORMS, MERGES)))
@pytest.mark.parametrize("channel", range(3))
@torch.inference_mode()
def test_separate_colours_do_not_touch(norm: str, merge: str, channel: int) -> None:
    net, x = network({1, 2, 3, 4}, (norm, merge, "separate")), faces()
    other = x.clone()
    other[:, channel] = torch.rand_like(other[:, channel])
    before, after = (net.decode_all(net.encode(seen)) for seen in (x, other))
    for seen in range(3):
        assert torch.equal(before[:, :, seen], after[:, :, seen]) == (seen != channel)


@torch.inference_mode()
def test_separate_colours_pass_the_same_network() -> None:
    net, x = network({1, 3}, ("batch", "concat", "separate")), faces()
    torch.testing.assert_close(net(x.flip(1)), net(x).flip(1), rtol=0, atol=1e-6)
    grey = net(x[:, :1].expand(-1, 3, -1, -1))
    assert torch.equal(grey[:, 0], grey[:, 2])


@of_every_kind
@torch.inference_mode()
def test_only_what_the_concat_hands_over_is_silenced(kind: Kind) -> None:
    net, x = network({1, 2, 3, 4}, kind), faces()
    latents = list(net.encode(x))
    silenced = net.decode(latents, {2, 3, 4, 5})
    latents[0] = torch.zeros_like(latents[0])
    assert torch.equal(silenced, net.decode(latents))


@of_every_kind
@torch.inference_mode()
def test_silencing_with_the_mean_of_one_face_changes_nothing_for_it(kind: Kind) -> None:
    net, x = network({1, 3}, kind), faces(1)
    fill = mean_latents(net, [x])
    torch.testing.assert_close(net.decode(net.encode(x), (), fill), net(x))
