"""The command `python -m facerot.export`: a trained network as ONNX, its latents as switches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from facerot import __version__
from facerot.command import command
from facerot.errors import SettingsError, reason
from facerot.latents import LATENTS
from facerot.runs.files import write_whole
from facerot.runs.run import Run, unless_damaged
from facerot.runs.source import Source

TOLERANCE = 1e-4  # largest difference of a pixel in [0, 1]
EXTRA = ("onnx", "onnxscript", "onnxruntime")


@dataclass
class Export(Source):
    """What is written where; see conf/export.yaml."""

    out: str


def export(asked: Export) -> None:
    """Write the .onnx once it agrees with PyTorch on every keep set; raises SettingsError."""
    _require_extra()
    from facerot.runs.trained import load_trained
    from facerot.switched import largest_difference, write  # torch takes seconds: only for work

    network, settings = load_trained(asked)
    path, told = Path(asked.out).expanduser(), metadata(Run(asked.folder))
    difference = 0.0

    def agreeing(beside: Path) -> None:
        nonlocal difference
        write(network, settings.size, beside, told)
        difference = largest_difference(network, settings.size, beside)
        if difference > TOLERANCE:
            raise SettingsError(f"the exported network differs from PyTorch by {difference:.2g}")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, agreeing)
    except OSError as error:
        raise SettingsError(f"out={path} cannot be written: {reason(error)}") from error
    print(f"{path}: agrees with PyTorch on all {2 ** len(LATENTS)} keep sets to {difference:.1g}")


def metadata(run: Run) -> dict[str, str]:
    """What the file says of the run that it is from: JSON by name, without a run the version alone.

    `commit` is that of the code that trained it.
    """
    said: dict[str, object] = {"facerot": __version__}
    if (settings := run.settings()) is not None:
        metrics = unless_damaged(run.metrics)
        said |= {
            "run": "/".join(run.folder.absolute().parts[-2:]),
            "data": settings.data.name,
            "source_yaw": settings.source_yaw,
            "target_yaw": settings.target_yaw,
            "crop": settings.data.crop,  # relative left, top, right, bottom; null: centre square
            "size": settings.size,
            "concats": settings.concats,
            "seed": settings.seed,
            "commit": metrics and metrics.git_commit,
        }
    return {name: json.dumps(value) for name, value in said.items()}


def _require_extra() -> None:
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise SettingsError(f"{', '.join(missing)} missing: pip install 'facerot[onnx]'")


main = command("export", Export, export)

if __name__ == "__main__":
    main()
