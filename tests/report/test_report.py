"""The report, written by the command from a small study trained by the command."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape
from PIL import Image

from facerot.config import SPLITS
from facerot.evidence.claims import CLAIMS
from facerot.latents import LATENTS, keep_label, masks, remove
from facerot.panels import read_sheet
from facerot.paper import BASELINE, TABLES
from facerot.report.glossary import hint
from facerot.report.sections import find
from facerot.report.write import summary, write_report
from facerot.runs.study import read_study
from tests.conftest import Command
from tests.made_up import made_up_run, write
from tests.report.conftest import CHROMIUM

FACE_FIGURES = [f"figure{number}" for number in (3, 5, 6, 7, 8, 9, 10)]


@pytest.fixture(scope="module")
def trained(studied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shared study, to be reported on."""
    cwd = tmp_path_factory.mktemp("reported")
    shutil.copytree(studied / "outputs", cwd / "outputs")
    return cwd


@pytest.fixture(scope="module")
def page(trained: Path, report: Command) -> Path:
    """Where the report of the study lies."""
    before = digests(trained)
    done = report("study=heads-smoke", cwd=trained)
    assert done.returncode == 0, done.stderr
    assert "Open outputs/heads-smoke/report/index.html" in done.stdout
    after = digests(trained)
    assert {path: after[path] for path in before} == before, "the report changed a run"
    return trained / "outputs" / "heads-smoke" / "report"


def digests(folder: Path) -> dict[Path, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class Links(HTMLParser):
    """What a page would load, where it leads, and its anchors."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        if "href" in found:
            (self.leads if tag == "a" else self.loads).append(found["href"])
        if "id" in found:
            self.anchors.append(found["id"])


def test_the_page_is_whole_and_fetches_nothing(page: Path) -> None:
    html = (page / "index.html").read_text()
    links = Links(html)
    assert all(load.startswith("data:") for load in links.loads)
    assert "iframe" not in links.tags
    assert re.findall(r"url\((?!data:image/(webp|jpeg);base64,)", html) == []
    assert "@import" not in html
    for lead in links.leads:
        assert lead[1:] in links.anchors if lead.startswith("#") else (page / lead).is_file(), lead
    assert len(set(links.anchors)) == len(links.anchors)


def test_every_table_and_figure_is_there_in_every_format(page: Path) -> None:
    tables = [*TABLES, "claims", "differences_train", "differences_test", "latents_test"]
    for name in tables:
        assert not pd.read_csv(page / "tables" / f"{name}.csv").empty
        latex = (page / "tables" / f"{name}.tex").read_text()
        assert all(rule in latex for rule in ("\\toprule", "\\midrule", "\\bottomrule"))
    for name in [*FACE_FIGURES, "figure7_spread", "curves", "mse", "overfitting"]:
        with Image.open(page / "figures" / f"{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 10, "an empty figure"
        assert (page / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def shown_faces(html: str, figure: str, folded: bool = False) -> list[list[np.ndarray]]:
    """The faces (S, S, 3) of each row of a figure, cut from the picture that holds them all."""
    kind = "jpeg" if folded else "webp"
    (packed,) = re.findall(
        rf"\.faces div {{ background-image: url\(data:image/{kind};base64,(.*?)\)", html
    )
    with Image.open(BytesIO(base64.b64decode(packed))) as picture:
        atlas = np.asarray(picture.convert("RGB"))
    size = atlas.shape[1] // 16
    body = html[html.index(f'<figure id="{figure}"') :]
    rows = re.findall(r"<tr><th scope=.row.>.*?</tr>", body[: body.index("</figure>")])
    return [
        [atlas[int(y) * size :, int(x) * size :][:size, :size]
         for y, x in re.findall(r"--row:(\d+);--column:(\d+)", row)]
        for row in rows
    ]  # fmt: skip


def faces_of(page: Path, run: str, split: str, name: str) -> np.ndarray:
    """The faces (N, S, S, 3) that a Baseline shows of a split."""
    names = ["input", "target", *map(keep_label, masks(LATENTS, "rgb"))]
    with Image.open(page.parent / run / "faces" / f"{split}_rgb.png") as sheet:
        return read_sheet(np.asarray(sheet.convert("RGB")), names)[name]


def test_the_page_shows_every_pixel_of_the_faces(page: Path) -> None:
    html = (page / "index.html").read_text()
    first = shown_faces(html, "figure6")[0]
    kept = [LATENTS, *(remove(LATENTS, k) for k in LATENTS)]
    names = ["input", "target", *map(keep_label, kept)]
    assert len(first) == len(names)
    for shown, name in zip(first, names):
        wanted = faces_of(page, "unet_concats-1234_seed-0", "train", name)[0]
        np.testing.assert_array_equal(shown, wanted)


def test_figure_7_shows_each_seed_beside_its_own_faces(page: Path) -> None:
    rows = shown_faces((page / "index.html").read_text(), "figure7")
    runs = ("unet_concats-1234_seed-0", *(f"unet_concats-1234_seed-{k}_split-{k}" for k in (1, 3)))
    for row, (split, run) in zip(rows, product(SPLITS, runs), strict=True):
        for at, name in enumerate(("input", "target", keep_label(remove(LATENTS, 3))) * 2):
            wanted = faces_of(page, run, split, name)[at // 3]
            np.testing.assert_array_equal(row[at], wanted)


def test_table_1_holds_the_runs_means_beside_the_papers_numbers(page: Path) -> None:
    table = pd.read_csv(page / "tables" / "table1.csv").set_index("model")
    for model, name in (("AE", "autoencoder"), ("U-Net", "unet_concats-1234")):
        folders = [f"{name}_seed-0", *(f"{name}_seed-{seed}_split-{seed}" for seed in (1, 3))]
        files = [page.parent / folder / "metrics.json" for folder in folders]
        runs = [json.loads(file.read_text()) for file in files]
        for split in SPLITS:
            mean = np.mean([run[split]["mse"] for run in runs])
            assert table.loc[model, split] == pytest.approx(mean)
            assert table.loc[model, f"{split}_low"] < mean < table.loc[model, f"{split}_high"]
        assert table.loc[model, "seeds"] == 3
    printed = TABLES["table1"].mse[BASELINE]
    assert tuple(table.loc["U-Net", ["paper_train", "paper_test"]]) == printed


def test_the_lowest_is_bold_in_latex_and_on_the_page(page: Path) -> None:
    latex = (page / "tables" / "table1.tex").read_text()
    (bold,) = {line.split(" &")[0] for line in latex.splitlines() if "bfseries 0.0007" in line}
    assert bold == "U-Net"
    assert "<strong>0.0007</strong>" in (page / "index.html").read_text()


def test_the_terminal_gets_each_claim_once(trained: Path) -> None:
    found = find(read_study(trained / "outputs", "heads-smoke"))
    said = summary(found)
    assert [said.count(claim.name) for claim in CLAIMS] == [1] * len(CLAIMS)
    one_seed = replace(found, judged=[one for one in found.judged if one.found.verdict == "open"])
    assert f"{len({one.claim for one in one_seed.judged})} claims are open" in summary(one_seed)


def test_what_is_missing_failed_or_different_is_named(page: Path) -> None:
    html = (page / "index.html").read_text()
    missing = html[html.index('id="missing"') : html.index("</section>")]
    assert "Concat2: seeds 1, 3" in missing
    assert re.search(r"models without a finished run: .*\bConcat1,2, ", missing)
    assert re.search(r"unet_concats-4_seed-0.*failed.*no&lt;b&gt;where", missing)
    assert re.search(r"concats-3_seed-0_\w+.*other settings.*learning_rate=0.002", missing)
    claims = pd.read_csv(page / "tables" / "claims.csv").set_index(["claim", "faces"])
    assert claims.loc[("skips-help", "test"), "seeds"] == 3
    assert claims.loc[("concat2-is-enough", "test"), "seeds"] == 1
    assert claims.loc[("concat2-is-enough", "test"), "verdict"] == "open"


def test_each_score_is_explained_on_hover_and_below(page: Path) -> None:
    html = (page / "index.html").read_text()
    table = html[html.index('id="latents_test"') :]
    head, below = table[: table.index("</thead>")], table[: table.index("</ul>")]
    for score in ("colour_kept", "eye_rotation", "lowpass"):
        assert f'<abbr title="{escape(hint(score))}">{score}</abbr>' in head
        assert f"<code>{score}</code>: {escape(hint(score))}" in below


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")
@pytest.mark.parametrize("width", [1366, 400])
def test_the_page_fits_a_laptop_and_a_phone(page: Path, tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 768})
    tab.goto((page / "index.html").as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    face = tab.locator(".faces div").first.bounding_box()
    claims = tab.locator(".claims").bounding_box()
    differences = tab.locator("#differences_test")
    assert differences.bounding_box()["width"] <= width
    if width == 1366:
        assert (face["width"], face["height"]) == (128, 128)
        assert claims["height"] < 768
        tab.locator(".claims summary").first.click()
        assert tab.locator(".claims details[open] tbody tr").count() == 2


def test_the_same_runs_give_the_same_bytes(page: Path, trained: Path, report: Command) -> None:
    before = digests(page)
    assert report("study=heads-smoke", cwd=trained).returncode == 0
    assert digests(page) == before


def test_two_reports_at_once_are_one_after_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "outputs" / "heads-smoke"
    write(made_up_run(folder, "", 0, (0.02, 0.04)))
    found = find(read_study(tmp_path / "outputs", "heads-smoke"))
    before = digests(write_report(found).parent)
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(write_report, [found, found]))
    assert digests(pages[0].parent) == before
    assert not (folder / ".report").exists()


def test_broken_runs_are_named_and_spoil_nothing(
    copied: Path, report: Command, tmp_path: Path
) -> None:
    study = copied
    (study / "autoencoder_seed-0" / "metrics.json").write_text('{"train":')
    (study / "autoencoder_seed-1_split-1" / "latents.csv").unlink()
    (study / "autoencoder_seed-3_split-3" / "metrics.json").unlink()
    foreign = study / "unet_concats-1234_seed-3_split-3" / "metrics.json"
    foreign.write_text(foreign.read_text().replace("fingerprint", "fingers"))
    for events in (study / "unet_concats-1234_seed-0").glob("events*"):
        events.unlink()
    for name in ("unet_concats-1234_seed-0", "unet_concats-2_seed-0"):
        (study / name / "curves.csv").unlink()
    os.mkfifo(study / "unet_concats-2_seed-0" / "events.out.tfevents.9")
    (study / "unet_concats-1234_seed-0" / "faces" / "test_rgb.png").write_bytes(b"no picture")
    (study / "unet_concats-1234_seed-1_split-1" / "config.yaml").write_text("a: [")
    done = report("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for run, said in (
        ("autoencoder_seed-0", "unreadable"),
        ("autoencoder_seed-1_split-1", "unreadable"),
        ("autoencoder_seed-3_split-3", "unfinished"),
        ("unet_concats-1234_seed-1_split-1", "unreadable"),
        ("unet_concats-1234_seed-3_split-3", "unreadable"),
    ):
        assert re.search(rf"^{said}: {run}:", done.stdout, re.MULTILINE)
    assert "has no 'faces.fingerprint'" in done.stdout
    html = (study / "report" / "index.html").read_text()
    assert "Fig 6. Latents removed one by one: " in html
    assert "events: unet_concats-1234_seed-0, unet_concats-2_seed-0." in html
    assert (study / "report" / "figures" / "figure10.png").exists()


def test_every_model_has_its_figures_and_latents_and_says_its_seeds(page: Path) -> None:
    html = (page / "index.html").read_text()
    headings = re.findall(r'<details class="model"( open)?><summary>(.*?)</summary>', html)
    assert headings[:4] == [
        (" open", "U-Net, all four Concats: 3 seeds (0, 1, 3)"),
        ("", "AE, no Concat: 3 seeds (0, 1, 3)"),
        ("", "Concat2: 1 seed (0)"),
        ("", "Concat2,4: 1 seed (0)"),
    ]
    assert headings[4:] == headings[:4], "figures and latents"
    assert "Concat2 (1 seed)" in html[html.index('id="differences_test"') :]
    (row,) = shown_faces(html, "figure6_concats-24", folded=True)[0:1]
    names = ["input", "target", *map(keep_label, masks((2, 4, 5), "rgb"))]
    with Image.open(page.parent / "unet_concats-24_seed-0" / "faces" / "train_rgb.png") as sheet:
        faces = read_sheet(np.asarray(sheet.convert("RGB")), names)
    for shown, name in zip(row, ("input", "target", "245", "45", "25", "24"), strict=True):
        assert np.abs(shown.astype(int) - faces[name][0]).mean() < 5
    table = pd.read_csv(page / "tables" / "latents_test_concats-24.csv")
    run = pd.read_csv(page.parent / "unet_concats-24_seed-0" / "latents.csv", dtype={"keep": str})
    told = run.query("split == 'test' and probe == 'rgb' and fill == 'zero' and keep == '25'")
    wanted = told.set_index("score")["value"]["rotation"]
    without_4 = table[(table["latents"] == "-4") & (table["score"] == "rotation")]
    assert without_4["value"].item() == pytest.approx(wanted)


def test_a_study_without_the_baseline_shows_its_first_model(
    copied: Path, report: Command, tmp_path: Path
) -> None:
    for run in copied.glob("*/"):
        if run.name != "unet_concats-24_seed-0":
            shutil.rmtree(run)
    assert report("study=heads-smoke", cwd=tmp_path).returncode == 0
    html = (copied / "report" / "index.html").read_text()
    assert html.count("open><summary>Concat2,4: 1 seed (0)") == 2
    for name in ("figure5", "figure6", "figure8", "figure9", "latents_train", "latents_test"):
        assert f'id="{name}_concats-24"' in html


@pytest.mark.parametrize(("gap", "bold"), [(0.01, True), (0.0, False)])
def test_bold_is_what_the_seeds_tell_apart_and_a_dagger_what_learned_nothing(
    report: Command, tmp_path: Path, gap: float, bold: bool
) -> None:
    folder = tmp_path / "outputs" / "heads-smoke"
    for seed in range(3):  # copying the input and the mean face: 0.05
        noise = (0.0001 if bold else 0.005) * (seed - 1)
        for concats, mse in (("", 0.05 + gap), ("1234", 0.04)):
            both = (mse + noise * len(concats), mse + 0.012 - gap + noise * len(concats))
            write(made_up_run(folder, concats, seed, both))
    assert report("study=heads-smoke", cwd=tmp_path).returncode == 0
    tables = folder / "report" / "tables"
    numbers = pd.read_csv(tables / "table1.csv").set_index("model")
    assert numbers.loc["Copying the input", "test"] == pytest.approx(0.05)
    assert numbers.loc["The mean face", "test"] == pytest.approx(0.05)
    lines = {line.split(" &")[0]: line for line in (tables / "table1.tex").read_text().splitlines()}
    assert ("bfseries 0.04000" in lines["U-Net"]) == bold
    assert "†" in lines["AE"]
    assert ("†" in lines["U-Net"]) == (not bold)
    page = (folder / "report" / "index.html").read_text()
    assert "<dt>Budget</dt><dd>smoke, 1 epochs</dd>" in page


def test_what_was_stopped_while_its_loss_still_fell_is_marked_and_named(
    report: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "outputs" / "heads-smoke"
    for concats, settled in (("", False), ("1234", True), ("2", None)):
        run = made_up_run(folder, concats, 0, (0.03, 0.04))
        write(replace(run, metrics=replace(run.metrics, settled=settled)))
    assert report("study=heads-smoke", cwd=tmp_path).returncode == 0
    page = (folder / "report" / "index.html").read_text()
    assert re.search(r"<dt>Not settled</dt><dd>[^<]*tenth: concats-_seed-0</dd>", page)
    assert re.findall(r'<th scope="row">([^<]*) ‡</th>', page) == ["AE"]
    assert page.count("‡: not settled") == 1


def test_sets_that_the_paper_did_not_train_have_a_table_of_their_own(
    report: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "outputs" / "heads-smoke"
    for concats, mse in (("13", 0.04), ("134", 0.03)):
        write(made_up_run(folder, concats, 0, (mse / 2, mse)))
    assert report("study=heads-smoke", cwd=tmp_path).returncode == 0
    table = pd.read_csv(folder / "report" / "tables" / "further_sets.csv")
    assert dict(zip(table["model"], table["test"])) == {"Concat1,3": 0.04, "Concat1,3,4": 0.03}


def test_a_study_without_a_finished_run_has_a_report_that_says_so(
    command: Command, report: Command, tmp_path: Path
) -> None:
    assert command("data.root=nowhere", cwd=tmp_path).returncode == 1
    done = report("study=heads-smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "outputs" / "heads-smoke" / "report" / "index.html").read_text()
    assert "there is no such folder or .zip" in html
    assert "none has finished" in html


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["study=heads-quik"], "studies there: heads-smoke"),
        (["outputs=nowhere"], "train first"),
        (["studdy=heads-smoke"], "did you mean 'study'?"),
        (["study=[1]"], "study"),
    ],
)
def test_bad_input_gets_one_clear_line(
    trained: Path, report: Command, overrides: list[str], says: str
) -> None:
    done = report(*overrides, cwd=trained)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("facerot: ")
    assert says in line


def test_a_study_is_read_without_torch(environment: dict[str, str]) -> None:
    code = "import sys, facerot.report.write; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
