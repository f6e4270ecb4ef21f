"""A trained network as ONNX."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from facerot.errors import SettingsError
from facerot.export import EXTRA, main
from facerot.latents import LATENTS, keep_sets
from facerot.model import UNet
from facerot.runs.trained import load_weights, save_weights
from facerot.switched import Switched, switches
from tests.conftest import InProcess

missing = pytest.mark.skipif(not all(map(find_spec, EXTRA)), reason="needs the extra onnx")


def tiny(*concats: int, kind: tuple[str, ...] = ()) -> UNet:
    """A network with weights and running statistics of its own; its norm, merge and colour."""
    torch.manual_seed(0)
    network = UNet(concats, (4, 8, 16, 16, 16), *kind)
    for _ in range(3):
        network(torch.rand(8, 3, 64, 64))
    return network.eval()


@pytest.mark.parametrize("concats", [(), (2, 4), (1, 2, 3, 4)])
def test_a_network_is_rebuilt_from_its_weights_alone(
    concats: tuple[int, ...], tmp_path: Path
) -> None:
    network = tiny(*concats)
    save_weights(network, tmp_path / "weights.safetensors")
    again = load_weights(tmp_path / "weights.safetensors")
    assert again.latents == network.latents
    x = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(again(x), network(x))


def test_weights_of_before_norm_merge_and_colour_are_what_they_were(tmp_path: Path) -> None:
    network = tiny(2, 4)
    named = {name: network.architecture[name] for name in ("concats", "channels")}
    path = tmp_path / "weights.safetensors"
    save_file(network.state_dict(), path, {"architecture": json.dumps(named)})
    assert load_weights(path).architecture == network.architecture


def test_weights_that_do_not_say_what_they_belong_to_are_refused(tmp_path: Path) -> None:
    save_file(tiny(2, 4).state_dict(), tmp_path / "weights.safetensors")
    with pytest.raises(SettingsError, match="does not name its architecture"):
        load_weights(tmp_path / "weights.safetensors")


@torch.inference_mode()
def test_switches_do_what_keep_does() -> None:
    network, x = tiny(1, 2, 3, 4), torch.rand(2, 3, 64, 64)
    for kept in keep_sets(LATENTS):
        assert torch.equal(Switched(network)(x, switches(kept)), network(x, kept))


@missing
@pytest.mark.parametrize("kind", [(), ("instance", "add", "separate")], ids="-".join)
def test_the_export_serves_every_keep_set_and_any_number_of_faces(
    kind: tuple[str, ...],
    tmp_path: Path,
    in_process: InProcess,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import onnxruntime

    network = tiny(2, 4, kind=kind)
    save_weights(network, tmp_path / "weights.safetensors")
    assert in_process(main, "weights=weights.safetensors", "out=net.onnx") is None
    assert "all 32 keep sets" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "weights.safetensors"]
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    x = torch.rand(5, 3, 64, 64)
    for keep in ((2, 4, 5), (4,), ()):
        feed = {"faces": x.numpy(), "keep": switches(keep).numpy()}
        (turned,) = session.run(["turned"], feed)
        assert (torch.from_numpy(turned) - network(x, keep)).abs().max() < 1e-4


@missing
def test_the_file_says_which_run_it_is_from(
    studied: Path, tmp_path: Path, in_process: InProcess
) -> None:
    import onnxruntime

    folder = studied / "outputs" / "heads-smoke" / "unet_concats-24_seed-0"
    assert in_process(main, f"run={folder}", "out=net.onnx") is None
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    said = session.get_modelmeta().custom_metadata_map
    told = {name: json.loads(value) for name, value in said.items()}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert told["run"] == "heads-smoke/unet_concats-24_seed-0"
    assert told["commit"] == metrics["git_commit"]
    assert (told["source_yaw"], told["target_yaw"], told["crop"]) == ([-45], 0, None)


@missing
def test_a_file_that_cannot_be_written_is_one_line_and_leaves_nothing(
    tmp_path: Path, in_process: InProcess
) -> None:
    save_weights(tiny(2), tmp_path / "weights.safetensors")
    line = in_process(main, "weights=weights.safetensors", "out=weights.safetensors/net.onnx")
    assert line is not None
    assert line.startswith("facerot: out=weights.safetensors/net.onnx cannot be written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_what_is_no_network_is_refused(tmp_path: Path, in_process: InProcess) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    line = in_process(main, "weights=weights.safetensors")
    assert line is not None
    assert line.startswith("facerot: ")
    assert "\n" not in line
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
