"""The order in which faces are seen."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import hydra
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from facerot.config import CONF, Settings
from facerot.data.datamodule import EpochOrder, FacePairs
from facerot.errors import SettingsError
from facerot.runs.run import Run
from facerot.training.fit import make_module, make_trainer
from facerot.training.record import Record
from facerot.validate import resolve

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


def compose(*overrides: str) -> Settings:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        usual = ["budget=smoke", "train_persons=null"]
        return resolve(hydra.compose("train", [*usual, *overrides]), Settings)


def test_of_large_faces_fewer_are_evaluated_at_once_and_none_is_left_out(faces_zip: Path) -> None:
    for size, most in ((64, 64), (256, 4)):
        faces = FacePairs(compose(f"data.root={faces_zip}", f"size={size}"))
        found = [len(x) for x, _ in faces.batches("train")]
        assert max(found) == min(most, 10)
        assert sum(found) == 10


def test_fewer_persons_train_and_the_same_are_tested(faces_zip: Path) -> None:
    everybody = FacePairs(compose(f"data.root={faces_zip}"))
    fewer = FacePairs(compose(f"data.root={faces_zip}", "train_persons=4"))
    assert torch.equal(fewer.splits["test"][:][0], everybody.splits["test"][:][0])
    assert len(fewer.splits["train"]) == 4
    assert set(fewer.people("train")["person"]) < set(everybody.people("train")["person"])
    assert fewer.summary == (
        "heads: 12 persons, 12 pairs (yaw -45 -> 0); train 4 pairs of 4 persons (of 10), "
        "test 2 pairs of 2 persons; left out: nothing"
    )
    both = FacePairs(compose(f"data.root={faces_zip}", "mirror=true", "source_yaw=[-90,-30]"))
    assert both.summary == (
        "heads: 12 persons, 24 pairs (yaw -90, -30 -> 0, mirrored); train 20 pairs of 10 persons, "
        "test 4 pairs of 2 persons; left out: 12 sessions without a view at yaw -30; "
        "12 sessions without a view at yaw 30"
    )
    assert "train 10 pairs of 10 persons, test 2 pairs of 2 persons;" in everybody.summary
    all_of_them = FacePairs(compose(f"data.root={faces_zip}", "train_persons=10"))
    assert torch.equal(all_of_them.splits["train"][:][0], everybody.splits["train"][:][0])
    with pytest.raises(SettingsError, match="only 10 training persons") as refused:
        FacePairs(compose(f"data.root={faces_zip}", "train_persons=11"))
    assert str(refused.value) == (
        "data=heads: train_persons=11: there are only 10 training persons (test_fraction=0.2), ask "
        "for no more, or for all with train_persons=null"
    )


def test_lightning_moves_the_order_on_with_every_epoch(faces_zip: Path, tmp_path: Path) -> None:
    settings = compose(f"data.root={faces_zip}", "trainer.epochs=3")
    trainer = make_trainer(settings, Run(tmp_path), Record(), epochs=3)
    trainer.fit(make_module(settings), datamodule=FacePairs(settings))
    order = cast("DataLoader[object]", trainer.train_dataloader).sampler
    assert isinstance(order, EpochOrder)
    assert order.epoch == 2


@pytest.mark.parametrize(("fraction", "part"), [(0.001, "test"), (0.999, "train")])
def test_a_split_without_one_of_its_parts_is_refused(
    faces_zip: Path, fraction: float, part: str
) -> None:
    with pytest.raises(SettingsError, match=f"gives no {part} pairs: change source_yaw"):
        FacePairs(compose(f"data.root={faces_zip}", f"test_fraction={fraction}"))


def test_mirrored_pairs_show_the_opposite_view_flipped(faces_zip: Path) -> None:
    root = f"data.root={faces_zip}"
    both = FacePairs(compose(root, "mirror=true", "source_yaw=-90")).splits["train"]
    right = FacePairs(compose(root, "source_yaw=90")).splits["train"]
    as_they_are = {pair.person: at for at, pair in enumerate(right.pairs)}
    flipped = [at for at, pair in enumerate(both.pairs) if pair.flip]
    assert len(flipped) == len(right) == len(both) / 2
    (sources, targets), (right_sources, right_targets) = both[:], right[:]
    for at in flipped:
        other = as_they_are[both.pairs[at].person]
        assert torch.equal(sources[at], right_sources[other].flip(-1))
        assert torch.equal(targets[at], right_targets[other].flip(-1))
        assert not torch.equal(sources[at], right_sources[other])


def test_baselines_are_means_over_all_faces_whatever_the_batches(faces_zip: Path) -> None:
    faces = FacePairs(compose(f"data.root={faces_zip}", "size=256", "test_fraction=0.5"))
    (_, train), (source, target) = (
        (x / 255, y / 255) for x, y in (faces.splits[split][:] for split in ("train", "test"))
    )
    batches = [len(x) for split in ("train", "test") for x, _ in faces.batches(split)]
    assert len(set(batches)) > 1, "uneven ones, of which a mean of means would be another"
    found = faces.baselines()
    assert found["copy_input"] == pytest.approx((source - target).square().mean().item(), rel=1e-5)
    wanted = (train.mean(0) - target).square().mean().item()
    assert found["mean_face"] == pytest.approx(wanted, rel=1e-5)
