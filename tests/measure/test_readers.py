"""Readers of latents: ridge regression and nearest neighbours from Gram matrices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from facerot.latents import PLACES
from facerot.measure.readers import (
    PENALTIES,
    Array,
    Names,
    distances,
    folds,
    gram,
    grams,
    mean_label,
    nearest,
    ridge,
    under_penalties,
)
from facerot.model import UNet

VIEWS = 3  # of a person


def features(persons: int, width: int, seed: int = 0) -> tuple[Array, Names]:
    """Noise, and whose it is: VIEWS rows a person, in any order."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"p{one}" for one in range(persons)], VIEWS)
    return rng.normal(size=(len(names), width)), rng.permutation(names)


def products(rows: Array) -> Array:
    return gram(torch.from_numpy(rows))


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 12), st.integers(1, 60), st.integers(0, 99))
def test_the_dual_is_ridge_regression(persons: int, width: int, seed: int) -> None:
    rows, _ = features(persons, width, seed)
    labels = np.random.default_rng(seed + 1).normal(size=(len(rows), 2))
    train, test = np.arange(len(rows))[::2], np.arange(len(rows))[1::2]
    found = under_penalties(products(rows), labels, train, test)
    centred = rows[train] - rows[train].mean(axis=0)
    unit = np.square(centred).sum() / len(train)
    for penalty, read in zip(PENALTIES, found):
        wanted = Ridge(alpha=penalty * unit).fit(rows[train], labels[train]).predict(rows[test])
        np.testing.assert_allclose(read, wanted, rtol=1e-4, atol=1e-6)


def test_what_is_linear_is_read_and_noise_is_not() -> None:
    rows, persons = features(40, 10)
    labels = rows @ np.random.default_rng(1).normal(size=(10, 3)) + 5
    noise = np.random.default_rng(2).normal(size=labels.shape)
    read = ridge(products(rows), np.concatenate([labels, noise], axis=1), persons)
    np.testing.assert_allclose(read[:, :3], labels, atol=0.05)
    chance = np.square(mean_label(noise, persons) - noise).mean()
    assert np.square(read[:, 3:] - noise).mean() > 0.95 * chance


@pytest.mark.parametrize("reader", [ridge, nearest])
def test_nothing_is_read_by_knowing_the_person(reader) -> None:  # type: ignore[no-untyped-def]
    traits, persons = features(30, 50)
    first = {name: row for row, name in enumerate(persons)}
    own = [first[name] for name in persons]  # every view of a person has the same features
    labels = np.random.default_rng(1).normal(size=(len(persons), 1))[own]
    read = reader(products(traits[own]), labels, persons)
    chance = np.square(mean_label(labels, persons) - labels).mean()
    assert np.square(read - labels).mean() > 0.9 * chance


def test_the_nearest_views_are_those_of_other_persons() -> None:
    places = np.arange(20.0)[:, None]
    persons = np.array([f"p{one // 2}" for one in range(20)])
    read = nearest(products(places), places, persons)
    assert np.abs(read - places)[6:14].max() < 3
    apart = distances(products(places))
    np.testing.assert_allclose(apart, np.abs(places - places.T), atol=1e-6)


def test_features_that_do_not_differ_tell_nothing() -> None:
    rows = torch.rand(1, 50, generator=torch.Generator().manual_seed(0)).expand(30, -1)
    noisy = rows * (1 + 1e-7 * torch.rand(30, 50, generator=torch.Generator().manual_seed(1)))
    labels = np.random.default_rng(0).normal(size=(30, 2))
    persons = np.array([f"p{one // 3}" for one in range(30)])
    read = ridge(gram(noisy), labels, persons)
    np.testing.assert_allclose(read, mean_label(labels, persons), atol=1e-6)


@given(st.integers(3, 30), st.integers(2, 8))
def test_no_person_is_on_both_sides_of_a_fold(persons: int, count: int) -> None:
    _, names = features(persons, 1)
    read = []
    for train, test in folds(names, count):
        assert not set(names[train]) & set(names[test])
        read += test.tolist()
    assert sorted(read) == list(range(len(names)))


@pytest.mark.parametrize("concats", [(), (2,), (1, 2, 3, 4)])
def test_every_place_is_compared_over_all_views(concats: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net, x = UNet(concats, channels=(2, 4, 4, 4, 4)).eval(), torch.rand(5, 3, 64, 64)
    found = grams(net, iter(torch.split(x, 2)))
    assert tuple(found) == PLACES
    with torch.inference_mode():
        wanted = {"input": x, "latent2": net.encode(x)[1], "output": net(x)}
    for place, features in wanted.items():
        rows = features.flatten(1).double().numpy()
        rows -= rows.mean(axis=0)
        np.testing.assert_allclose(found[place], rows @ rows.T, rtol=1e-3, atol=1e-4)
