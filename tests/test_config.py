"""The settings: what is accepted, what it becomes, and the folder it lands in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hydra
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerot.command import read_command_line
from facerot.config import CONF, Settings, Trainer
from facerot.errors import SettingsError
from facerot.runs.run import find_run, run_name
from facerot.validate import resolve

USUAL = Trainer(None, 16, "adam", 1e-3, "onecycle", 0.1, None, None, "auto", steps=480)


@pytest.fixture(scope="module", autouse=True)
def _conf() -> Any:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def compose(*overrides: str) -> Settings:
    return resolve(hydra.compose("train", list(overrides)), Settings)


def refusal(*overrides: str) -> str | None:
    try:
        compose(*overrides)
    except SettingsError as refused:
        return str(refused)
    return None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-1, 6), max_size=5))
def test_concats_are_a_set_of_one_to_four_or_refused_in_one_line(concats: list[int]) -> None:
    good = len(set(concats)) == len(concats) and all(1 <= k <= 4 for k in concats)
    text = str(concats).replace(" ", "")
    if good:
        assert compose(f"concats={text}").concats == sorted(concats)
    else:
        with pytest.raises(SettingsError) as refused:
            compose(f"concats={text}")
        assert "\n" not in str(refused.value)


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(["trainer.epochs", "seed", "size", "mirror", "model.channels", "data.crop",
                     "trainer.learning_rate", "source_yaw", "data.eye_band", "data.face_box",
                     "latents.fills", "model.norm", "model.merge", "model.colour"]),
    st.sampled_from(["-1", "0", "x", "[]", "[1]", "null", "1e9", "true", "''", "0.5"]),
)  # fmt: skip
def test_any_value_is_used_or_refused_in_one_line(name: str, value: str) -> None:
    text = refusal(f"{name}={value}")
    assert text is None or ("\n" not in text and name.split(".")[-1] in text)


def test_model_autoencoder_is_the_model_without_concats() -> None:
    assert compose("model=autoencoder").concats == compose("concats=[]").concats == []
    assert compose("model.channels=16").model.channels == [16, 32, 64, 128, 128]


def test_what_a_network_is_not_is_refused() -> None:
    assert "'instance'" in str(refusal("model.norm=instanse"))
    assert "concat, add" in str(refusal("model.merge=times"))
    assert "'separate'" in str(refusal("model.colour=seperate"))
    text = str(refusal("size=32", "model.norm=instance"))
    assert "model.norm=instance" in text
    assert "size=64" in text
    assert compose("size=32", "model.norm=none").model.norm == "none"


def test_what_has_no_value_is_asked_for_by_name() -> None:
    assert "data.root=PATH" in str(refusal("data=london"))
    assert "seed=" in str(refusal("seed=???"))
    assert "trainer.steps=2400" in str(refusal("trainer.steps=null"))
    assert "data.yaw" in str(refusal("~data.yaw"))
    assert "data.pattern" in str(refusal("data.pattern=null"))
    assert refusal("data.pattern=null", "~data.yaw", "data.manifest=faces.csv") is None


def test_a_face_set_may_leave_out_what_has_a_default() -> None:
    short = compose("~data.eye_band", "~data.face_box", "~data.background").data
    assert (short.eye_band, short.face_box, short.background) == ([0.4, 0.55], None, "plain")


def test_what_nobody_has_seen_of_a_face_set_is_not_taken_for_granted() -> None:
    folder = compose("data=folder", "data.root=faces").data
    assert (folder.eye_band, folder.face_box) == (None, None)
    refused = str(refusal("data=folder", "data.root=faces", "data.align=eyes"))
    assert "data.eye_band" in refused
    assert "\n" not in refused
    aligned = compose("data=folder", "data.root=faces", "data.align=eyes", "data.eye_band=[.4,.6]")
    assert aligned.data.eye_row == pytest.approx(0.5)
    for box in ("[0.1,0.1]", "[0.5,0.1,0.4,0.9]", "[0,0,64,64]"):
        assert "data.face_box" in str(refusal(f"data.face_box={box}"))


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("size=1024", "more than 256"),
        ("concats='2, 4'", "concats=2, 4 is not a list: write 'concats=[2,4]'"),
        ("source_yaw='-90,-45'", "is not a list: write 'source_yaw=[-90,-45]'"),
        ("size=288", "more than 256"),
        ("data.face_box=[0,0,1e-9,1]", "data.face_box"),
        ("data.face_box=[0.5,0.50,1,0.501]", "smaller than a pixel"),
        ("data.eye_band=[0.4,0.4001]", "data.eye_band"),
        ("source_yaw=1" + 400 * "0", "source_yaw"),
        ("data.crop=[0,0,1,1" + 400 * "0" + "]", "data.crop"),
        ("test_fraction=1" + 400 * "0", "too large"),
    ],
)
def test_values_beyond_reason_and_lists_that_are_none_are_refused(override: str, says: str) -> None:
    assert compose("size=256").size == 256
    text = str(refusal(override))
    assert says in text
    assert "\n" not in text


@pytest.mark.parametrize("study", ["../../x", "a/b", "/tmp/x", "..", ".", ".sweeps", "", "a\x1bb"])
def test_a_study_lies_in_outputs_and_nowhere_else(study: str) -> None:
    with pytest.raises(SettingsError, match="is no name of a folder"):
        find_run(replace(compose(), study=study), compose())


@pytest.mark.parametrize("value", ["1", "0", "-3", "2.5", "true", "null", "x", "[3]", "100"])
def test_clutter_is_a_whole_number_from_two_up_to_the_size(value: str) -> None:
    assert compose("data.clutter=2").data.clutter == 2
    text = str(refusal(f"data.clutter={value}"))
    assert "data.clutter" in text
    assert "\n" not in text


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "true", "x", "[3]"])
def test_train_persons_is_a_whole_number_or_null(value: str) -> None:
    assert compose("train_persons=1").train_persons == 1
    assert compose("train_persons=null").train_persons is None
    assert "train_persons" in str(refusal(f"train_persons={value}"))


def test_a_matte_is_known_or_none() -> None:
    assert compose("data.matte=wall").data.matte == "wall"
    assert "did you mean 'wall'" in str(refusal("data.matte=walls"))


def test_a_run_is_named_by_what_matters() -> None:
    usual = compose()

    def name(*overrides: str) -> str:
        return run_name(compose(*overrides), usual)

    assert name() == "unet_concats-1234_seed-0"
    assert name("concats=[4,2]", "seed=3") == name("+concats=[2,4]", "seed=3")
    assert name("model=autoencoder") == name("concats=[]") == "autoencoder_seed-0"
    assert name("data.root=elsewhere", "outputs=there", "force=true") == name()
    same_as_default = f"trainer.steps={usual.trainer.steps}"
    assert name(same_as_default, "source_yaw=[-45]") == name()
    assert name("data.clutter=12", "data.matte=null", "train_persons=85") == name()
    assert name("model.norm=batch", "model.merge=concat", "model.colour=joint") == name()
    others = ("source_yaw=-90", "mirror=true", "trainer.epochs=5", "data.clutter=4",
              "data.matte=wall", "train_persons=9", "train_persons=null", "model.norm=none",
              "model.merge=add", "model.colour=separate")  # fmt: skip
    assert len({name(), *map(name, others)}) == 1 + len(others)


@given(st.integers(1, 5000), st.integers(1, 50))
def test_a_budget_of_steps_is_rounded_up_to_whole_epochs(steps: int, batches: int) -> None:
    epochs = replace(USUAL, steps=steps).epochs_of(batches)
    assert (epochs - 1) * batches < steps <= epochs * batches
    assert replace(USUAL, steps=steps, epochs=3).epochs_of(batches) == 3


@pytest.mark.parametrize("launcher", ["parallel", "basic", "joblib"])
def test_launchers_of_hydra_and_its_plugins_stand_beside_ours(launcher: str) -> None:
    line = ["-m", f"hydra/launcher={launcher}", "seed=0,1"]
    assert read_command_line(line, Settings) == line
