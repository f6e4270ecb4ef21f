"""Views -> pairs -> train and test."""

from __future__ import annotations

import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerot.config import FaceSet
from facerot.data.pairs import first_persons, make_pairs, place_of, split
from facerot.data.root import Stamp
from facerot.data.views import View, find_views
from facerot.errors import SettingsError

LONDON = FaceSet(
    name="london",
    root="",
    pattern=r"(?P<session>neutral|smiling)_(?P<view>\w+)/(?P<person>\d{3})_\d{2}\.jpg",
    yaw={"left_profile": -90, "front": 0, "right_profile": 90},
    source_yaw=[-90.0],
    target_yaw=0,
    crop=None,
    eye_band=[0.4, 0.55],
    background="plain",
)

persons = st.sets(
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=6), max_size=60
)


def views(*shots: tuple[str, str, float]) -> list[View]:
    return [View(f"{p}/{s}/{yaw}", p, (s,), yaw) for p, s, yaw in shots]


def names(*files: str) -> dict[str, Stamp]:
    return dict.fromkeys(files, Stamp(1, 1))


def test_a_pattern_reads_person_session_and_yaw() -> None:
    found, left_out = find_views(
        names(
            "neutral_front/001_03.jpg", "smiling_left_profile/002_06.jpg", "sheet.JPG", "README.md"
        ),
        LONDON,
    )
    assert [(view.person, view.session, view.yaw) for view in found] == [
        ("001", ("neutral",), 0),
        ("002", ("smiling",), -90),
    ]
    assert left_out == Counter({"photos that the pattern does not match": 1})


def test_a_top_folder_and_upper_case_extensions_change_nothing() -> None:
    inside = ("neutral_front/001_03.jpg", "smiling_front/002_08.JPG", "neutral_front/003_03.Jpg")
    for top in ("", "London Set/", "a/b/"):
        beside = [f"__MACOSX/{top}neutral_front/._001_03.jpg", f"{top}neutral_front/._003_03.jpg"]
        found, left_out = find_views(names(*(top + name for name in inside), *beside), LONDON)
        assert [(view.file, view.person) for view in found] == [
            (top + name, person) for name, person in zip(inside, ("001", "002", "003"))
        ]
        assert left_out.total() == 2


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "regular expression"),
        (r"(?P<person>\d)", "(?P<view>"),
        ("x(?P<person>)(?P<view>)", "0"),
    ],
)
def test_an_unusable_pattern_is_refused(pattern: str, says: str) -> None:
    faces = FaceSet(**{**LONDON.__dict__, "pattern": pattern})
    with pytest.raises(SettingsError) as refused:
        find_views({}, faces)
    assert says in str(refused.value)


def test_pairs_stay_within_a_person_and_a_session() -> None:
    alone = (("a", "s2", -90), ("b", "s2", -90), ("b", "s1", 0), ("c", "s1", 45))
    shots = views(("a", "s1", -90), ("a", "s1", 0), *alone)
    pairs, left_out = make_pairs(shots, [-90], 0)
    assert [(pair.source.file, pair.target.file) for pair in pairs] == [("a/s1/-90", "a/s1/0")]
    assert left_out == Counter(
        {"sessions without a view at yaw 0": 2, "sessions without a view at yaw -90": 2}
    )


def test_mirror_adds_the_opposite_yaw_flipped_and_nothing_else() -> None:
    shots = views(*(("a", "s", yaw) for yaw in (-90, -45, 0, 45, 90)))
    plain, _ = make_pairs(shots, [-90], 0)
    mirrored, _ = make_pairs(shots, [-90], 0, mirror=True)
    assert mirrored[: len(plain)] == plain
    assert [(pair.source.yaw, pair.target.yaw, pair.flip) for pair in mirrored] == [
        (-90, 0, False),
        (90, 0, True),
    ]
    turned, _ = make_pairs(shots, [-90], -45, mirror=True)
    assert [(pair.source.yaw, pair.target.yaw) for pair in turned] == [(-90, -45), (90, 45)]
    assert [pair.yaw for pair in turned] == [-90, -90]


def test_two_files_for_one_view_are_refused_by_name() -> None:
    twice = [View("a/1.png", "a", (), 0.0), View("a/2.png", "a", (), 0.0)]
    with pytest.raises(SettingsError, match=r"a/1\.png and a/2\.png"):
        make_pairs(twice, [-90], 0)


@given(persons, st.integers(0, 1000), st.floats(0.05, 0.95))
def test_no_person_is_in_both_splits_and_adding_people_moves_nobody(
    people: set[str], seed: int, fraction: float
) -> None:
    shots = views(*((p, s, yaw) for p in sorted(people) for s in "xy" for yaw in (-90.0, 0.0)))
    pairs, _ = make_pairs(shots, [-90], 0)
    train, test = split(pairs, fraction, seed)
    assert not {pair.person for pair in train} & {pair.person for pair in test}
    assert len(train) + len(test) == len(pairs)
    half = [pair for pair in pairs if pair.person < "M"]
    train_of_half, test_of_half = split(half, fraction, seed)
    assert set(train_of_half) <= set(train)
    assert set(test_of_half) <= set(test)


@given(persons, st.integers(0, 1000), st.floats(0.05, 0.95), st.integers(1, 60), st.integers(1, 60))
def test_fewer_training_persons_are_among_more_and_the_test_persons_stay(
    people: set[str], seed: int, fraction: float, one: int, other: int
) -> None:
    shots = views(*((p, s, yaw) for p in sorted(people) for s in "xy" for yaw in (-90.0, 0.0)))
    pairs, _ = make_pairs(shots, [-90], 0)
    fewer, more = sorted((one, other))
    everybody, test = split(pairs, fraction, seed)
    small, test_of_small = split(pairs, fraction, seed, fewer)
    large, test_of_large = split(pairs, fraction, seed, more)
    assert test == test_of_small == test_of_large
    assert set(small) <= set(large) <= set(everybody)
    persons_there = len({pair.person for pair in everybody})
    for train, count in ((small, fewer), (large, more)):
        assert len({pair.person for pair in train}) == min(count, persons_there)
        assert len(train) == 2 * min(count, persons_there)  # each with all of their sessions


def test_who_trains_first_is_drawn_by_the_split_seed() -> None:
    people = [f"{n:04d}" for n in range(100)]
    drawn = [first_persons(people, 40, seed) for seed in range(3)]
    assert drawn[0] != drawn[1] != drawn[2]
    assert first_persons(reversed(people), 40, 0) == drawn[0]
    kept_of_fewer = split(make_pairs(_frontal(people), [0], 0)[0], 0.5, 0, 20)[0]
    kept_of_more = split(make_pairs(_frontal(people), [0], 0)[0], 0.2, 0, 20)[0]
    assert kept_of_fewer == kept_of_more


def _frontal(people: list[str]) -> list[View]:
    return views(*((person, "s", 0.0) for person in people))


def test_a_persons_place_is_the_same_for_ever() -> None:
    """Runs on disk rest on it; the last name is no UTF-8."""
    names = (("0000", 0), ("0001", 0), ("0000", 1), ("caf\udce9", 0))
    places = [0.35044897580604145, 0.21414592862667542, 0.6749053316861258, 0.07893683466989326]
    assert [place_of(*name) for name in names] == places


def test_split_seeds_differ_and_keep_the_fraction() -> None:
    shots = views(*((f"{n:04d}", "s", yaw) for n in range(1000) for yaw in (-90.0, 0.0)))
    pairs, _ = make_pairs(shots, [-90], 0)
    kept = [{pair.person for pair in split(pairs, 0.2, seed)[1]} for seed in range(3)]
    assert kept[0] != kept[1] != kept[2]
    assert all(150 < len(people) < 250 for people in kept)
