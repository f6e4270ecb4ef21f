"""Random mutations of everything that is read: a result or one line, in time and in memory.

    python -m tests.attacks [COUNT] [SEED]

Attack number n of a seed is always the same. A worker makes them one after another; where it hangs
or dies, the next worker goes on after that attack.
"""

from __future__ import annotations

import io
import json
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

from tests.attacks import draw_faces

LONGEST = 30  # seconds that an attack may take
GOOD = ("result", "line")  # how an attack may end
MOST_MEMORY = 2048  # MB that a worker may take
RUN = ("model.channels=2", "latents.fills=[zero]", "budget=smoke", "data.root=faces.zip", "jobs=1")
YAML = """
name: mine
root: faces
pattern: '(?P<person>[0-9]+)/yaw(?P<view>-?[0-9]+)[.]png'
yaw: {'-45': -45, '0': 0}
crop: [0, 0, 1, 1]
eye_band: [0.4, 0.55]
source_yaw: -45
target_yaw: 0
background: varied
"""
RECORDS = ("metrics.json", "status.json", "config.yaml", "latents.csv", "latents.json")


def prepare(home: Path) -> None:
    """Tiny faces in a folder and a zip, a manifest, a face set's YAML, and two finished runs."""
    from facerot.train import main as train
    from tests.conftest import run_main

    names = draw_faces(home / "faces.zip")
    zipfile.ZipFile(home / "faces.zip").extractall(home / "faces")
    rows = [f"{name},{name[:4]},{name[8:-4]},day,20,27" for name in names]
    header = "path,person,yaw,session,eye1_x,eye1_y"
    (home / "faces" / "list.csv").write_text("\n".join([header, *rows]))
    (home / "conf" / "data").mkdir(parents=True)
    (home / "conf" / "data" / "mine.yaml").write_text(YAML)
    made = run_main(train, *RUN, "concats=[],[2]", "-m", cwd=home, cache=str(home / "cache"))
    assert made.returncode == 0, made.stderr


def attacks() -> dict[str, tuple[float, Callable[[], Any], str, list[str]]]:
    """Each kind: how often, the command's main, which files are spoilt, its command line."""
    from facerot.data.check import main as check
    from facerot.measure.__main__ import main as measure
    from facerot.report.sections import find
    from facerot.report.write import summary
    from facerot.rotate import main as rotate
    from facerot.runs.study import read_study
    from facerot.train import main as train

    def tell() -> None:  # the report without its drawings, which take seconds
        from facerot.errors import refusals

        with refusals():
            print(summary(find(read_study(Path("outputs"), "heads-smoke"))))

    run, named = "outputs/heads-smoke/autoencoder*", "outputs/heads-smoke/.the-run"
    mine = ["--config-dir=conf", "data=mine", "budget=smoke"]
    turn = ["input=faces/0003/yaw-45.png", "force=true"]
    records = f"{run}/{{{','.join(RECORDS)}}}"
    return {
        "photo": (2, check, "faces/*/*.png", mine),
        "archive": (2, check, "faces.zip", [*mine, "data.root=faces.zip"]),
        "manifest": (2, check, "faces/list.csv", [*mine, "data.manifest=list.csv"]),
        "yaml": (2, check, "conf/data/mine.yaml", mine),
        "records, report": (4, tell, records, []),
        "records, measure": (2, measure, records, ["study=heads-smoke"]),
        "records, train": (0.5, train, records, [*RUN, "concats=[],[2]", "-m"]),
        "weights": (
            2,
            rotate,
            f"{run}/weights.safetensors",
            [f"weights={named}/weights.safetensors", *turn],
        ),
        "checkpoint": (
            2,
            rotate,
            f"{run}/checkpoints/last.ckpt",
            [f"checkpoint={named}/checkpoints/last.ckpt", *turn],
        ),
        "input": (
            1,
            rotate,
            turn[0].split("=")[1],
            [f"weights={named}/weights.safetensors", *turn],
        ),
    }


def candidates(home: Path, pattern: str) -> list[Path]:
    """The files of a pattern that may name several in braces."""
    before, _, rest = pattern.partition("{")
    names = rest.rstrip("}").split(",")
    return sorted(path for name in names for path in home.glob(before + name))


def work(home: Path, seed: int, start: int, count: int) -> None:
    """Make the attacks from number `start` on, telling of each before and after."""
    from tests.attacks.mutate import spoil

    kinds = attacks()
    chances = [kind[0] for kind in kinds.values()]
    for number in range(start, count):
        chance = Random(f"{seed}-{number}")
        name = chance.choices(list(kinds), chances)[0]
        _, main, pattern, line = kinds[name]
        here = Path(tempfile.mkdtemp(dir=home.parent))
        shutil.copytree(home, here, dirs_exist_ok=True)
        (folder,) = here.glob("outputs/heads-smoke/autoencoder*")
        (folder.parent / ".the-run").symlink_to(folder)
        path = chance.choice(candidates(here, pattern))
        how = spoil(path, chance)
        tell(number=number, kind=name, how=f"{path.name} {how}")
        try:
            ended = judge(*run(main, line, here, home / "cache"))
        except BaseException:
            ended = "traceback: " + traceback.format_exc()[-600:]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        tell(number=number, ended=ended, peak=peak)
        shutil.rmtree(here)


def run(main: Callable[[], Any], line: list[str], cwd: Path, cache: Path) -> tuple[int, str, str]:
    """A command's exit code and what it says, with the streams of a process of its own."""
    from tests.conftest import as_user

    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    code: object = 0
    with as_user(line, cwd, str(cache)), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    if isinstance(code, str):
        print(code, file=err)
    said = [stream.buffer.getvalue().decode(errors="replace") for stream in (out, err)]
    return (code if isinstance(code, int) else int(code is not None)), said[0], said[1]


def judge(code: int, out: str, err: str) -> str:
    """`result`, `line`, or what is wrong with how a command ended."""
    if "Traceback" in out + err:
        return f"traceback: {(out + err)[-600:]}"
    lines = err.strip().splitlines()
    if code == 0:
        return "result"
    if len(lines) == 1 and lines[0].startswith("facerot: ") and len(lines[0]) <= 2048:
        return "line"
    return f"not one line: {err[-600:]}"


def tell(**what: Any) -> None:
    """A line to the parent."""
    print(json.dumps(what), file=sys.__stdout__, flush=True)


def answers(home: Path, seed: int, start: int, count: int) -> Iterator[dict[str, Any] | None]:
    """What a worker tells; None where it says nothing for too long, and is ended, or dies."""
    line = [
        sys.executable,
        "-m",
        "tests.attacks",
        "worker",
        str(home),
        *map(str, (seed, start, count)),
    ]
    said: queue.Queue[str | None] = queue.Queue()
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:

        def listen() -> None:
            assert child.stdout is not None
            for text in child.stdout:
                said.put(text)
            said.put(None)

        threading.Thread(target=listen, daemon=True).start()
        patience = 120.0  # it imports torch first
        try:
            while (text := said.get(timeout=patience)) is not None:
                patience = LONGEST
                yield json.loads(text)
            if child.wait() != 0:
                yield None
        except queue.Empty:
            yield None
        finally:
            child.kill()


def main(count: int, seed: int) -> int:
    """Make the attacks and print what became of them; 1 where one did not end as it should."""
    ends: Counter[tuple[str, str]] = Counter()
    peak, done = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        prepare(home)
        while done < count:
            at: dict[str, Any] = {"number": done, "kind": "start", "how": ""}
            for answer in answers(home, seed, done, count):
                if answer is None:
                    answer = {"number": at["number"], "ended": "hang or crash", "peak": peak}
                if "kind" in answer:
                    at = answer
                    continue
                end = answer["ended"].split(":")[0]
                ends[at["kind"], end] += 1
                peak, done = max(peak, answer["peak"]), answer["number"] + 1
                if end not in GOOD:
                    where = f"{seed}-{at['number']} {at['kind']}, {at['how']}"
                    print(f"{where}: {answer['ended']}", flush=True)
    for (kind, end), times in sorted(ends.items()):
        print(f"{kind:18} {end:14} {times}")
    wrong = sum(times for (_, end), times in ends.items() if end not in GOOD)
    print(f"{done} attacks of seed {seed}: {wrong} ended otherwise than they should; {peak} MB")
    return int(wrong > 0 or peak > MOST_MEMORY)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(Path(sys.argv[2]), *map(int, sys.argv[3:6]))
    else:
        asked = [int(word) for word in sys.argv[1:]]
        sys.exit(main(*(asked + [2000, 0][len(asked) :])))
