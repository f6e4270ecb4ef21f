"""What a finished run says of itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from facerot.runs.metrics import SETTLED, is_settled

falls = st.floats(0, 0.5).filter(lambda fall: abs(fall - SETTLED) > 0.01)


def falling(epochs: int, fall: float) -> list[float]:
    """Losses that fall by this share with every tenth of so many epochs."""
    return [(1 - fall) ** (10 * epoch / epochs) for epoch in range(epochs)]


@given(st.integers(1, 40), falls, st.floats(1e-6, 1e6))
def test_settled_is_what_falls_by_less_at_any_scale(tens: int, fall: float, scale: float) -> None:
    losses = [scale * loss for loss in falling(10 * tens, fall)]
    assert is_settled(losses) == (fall < SETTLED)


@given(st.integers(5, 40), st.integers(0, 399), st.floats(0, 100), st.sampled_from([0.0, 0.2]))
def test_no_single_epoch_decides(tens: int, at: int, loss: float, fall: float) -> None:
    losses = falling(10 * tens, fall)
    losses[at % len(losses)] = loss
    assert is_settled(losses) == (fall < SETTLED)


@given(st.integers(1, 40), st.lists(st.floats(0, 1e9), min_size=320, max_size=320))
def test_what_was_before_the_last_two_tenths_does_not_count(tens: int, before: list[float]) -> None:
    end = falling(10 * tens, 0.2)[-2 * tens :]
    assert is_settled([*before[: 8 * tens], *end]) is False


@given(st.integers(2, 50))
def test_a_loss_that_stands_still_rises_or_is_zero_has_settled(epochs: int) -> None:
    for losses in ([1.0] * epochs, [float(epoch) for epoch in range(epochs)], [0.0] * epochs):
        assert is_settled(losses)


def test_of_a_single_epoch_nobody_knows() -> None:
    assert is_settled([1.0]) is None
