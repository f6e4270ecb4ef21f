"""What goes wrong around a run: no space, no reader, another process, a loss that explodes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest
import torch

from facerot.rotate import main as rotate_main
from facerot.train import main as train_main
from tests.conftest import Command, InProcess, as_user, draw_head, training_line


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As a full disk does it: a write beyond so many bytes a file is an OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def status(cwd: Path) -> str:
    """That of the one run there."""
    (path,) = cwd.glob("outputs/heads-smoke/*/status.json")
    return str(json.loads(path.read_text())["status"])


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("size", [30_000, 150_000])
def test_without_space_a_run_fails_in_one_line_and_goes_on_with_it(
    command: Command, tmp_path: Path, size: int
) -> None:
    for _ in range(2):
        with files_of_at_most(size):
            done = command("concats=[]", "-m", cwd=tmp_path)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert "File too large" in done.stderr
        assert done.stdout.endswith("0 trained, 0 resumed, 0 skipped, 1 failed\n")
    assert command("concats=[]", cwd=tmp_path).returncode == 0
    assert status(tmp_path) == "finished"


@pytest.mark.parametrize("sweep", ["outputs=a,b", "hydra.sweep.subdir=of-${seed}"])
def test_a_sweep_in_which_all_fails_fails_wherever_it_goes(
    command: Command, tmp_path: Path, sweep: str
) -> None:
    done = command("data.root=nowhere", "seed=0,1", sweep, "-m", cwd=tmp_path)
    assert done.returncode == 1
    jobs = 4 if "," in sweep else 2
    assert done.stdout.endswith(f"0 skipped, {jobs} failed\n")


def test_a_sweep_whose_setting_cannot_be_resolved_says_so(command: Command, tmp_path: Path) -> None:
    done = command("seed=${seed}", "-m", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "facerot: seed: Recursive interpolation detected\n",
    )


def test_a_run_ends_well_where_nobody_reads_what_it_prints(
    tmp_path: Path, faces_zip: Path, environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    line = training_line(faces_zip, ("concats=[]", "-m"))
    with (
        as_user(line, tmp_path, environment["XDG_CACHE_HOME"]),
        os.fdopen(writer, "w") as nobody,
        redirect_stdout(nobody),
    ):
        train_main()
    assert capfd.readouterr().err == ""
    assert status(tmp_path) == "finished"


def test_of_two_sweeps_at_once_each_run_is_trained_by_one(
    command: Command, tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    line = ("concats=[]", "seed=0,1", "-m")
    other = subprocess.Popen(
        [sys.executable, "-m", "facerot.train", *training_line(faces_zip, line)],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while other.poll() is None and not list(tmp_path.glob("outputs/heads-smoke/*/config.yaml")):
        time.sleep(0.01)
    mine = command(*line, cwd=tmp_path)
    theirs, _ = other.communicate()
    assert (mine.returncode, other.returncode) == (0, 0)
    assert "another process works on it; waiting" in mine.stdout
    told = [text.splitlines()[-1] for text in (mine.stdout, theirs)]
    trained, skipped = (sum(int(counts.split()[at]) for counts in told) for at in (0, 4))
    assert (trained, skipped) == (2, 2)


def test_a_parallel_sweep_gives_the_bytes_of_a_serial_one(
    command: Command, process: Command, tmp_path: Path
) -> None:
    line, both = ("concats=[],[2]", "-m"), [tmp_path / "serial", tmp_path / "parallel"]
    for folder in both:
        folder.mkdir()
    done = [
        command(*line, cwd=both[0]),
        process(*line, "jobs=2", cwd=both[1]),
    ]
    for one in done:
        assert one.stdout.endswith("2 trained, 0 resumed, 0 skipped, 0 failed\n"), one.stderr
    assert "2 runs, 2 at once" in done[1].stdout
    assert done[1].stdout.count("_seed-0: trained; MSE train") == 2  # what the processes say
    assert done[1].stdout.startswith("2 runs, 2 at once\nheads: "), "somebody else speaks"
    for pattern in ("config.yaml", "weights.safetensors", "latents.*"):
        of_one, of_other = (sorted(folder.glob(f"outputs/*/*/{pattern}")) for folder in both)
        assert of_one
        assert [path.read_bytes() for path in of_one] == [path.read_bytes() for path in of_other]


def test_a_sweep_goes_on_where_one_of_its_processes_is_killed(
    tmp_path: Path, faces_zip: Path, environment: dict[str, str]
) -> None:
    line = ("concats=[],[2]", "trainer.epochs=30", "trainer.checkpoint_every=1", "-m", "jobs=2")
    sweep = subprocess.Popen(
        [sys.executable, "-m", "facerot.train", *training_line(faces_zip, line)],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while sweep.poll() is None and not list(tmp_path.glob("outputs/*/*/checkpoints/last.ckpt")):
        time.sleep(0.01)
    (checkpoint, *_) = tmp_path.glob("outputs/*/*/checkpoints/last.ckpt")
    os.kill(json.loads((checkpoint.parents[1] / "status.json").read_text())["pid"], signal.SIGKILL)
    said, _ = sweep.communicate()
    assert "a process of the sweep was killed, perhaps for want of memory: goes on with 1" in said
    assert "0 failed" in said.splitlines()[-1]
    assert sweep.returncode == 0


def test_a_loss_that_is_no_number_is_named_and_not_saved(command: Command, tmp_path: Path) -> None:
    rate = ("trainer.schedule=constant", "trainer.optimizer=sgd", "trainer.learning_rate=1e30")
    done = command("concats=[]", *rate, "trainer.epochs=9", "model.norm=none", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "training broke down in epoch 2, step 2: loss nan, learning rate 1e+30" in line
    assert status(tmp_path) == "failed"
    (kept,) = tmp_path.glob("outputs/*/*/checkpoints/*")
    assert torch.load(kept, weights_only=True)["global_step"] == 1


def test_a_run_that_is_worse_than_the_mean_face_is_marked(command: Command, tmp_path: Path) -> None:
    line = ("concats=[]", "trainer.learning_rate=1e-6", "trainer.epochs=1", "-m")
    done = command(*line, cwd=tmp_path)
    assert done.stdout.count("worse than the mean training face") == 2  # its line, and the table


def test_a_checkpoint_of_an_unfinished_run_rotates_with_a_word(
    studied: Path, copied: Path, in_process: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied / "unet_concats-2_seed-0"
    draw_head(3, -45).save(copied / "photo.png")
    line = (f"checkpoint={run / 'checkpoints' / 'last.ckpt'}", f"input={copied / 'photo.png'}")
    for words in (0, 1):
        assert in_process(rotate_main, *line, f"out={words}") is None
        assert capsys.readouterr().out.count("not trained to its end") == words
        for name in ("metrics.json", "weights.safetensors"):
            (run / name).unlink(missing_ok=True)


def test_a_deleted_working_directory_is_one_line(environment: dict[str, str]) -> None:
    code = (
        "import os, tempfile, facerot.train as it; folder = tempfile.mkdtemp(); "
        "os.chdir(folder); os.rmdir(folder); it.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stderr == "facerot: the working directory has been deleted\n"
