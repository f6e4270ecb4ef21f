"""The command `python -m facerot.playground`: a trained network in a page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerot.command import command
from facerot.errors import BadFile, SettingsError, one_line, reason
from facerot.latents import keep_label
from facerot.paper import model_name
from facerot.runs.files import write_whole
from facerot.runs.source import Source


@dataclass
class Play(Source):
    """Which network, and where its page goes; see conf/playground.yaml."""

    out: str


def play(asked: Play) -> None:
    """Write the page; raises SettingsError without the run's faces, and for too large a network."""
    from facerot.report.page import render_alone  # torch and Matplotlib take seconds: only for work
    from facerot.report.playground import LARGEST, of_models, packed_run, shown_faces
    from facerot.runs.trained import load_trained

    network, settings = load_trained(asked)
    folder = asked.folder
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    try:
        model = packed_run(folder, settings, tensors)
    except BadFile as error:
        raise SettingsError(f"{folder}: {one_line(error)}") from error
    if len(model["data"]) > LARGEST:
        raise SettingsError(f"{asked.file}: a network of so many weights is too large for a page")
    title = f"{model_name(keep_label(settings.concats))}, seed {settings.seed}"
    shown = of_models([{"name": title, **model}], shown_faces(folder, settings))
    page, out = render_alone(title, shown), Path(asked.out).expanduser()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, lambda beside: beside.write_text(page))
    except OSError as error:
        raise SettingsError(f"out={out} cannot be written: {reason(error)}") from error
    print(f"{out}: {len(page) / 1e6:.1f} MB, one network as {model['numbers']}")


main = command("playground", Play, play)

if __name__ == "__main__":
    main()
