"""Sets of latents, and the masks that each input meets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.latents import keep_label, keep_ones, keep_sets, masks, of_label, removals, remove

models = st.sets(st.sampled_from((1, 2, 3, 4))).map(lambda found: (*sorted(found), 5))


@given(models)
def test_every_set_is_there_once_all_first_and_none_last(latents: tuple[int, ...]) -> None:
    sets = keep_sets(latents)
    assert (sets[0], sets[-1]) == (latents, ())
    assert len(set(sets)) == len(sets) == 2 ** len(latents)
    assert all(set(keep) <= set(latents) and keep == tuple(sorted(keep)) for keep in sets)
    assert [of_label(keep_label(keep)) for keep in sets] == sets
    assert (keep_label(()), keep_label((2, 4, 5))) == ("none", "245")


@given(models)
def test_the_input_meets_every_set_and_a_probe_every_removal(
    latents: tuple[int, ...],
) -> None:
    assert masks(latents, "rgb") == keep_sets(latents)
    without = [latents, *(tuple(one for one in latents if one != k) for k in latents)]
    for probe in ("r", "g", "b", "mosaic"):
        assert masks(latents, probe) == without
    assert list(removals(latents)) == ["all", *(f"-{k}" for k in latents)]
    assert list(removals(latents).values()) == without
    assert keep_ones(latents) == {f"keep {k}": (k,) for k in latents}


def test_what_a_model_lacks_cannot_be_removed() -> None:
    with pytest.raises(ValueError, match="latent3 cannot be removed: this model has 25"):
        remove((2, 5), 3)
