"""The playground in a real browser: its pixels and scores, and what one can do with it."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from facerot.config import Settings
from facerot.latents import LATENTS, MEAN_LATENTS, KeepSet, keep_label, keep_sets
from facerot.measure.scores import FaceScores, Regions
from facerot.model import UNet
from facerot.playground import main as playground_main
from facerot.report.page import render_alone
from facerot.report.playground import (
    of_models,
    packed_run,
    playground,
    read_faces,
    read_tensors,
    shown_faces,
)
from facerot.report.sections import find
from facerot.report.write import write_report
from facerot.runs.run import Run
from facerot.runs.study import read_study
from facerot.runs.trained import load_weights
from tests.conftest import Command, run_main
from tests.report.conftest import CHROMIUM

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra dev: playwright")

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".venv" / "node_modules" / "axe-core" / "axe.min.js"
UNET, AE, CONCAT2 = "unet_concats-1234_seed-0", "autoencoder_seed-0", "unet_concats-2_seed-0"
RUNS: dict[str, tuple[str, KeepSet]] = {
    UNET: ("U-Net, seed 0", (1, 2, 3, 4)),
    AE: ("AE, seed 0", ()),
    CONCAT2: ("Concat2, seed 0", (2,)),
}
# Long enough that the outputs follow the input: others hide what is computed wrongly.
LEARNING = ("trainer.epochs=120", "trainer.evaluate_every=999", "trainer.checkpoint_every=999")
FACES = 3
OTHER = 3  # the face whose latents fill
BAD_NAME = "<img src=x onerror=\"document.title='run'\">"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")


@dataclass(frozen=True)
class Written:
    """The pages that are looked at: a study's report, and one network alone."""

    study: Path
    report: Path
    alone: Path

    def run(self, name: str) -> tuple[Path, Settings]:
        (folder,) = self.study.glob(f"{name}*")
        settings = Run(folder).settings()
        assert settings is not None
        return folder, settings


@pytest.fixture(scope="module")
def written(
    command: Command,
    report: Command,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Written:
    cwd = tmp_path_factory.mktemp("played")
    done = command("concats=[],[2],[1,2,3,4]", "latents.fills=[zero]", *LEARNING, "-m", cwd=cwd)
    assert done.returncode == 0, done.stderr
    study = cwd / "outputs" / "heads-smoke"
    done = report("study=heads-smoke", cwd=cwd)
    assert done.returncode == 0, done.stderr
    weights = next(study.glob(f"{UNET}*")) / "weights.safetensors"
    line = [f"weights={weights}", "out=sent/page.html"]
    done = run_main(playground_main, *line, cwd=cwd, cache=environment["XDG_CACHE_HOME"])
    assert done.returncode == 0, done.stderr
    assert "one network as float16" in done.stdout
    return Written(study, study / "report" / "index.html", cwd / "sent" / "page.html")


@pytest.fixture
def page(tab: Any, written: Written) -> Any:
    return opened(tab, written.alone)


def opened(tab: Any, path: Path, fragment: str = "") -> Any:
    tab.goto("about:blank")
    tab.noted.clear()
    tab.goto(path.as_uri() + fragment)
    tab.wait_for_function("globalThis.playground?.outputs")
    return tab


def part(page: Any, name: str) -> Any:
    return page.locator(f'[data-play="{name}"]')


def pixels(page: Any, name: str) -> Any:
    """A canvas of the playground, (S, S, 3) in [0, 1]."""
    text = page.evaluate(GRAB + f"grab('{name}')")
    return decoded(text)


GRAB = """
const grab = (name) => {
  const canvas = document.querySelector(`[data-play="${name}"]`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
};
"""

PLAY = (
    "async (states) => {"
    + GRAB
    + """
  const found = [];
  for (const state of states) {
    await playground.change(state);
    const rows = [...document.querySelectorAll('[data-play="scores0"] tr')];
    const cells = rows.map((row) => [...row.children].map((cell) => cell.textContent));
    const bytes = new Uint8Array(playground.outputs[0].slice().buffer);
    const output = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    found.push([grab("output0"), output, cells]);
  }
  return found;
}"""
)


def decoded(text: str) -> Any:
    flat = np.frombuffer(base64.b64decode(text), np.uint8)
    side = int((len(flat) / 4) ** 0.5)
    return flat.reshape(side, side, 4)[..., :3] / 255


def tensors(written: Written, name: str) -> tuple[UNet, torch.Tensor, torch.Tensor]:
    """A network, and the faces of the page: inputs and targets (N, 3, S, S)."""
    folder, settings = written.run(name)
    network = load_weights(folder / "weights.safetensors", settings)
    first, of_first = written.run(UNET)  # whose faces the page shows
    splits = [read_faces(first, split, of_first) for split in ("test", "train")]
    x, y = (
        torch.from_numpy(np.concatenate([columns[one] for columns in splits])).permute(0, 3, 1, 2)
        / 255
        for one in ("input", "target")
    )
    return network, x, y


def states(place: int, concats: KeepSet) -> Iterator[tuple[dict[str, Any], int, KeepSet, str]]:
    """What is chosen in turn: (state, face, keep, fill)."""
    for face in range(FACES):
        for keep in keep_sets((*concats, LATENTS[-1])):
            dose = [int(k in keep or k not in (*concats, LATENTS[-1])) for k in LATENTS]
            for fill in ("zero", "mean", "other"):
                state = {"model": place, "face": face, "dose": dose, "fill": fill, "other": OTHER}
                yield state, face, keep, fill


@pytest.mark.parametrize("name", RUNS)
@torch.inference_mode()
def test_pixels_and_scores_are_pytorchs(tab: Any, written: Written, name: str) -> None:
    network, x, y = tensors(written, name)
    folder, settings = written.run(name)
    means = load_file(folder / "faces" / MEAN_LATENTS)
    page = opened(tab, written.report)
    names = page.evaluate("playground.data.models.map((model) => model.name)")
    shown, concats = RUNS[name]
    asked = list(states(names.index(shown), concats))
    found = page.evaluate(PLAY, [state for state, *_ in asked])
    latents = network.encode(x)
    regions = Regions(None, settings.data.face_box)
    scores_of = [FaceScores(x[i : i + 1], y[i : i + 1], regions) for i in range(FACES)]
    assert network.decode(latents).std(dim=0).mean() > 0.02, "the outputs hardly follow the input"
    for (state, face, keep, fill), (picture, numbers, cells) in zip(asked, found, strict=True):
        other = state["other"]
        values = {
            "zero": None,
            "mean": [means[f"latent{k}"][None] for k in LATENTS],
            "other": [latent[other : other + 1] for latent in latents],
        }[fill]
        output = network.decode(latents, keep, values)
        ours = torch.from_numpy(decoded(picture)).permute(2, 0, 1)
        case = f"face {face}, keep {keep_label(keep)}, fill {fill}"
        assert (ours - output[face]).abs().max() < 1 / 255, case
        exact = torch.frombuffer(bytearray(base64.b64decode(numbers)), dtype=torch.float32)
        exact = exact.reshape(1, *x.shape[2:], 3).permute(0, 3, 1, 2)
        assert (exact[0] - output[face]).abs().max() < 1 / 255, case
        if keep == network.latents:  # a face's first keep set
            full = exact
        scores = scores_of[face](exact, full)  # the formulas, of what the page computed
        expected = {key: value.item() for key, value in scores.items()}
        compared = []
        for score, frame, *inside in cells[1:]:
            for text, key in zip((frame, *inside), (score, f"face_{score}")):
                if text:
                    assert float(text) == pytest.approx(expected[key], abs=1e-3, rel=1e-3), case
                    compared.append(key)
        assert len(compared) == (9 if settings.data.face_box else 5)


def test_the_page_says_how_exact_it_is(page: Any) -> None:
    assert "Weights as float16" in part(page, "exact0").inner_text()
    assert page.evaluate(FURTHEST) <= 1


def test_nothing_is_fetched(tab: Any, written: Written) -> None:
    for path in (written.report, written.alone):
        opened(tab, path)
        part(tab, "probe").select_option("mosaic")
        tab.wait_for_timeout(50)
        assert [url for url in tab.noted if not url.startswith("data:")] == [path.as_uri()]


def test_the_network_alone_makes_a_small_page(written: Written) -> None:
    assert written.alone.stat().st_size < 6e6


def test_what_does_not_fit_is_left_out_and_said(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = read_study(written.study.parent, written.study.name).runs
    everything, faults = playground(runs, {})
    assert everything is not None
    assert faults == []
    assert everything.note == f"{len(runs)} of {len(runs)} networks."
    exactly = len(everything.data) - len(everything.within(0).data)
    for room, networks in ((exactly, 3), (exactly - 1, 2), (0, 1)):
        some = everything.within(room)
        assert some.note.startswith(f"{networks} of {len(runs)} networks")
        assert ("too large" in some.note) == (networks < len(runs))
        assert [one["name"] for one in json.loads(some.data)["models"]] == [
            one["name"] for one in everything.models[:networks]
        ]
    monkeypatch.setattr("facerot.report.playground.LARGEST", 1)
    none, (said,) = playground(runs, {})
    assert none is None
    assert "too large" in said


def test_the_playground_takes_what_the_rest_of_the_page_leaves(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(read_study(written.study.parent, written.study.name))
    whole = write_report(found).stat().st_size
    monkeypatch.setattr("facerot.report.page.LARGEST_PAGE", whole - 1000)
    page = write_report(found).read_text()
    assert "2 of 3 networks, " in page
    assert len(page) <= whole - 1000


def test_a_large_network_has_8_bits_and_the_page_says_how_far_off_it_is(
    tab: Any, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facerot.report.playground.packing.LARGEST_HALF", 1)
    page = opened(tab, written_alone(*written.run(UNET), "large", tmp_path))
    assert "Weights as int8" in part(page, "exact0").inner_text()
    assert page.evaluate(FURTHEST) <= 2


FURTHEST = "playground.loaded(playground.data.models[0]).then((one) => one.furthest)"


def written_alone(run: Path, settings: Settings, name: str, folder: Path) -> Path:
    """The page of a run's network under another name."""
    model = packed_run(run, settings, read_tensors(run / "weights.safetensors"))
    entry = of_models([{"name": name, **model}], shown_faces(run, settings))
    path = folder / "page.html"
    path.write_text(render_alone(name, entry))
    return path


def file_of(picture: Image.Image, kind: str, name: str, **options: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return {"name": name, "mimeType": f"image/{kind.lower()}", "buffer": buffer.getvalue()}


def halves(width: int, height: int) -> Image.Image:
    """Red above, blue below."""
    picture = Image.new("RGB", (width, height), (255, 0, 0))
    picture.paste((0, 0, 255), (0, height // 2, width, height))
    return picture


def upright_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 3  # stored upside down
    return exif


GIVE = """([name, type, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  document.querySelector('[data-play="drop"]').dispatchEvent(EVENT);
}"""


def give(page: Any, file: dict[str, Any], event: str) -> None:
    text = base64.b64encode(file["buffer"]).decode()
    page.evaluate(GIVE.replace("EVENT", event), [file["name"], file["mimeType"], text])


def drop(page: Any, file: dict[str, Any]) -> None:
    give(page, file, 'new DragEvent("drop", { dataTransfer: files, cancelable: true })')


@pytest.mark.parametrize(
    ("file", "above"),
    [
        (file_of(halves(90, 60), "PNG", "wide.png"), (1, 0, 0)),
        (
            file_of(halves(90, 120), "JPEG", "turned.jpg", exif=upright_exif(), quality=95),
            (0, 0, 1),
        ),
        (file_of(halves(4000, 3000), "JPEG", "12-megapixel.jpg"), (1, 0, 0)),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_photo_that_is_dropped_is_what_the_network_sees(
    page: Any, file: dict[str, Any], above: tuple[int, int, int]
) -> None:
    before = pixels(page, "output0")
    drop(page, file)
    page.wait_for_function("playground.state.face === -1", timeout=20_000)
    seen = pixels(page, "input")
    np.testing.assert_allclose(seen[4:28, 4:60].mean(axis=(0, 1)), above, atol=0.03)
    np.testing.assert_allclose(seen[36:60, 4:60].mean(axis=(0, 1)), above[::-1], atol=0.03)
    assert np.abs(pixels(page, "output0") - before).max() > 2 / 255
    assert not part(page, "targetFigure").is_visible()  # nobody knows it
    part(page, "zoom").fill("300")
    part(page, "top").fill("100")
    np.testing.assert_allclose(pixels(page, "input").mean(axis=(0, 1)), above[::-1], atol=0.03)


@pytest.mark.parametrize("name", ["words.jpg", f"{BAD_NAME}.jpg"])
def test_what_is_no_picture_gets_one_clear_line(page: Any, name: str) -> None:
    before = pixels(page, "input")
    drop(page, {"name": name, "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    sync_api.expect(part(page, "refused")).not_to_be_empty()
    said = part(page, "refused").inner_text()
    assert said.startswith(f"{name}: ")
    assert "\n" not in said
    assert np.array_equal(pixels(page, "input"), before)
    assert page.title() != "run"


def test_a_photo_can_be_pasted(page: Any) -> None:
    file = file_of(halves(64, 64), "PNG", "pasted.png")
    give(page, file, 'new ClipboardEvent("paste", { clipboardData: files, bubbles: true })')
    page.wait_for_function("playground.state.face === -1")
    np.testing.assert_allclose(pixels(page, "input")[10, 10], (1, 0, 0), atol=0.01)


def focus(page: Any, name: str) -> None:
    """Go on with the Tab key until a control has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.dataset.play") == name:
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")


def test_everything_can_be_done_with_the_keyboard_alone(page: Any) -> None:
    whole = pixels(page, "output0")
    focus(page, "input")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    np.testing.assert_allclose(pixels(page, "input")[32, 34], (1, 0, 0), atol=0.01)
    painted = pixels(page, "output0")
    assert not np.array_equal(painted, whole)
    focus(page, "clear")
    page.keyboard.press("Enter")
    assert np.array_equal(pixels(page, "output0"), whole)
    focus(page, "latent1")
    page.keyboard.press("ArrowRight")
    assert part(page, "latent1").get_attribute("aria-valuetext").startswith("channel 1 of ")
    focus(page, "dose1")
    page.keyboard.press("Home")
    assert part(page, "said1").inner_text() == "silenced"
    assert not np.array_equal(pixels(page, "output0"), whole)
    focus(page, "dose2")
    page.keyboard.press("End")
    assert part(page, "said2").inner_text() == "x 1.25"
    focus(page, "dose3")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    assert part(page, "said3").inner_text() == "x 0.98"
    focus(page, "reset")
    page.keyboard.press("Enter")
    assert np.array_equal(pixels(page, "output0"), whole)


def test_a_slider_that_is_dragged_snaps_at_0_and_1(page: Any) -> None:
    box = part(page, "dose1").bounding_box()

    def at(dose: float) -> tuple[float, float]:
        thumb = 16  # px: its middle stays half of it inside the slider
        place = box["x"] + thumb / 2 + (box["width"] - thumb) * dose / 1.25
        return place, box["y"] + box["height"] / 2

    page.mouse.move(*at(1))
    page.mouse.down()
    for dose, said in ((0.5, None), (0.98, "kept"), (0.03, "silenced"), (1.2, None)):
        page.mouse.move(*at(dose))
        told = part(page, "said1").inner_text()
        assert told == said if said else told.startswith("x ")
    page.mouse.up()


def test_a_preset_tells_the_claim_and_what_became_of_it(tab: Any, written: Written) -> None:
    page = opened(tab, written.report)
    presets = part(page, "presets").locator("button")
    assert presets.count() == 6
    presets.nth(3).click()
    assert page.evaluate("playground.state.dose") == [1, 1, 1, 1, 0]
    assert "Without latent5" in part(page, "claim").inner_text()
    assert "on test faces (1 seed)" in part(page, "verdict").inner_text()
    assert presets.nth(3).get_attribute("aria-pressed") == "true"
    part(page, "dose1").fill("0.5")
    assert presets.nth(3).get_attribute("aria-pressed") == "false"


def test_the_address_brings_the_same_back(tab: Any, written: Written) -> None:
    page = opened(tab, written.report)
    chosen = "model: 1, versus: 0, face: 2, probe: 'mosaic', dose: [1, 0.5, 1, 1, 0], fill: 'mean'"
    page.evaluate(f"playground.change({{ {chosen} }})")
    page.wait_for_function("location.hash.includes('versus')")
    shown = [pixels(page, name) for name in ("input", "output0", "output1")]
    opened(page, written.report, page.url[page.url.index("#") :])
    for name, before in zip(("input", "output0", "output1"), shown):
        assert np.array_equal(pixels(page, name), before)
    assert part(page, "probe").input_value() == "mosaic"
    assert part(page, "dose2").input_value() == "0.5"


@pytest.mark.parametrize(
    "fragment", ["#play:model=99&face=-7&dose=1,2", "#play:dose=x&fill=<b>&%%%"]
)
def test_an_address_that_makes_no_sense_shows_the_start(
    page: Any, written: Written, fragment: str
) -> None:
    start = pixels(page, "output0")
    opened(page, written.alone, fragment)
    assert np.array_equal(pixels(page, "output0"), start)


def test_a_run_without_mean_latents_offers_zero_and_says_why(
    tab: Any, written: Written, tmp_path: Path
) -> None:
    folder, settings = written.run(UNET)
    shutil.copytree(folder, tmp_path / "old")
    (tmp_path / "old" / "faces" / MEAN_LATENTS).unlink()
    path = written_alone(tmp_path / "old", settings, "old", tmp_path)
    page = opened(tab, path, "#play:fill=mean&dose=0,1,1,1,1")
    assert part(page, "fill").input_value() == "zero"
    assert part(page, "fill").locator('option[value="mean"]').is_disabled()
    assert "did not write its mean latents" in part(page, "noMean").inner_text()


def test_the_picture_is_saved_with_its_caption(page: Any) -> None:
    with page.expect_download() as saved:
        part(page, "save").click()
    with Image.open(saved.value.path()) as picture:
        assert picture.format == "PNG"
        assert picture.width > 3 * 256
        caption = np.asarray(picture.convert("L"))[-40:]
    assert (caption < 128).any()


@pytest.mark.parametrize("width", [400, 1300])
def test_no_page_is_wider_than_the_window(tab: Any, written: Written, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    try:
        page = opened(tab, written.alone)
        page.evaluate("playground.change({ versus: 0, fill: 'other' })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        tab.set_viewport_size({"width": 1300, "height": 900})


def test_html_in_a_name_stays_text(tab: Any, written: Written, tmp_path: Path) -> None:
    name = f"{BAD_NAME}</script>"
    path = written_alone(*written.run(UNET), name, tmp_path)
    page = opened(tab, path)
    assert part(page, "name0").inner_text() == name
    assert name in page.locator("h1").inner_text()
    assert name in page.title()
    assert [url for url in page.noted if not url.startswith("data:")] == [path.as_uri()]


def test_an_old_browser_is_told_what_it_lacks(tab: Any, written: Written) -> None:
    old = tab.context.new_page()
    old.add_init_script("delete globalThis.DecompressionStream")
    old.goto(written.alone.as_uri())
    sync_api.expect(part(old, "message")).to_contain_text("it lacks DecompressionStream")
    old.close()


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm install --prefix .venv axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["report", "alone"])
def test_axe_finds_nothing_serious(tab: Any, written: Written, which: str, scheme: str) -> None:
    tab.emulate_media(color_scheme=scheme)
    page = opened(tab, getattr(written, which))
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    tab.emulate_media(color_scheme="light")
    assert len(found["passes"]) > 10
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []


def test_a_run_whose_faces_are_gone_is_refused_in_one_line(
    written: Written, environment: dict[str, str], tmp_path: Path
) -> None:
    folder, _ = written.run(AE)
    shutil.copytree(folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "faces")
    line = "weights=run/weights.safetensors"
    done = run_main(playground_main, line, cwd=tmp_path, cache=environment["XDG_CACHE_HOME"])
    assert done.returncode == 1
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("facerot: run/faces/")
    assert not (tmp_path / "playground.html").exists()


@pytest.mark.parametrize(
    ("largest", "out", "says"),
    [(10**9, "file/page.html", "out=file/page.html cannot be written: "),
     (1, "page.html", "weights.safetensors: a network of so many weights is too large for a page")],
)  # fmt: skip
def test_a_page_that_cannot_be_is_one_line(
    written: Written, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    largest: int, out: str, says: str,
) -> None:  # fmt: skip
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr("facerot.report.playground.LARGEST", largest)
    line = [f"weights={written.run(AE)[0] / 'weights.safetensors'}", f"out={out}"]
    done = run_main(playground_main, *line, cwd=tmp_path, cache=environment["XDG_CACHE_HOME"])
    assert done.returncode == 1
    (said,) = done.stderr.strip().splitlines()
    assert says in said
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
