"""The order in which faces are seen."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from facerot.data.datamodule import EpochOrder

counts = st.integers(1, 200)
batch_sizes = st.integers(1, 64)


def batches(count: int, batch_size: int, seed: int, epoch: int) -> list[torch.Tensor]:
    order = EpochOrder(count, batch_size, seed)
    order.set_epoch(epoch)
    found = list(order)
    assert len(found) == len(order)
    return found


@given(counts, batch_sizes, st.integers(0, 2**32 - 1), st.integers(0, 500))
def test_every_face_once_an_epoch_in_even_batches(
    count: int, batch_size: int, seed: int, epoch: int
) -> None:
    found = batches(count, batch_size, seed, epoch)
    assert torch.cat(found).sort().values.tolist() == list(range(count))
    sizes = {len(batch) for batch in found}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    one = torch.cat(batches(100, 16, seed=0, epoch=3))
    torch.rand(5)
    assert torch.equal(one, torch.cat(batches(100, 16, seed=0, epoch=3)))
    assert not torch.equal(one, torch.cat(batches(100, 16, seed=0, epoch=4)))
    assert not torch.equal(one, torch.cat(batches(100, 16, seed=1, epoch=3)))
