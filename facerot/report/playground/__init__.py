"""Trained networks inside a page: packed weights, faces, and the JavaScript that runs them."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file

from facerot.config import SPLITS, Settings
from facerot.errors import BadFile, SettingsError, first_few, one_line
from facerot.evidence.claims import CLAIMS
from facerot.latents import LATENTS, MEAN_LATENTS, keep_label, masks
from facerot.panels import Pixels, read_sheet
from facerot.paper import model_name
from facerot.reading import MOST_PHOTO, MOST_WEIGHTS, require_regular
from facerot.report.playground.packing import Array, pack
from facerot.runs.study import Finished

HERE = Path(__file__).parent
SCRIPTS = (
    *("dom.js", "network.js", "packed.js", "scores.js", "state.js", "images.js"),
    *("brush.js", "photo.js", "saving.js", "page.js"),
)  # each after those that it imports from
LARGEST = 5_550_000  # characters of networks: with faces and script their page stays below 6 MB
FACES_AT_64_PX = 8  # of a split; of larger ones fewer, so that they take no more of the page
PROBES = {
    "rgb": "the whole photo", "r": "red alone", "g": "green alone", "b": "blue alone",
    "mosaic": "a mosaic of colours",
}  # fmt: skip
FILLS = {"zero": "zeros, as in the paper", "mean": "the mean face's", "other": "another face's"}


@dataclass(frozen=True)
class Playground:
    """The playground as a page holds it.

    Attributes:
        models: its networks, each as `packed_run` returns it, and its `name`.
        beside: faces, probes, fills and presets.
        runs: of how many they are the first; 0 where there is no study.
        whose: said of the networks where the study has others.
    """

    models: Sequence[Mapping[str, Any]]
    beside: Mapping[str, Any]
    runs: int = 0
    whose: str = ""
    name: str = "playground"
    title: str = "Try it"
    kind: str = "playground"

    def within(self, room: int) -> Playground:
        """It with its first network, and as many others as fit into so many characters."""
        ends = accumulate(len(json.dumps(model)) + len(", ") for model in self.models[1:])
        return replace(self, models=self.models[: 1 + sum(end <= room for end in ends)])

    @property
    def data(self) -> str:
        """All that the script needs, as JSON that may stand in a script element."""
        return json.dumps({"models": self.models, **self.beside}).replace("<", "\\u003c")

    @property
    def note(self) -> str:
        """What is said of the networks."""
        if not self.runs:
            return ""
        rest = ", the first seed's first; more would make the page too large"
        some = len(self.models) < self.runs
        return f"{len(self.models)} of {self.runs} networks{self.whose}{rest if some else ''}."

    @property
    def style(self) -> str:
        """Its CSS."""
        return (HERE / "page.css").read_text()

    @property
    def script(self) -> str:
        """The modules as one: their imports and the word export are left out."""
        text = "\n".join((HERE / name).read_text() for name in SCRIPTS)
        text = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
        return re.sub(r"^export ", "", text, flags=re.MULTILINE)


@dataclass(frozen=True)
class Preset:
    """One step of the paper's story: what is chosen, the claim it shows, and where to look."""

    title: str
    state: dict[str, Any]
    claim: str
    look: str


def _keep(*kept: int) -> dict[str, list[int]]:
    return {"dose": [int(k in kept) for k in LATENTS]}


USUAL = {"probe": "rgb", "fill": "zero", **_keep(*LATENTS)}
PRESETS = (
    Preset("Fig 5: latent1 alone", _keep(1), "latent1-lowpass",
           "Is the output a blurred copy of the input, and does it still face the side?"),
    Preset("Fig 6: without latent1", _keep(2, 3, 4, 5), "latent1-colour",
           "Compare the colours of background and clothes with the target's."),
    Preset("Fig 6: without latent2", _keep(1, 3, 4, 5), "latent2-face",
           "Look for eyes, nose and mouth; then put latent2 back with its slider."),
    Preset("Fig 6: without latent5", _keep(1, 2, 3, 4), "latent5-rotation",
           "Look at the eyes and the nose: are they where the input has them, or the target?"),
    Preset("Fig 8: red alone", {"probe": "r"}, "channels-do-not-mix",
           "The network sees the red channel alone: is there anything but red in the output?"),
    Preset("Fig 9: a mosaic", {"probe": "mosaic"}, "mosaic-stays-put",
           "Each tile of the input shows one colour: do the output's tiles keep colour and place?"),
)  # fmt: skip


def playground(
    runs: Sequence[Finished], verdicts: Mapping[str, str], whose: str = ""
) -> tuple[Playground | None, list[str]]:
    """The playground of a study's runs, as many as fit; None where there is none to be shown.

    Args:
        runs: in the order in which they are listed; the faces are those of the first.
        verdicts: of the claims, in words, by their names.
        whose: said of the networks where the study has others.

    Returns:
        the playground, and a line for what of the runs cannot be read.
    """
    models: list[dict[str, Any]] = []
    faults: list[str] = []
    shown, length = None, 0
    for run in runs:
        try:
            tensors = read_tensors(run.folder / "weights.safetensors")
            model = packed_run(run.folder, run.settings, tensors)
            shown = shown or shown_faces(run.folder, run.settings)
        except (OSError, BadFile, ValueError, KeyError, SafetensorError) as error:
            faults.append(f"{run.folder.name}: {one_line(error)}")
            continue
        length += len(model["data"])
        if length > LARGEST:
            break
        models.append({"name": f"{model_name(run.concats)}, seed {run.seed}", **model})
    told = [f"The playground lacks {len(faults)} networks: {first_few(faults)}"] if faults else []
    if not models or shown is None:
        large = ["The playground: its networks are too large for a page"] if length else []
        return None, told + large
    readable = len(runs) - len(faults)
    return replace(of_models(models, shown, verdicts), runs=readable, whose=whose), told


def of_models(
    models: Sequence[Mapping[str, Any]],
    faces: Mapping[str, Any],
    verdicts: Mapping[str, str] = MappingProxyType({}),
) -> Playground:
    """A playground of networks that are packed.

    Args:
        models: each as `packed_run` returns it, and its `name`.
        faces: as `shown_faces` returns them.
        verdicts: of the claims, in words, by their names; none where there is no study.
    """
    presets = [_told(preset, verdicts) for preset in PRESETS]
    return Playground(models, {**faces, "probes": PROBES, "fills": FILLS, "presets": presets})


def _told(preset: Preset, verdicts: Mapping[str, str]) -> dict[str, Any]:
    (sentence,) = (one.sentence for one in CLAIMS if one.name == preset.claim)
    verdict = verdicts.get(preset.claim)
    return {
        "title": preset.title,
        "claim": f"The paper: {sentence}",
        "verdict": f"Here: {verdict}." if verdict else "",
        "look": preset.look,
        "state": {**USUAL, **preset.state},
    }


def packed_run(folder: Path, settings: Settings, tensors: Mapping[str, Array]) -> dict[str, Any]:
    """A run's network for the page, with its mean latents and two of PyTorch's own outputs.

    Args:
        folder: of the run.
        settings: those of the run.
        tensors: of its network, as weights.safetensors names them.

    Raises SettingsError where the faces of the run cannot be read.
    """
    model = settings.model
    architecture = {"concats": settings.concats, "norm": model.norm, "merge": model.merge,
                    "colour": model.colour}  # fmt: skip
    path = folder / "faces" / MEAN_LATENTS
    means = read_tensors(path) if path.exists() else {}  # older runs did not write them
    columns = read_faces(folder, "test", settings)
    everything = keep_label((*settings.concats, LATENTS[-1]))
    known = [columns[name][0] for name in ("input", everything, keep_label(()))]
    packed = pack(architecture, tensors, settings.size, [means[k] for k in sorted(means)], known)
    return {"split": settings.split_seed, **packed}


def shown_faces(folder: Path, settings: Settings) -> dict[str, Any]:
    """The faces of a run for the page, test before train; raises SettingsError without them."""
    names, pixels = [], b""
    count = max(1, FACES_AT_64_PX * 64**2 // settings.size**2)
    for split in reversed(SPLITS):
        columns = read_faces(folder, split, settings)
        for i, pair in enumerate(list(zip(columns["input"], columns["target"]))[:count], start=1):
            names.append(f"{split} face {i}")
            pixels += b"".join(image.tobytes() for image in pair)
    packed = b64encode(zlib.compress(pixels, 9)).decode()
    box = settings.data.face_box
    return {"size": settings.size, "faces": names, "pixels": packed, "faceBox": box}


def read_tensors(path: Path) -> dict[str, Array]:
    """The tensors of a .safetensors, without torch; raises BadFile, OSError or SafetensorError."""
    require_regular(path, MOST_WEIGHTS)
    return load_file(path)


def read_faces(folder: Path, split: str, settings: Settings) -> dict[str, Pixels]:
    """The faces that a run shows of a split: `input`, `target`, then each keep set, (N, S, S, 3).

    Raises SettingsError where the picture is gone or something else.
    """
    path = folder / "faces" / f"{split}_rgb.png"
    labels = [keep_label(keep) for keep in masks((*settings.concats, LATENTS[-1]), "rgb")]
    try:
        require_regular(path, MOST_PHOTO)
        with Image.open(path) as picture:
            return read_sheet(np.asarray(picture.convert("RGB")), ["input", "target", *labels])
    except (OSError, BadFile, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {one_line(error)}") from error
