"""The settings: plain dataclasses whose fields say what they decide; each refusal one line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from facerot.errors import (
    SettingsError,
    require,
    require_choice,
    require_unique,
)

HERE = Path(__file__).parent
# Beside the package in a checkout, inside it when installed from a wheel.
CONF = HERE / "conf" if (HERE / "conf").is_dir() else HERE.parent / "conf"
SPLITS = ("train", "test")  # no person is in both
CONCATS = (1, 2, 3, 4)
OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("onecycle", "constant")
PRECISIONS = ("float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda", "mps")
FILLS = ("zero", "mean")
BACKGROUNDS = ("varied", "plain")
MATTES = ("wall",)
ALIGNMENTS = ("eyes",)
BAD_PHOTOS = ("refuse", "skip")
LARGEST_SIZE = 256  # px
CHANNEL_FACTORS = (1, 2, 4, 8, 8)
DEFAULT_SPEC = "default"  # how the default sets what the paper does not name
NORMS = ("batch", "instance", "none")
MERGES = ("concat", "add")
COLOURS = ("joint", "separate")

EITHER_WAY = "+-"  # before the angle of a view whose photos face left or right
MOST = 1e9  # of a number that a setting takes: a whole one of many digits is no float

# What a setting decides. A run is identified by what TRAINS it and by nothing else.
TRAINS = "what the weights become"
MEASURES = "what is measured of them"
PLACES = "where a run lies, what it is called, how it is computed"

Read = Callable[[str, Any], Any]  # (name, raw value) -> value; raises SettingsError


def setting(decides: str = TRAINS, read: Read | None = None) -> dict[str, Any]:
    """The metadata of a field of the settings; without it the field TRAINS and is taken as it is.

    The default of a field is what was done before there was this setting: a run that does not name
    it is read so, whatever conf/ recommends by now.

    Args:
        decides: TRAINS, MEASURES or PLACES.
        read: what makes the value of what YAML or the command line say.
    """
    return {"decides": decides, "read": read}


def _numbers(name: str, value: Any, count: int) -> list[float]:
    numbers = value if isinstance(value, list | tuple) else []
    plain = all(type(one) in (int, float) and abs(one) < MOST for one in numbers)
    if len(numbers) != count or not plain:
        raise SettingsError(f"{name}={value} must be a list of {count} numbers")
    return [float(number) for number in numbers]


def read_box(name: str, value: Any) -> list[float] | None:
    """A relative [left, top, right, bottom], or None."""
    if value is None:
        return None
    left, top, right, bottom = box = _numbers(name, value, 4)
    inside = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
    require(inside, f"{name}={box} is not a relative [left, top, right, bottom] in [0, 1]")
    return box


def _band(name: str, value: Any) -> list[float] | None:
    """A relative [top, bottom], or None."""
    if value is None:
        return None
    top, bottom = band = _numbers(name, value, 2)
    require(0 <= top < bottom <= 1, f"{name}={band} is not 0 <= top < bottom <= 1")
    return band


def read_concats(name: str, value: Any) -> list[int]:
    """A set of Concats in ascending order; raises SettingsError where it is none."""
    if isinstance(value, str):
        digits = ",".join(part.strip() for part in value.split(",") if part.strip().isdigit())
        raise SettingsError(f"{name}={value} is not a list: write '{name}=[{digits}]'")
    if not isinstance(value, list | tuple):
        raise SettingsError(f"{name}={value} is not a list: write '{name}=[{value}]'")
    for concat in value:
        if type(concat) is not int or concat not in CONCATS:
            raise SettingsError(
                f"{name}={list(value)}: there is no Concat{concat}; choose from 1, 2, 3, 4 "
                "(latent5 is the bottleneck and always reaches the decoder)"
            )
    require_unique(name, value)
    return sorted(value)


def _channels(name: str, value: Any) -> list[int]:
    widths = [value * factor for factor in CHANNEL_FACTORS] if type(value) is int else value
    is_list = isinstance(widths, list | tuple) and len(widths) == len(CHANNEL_FACTORS)
    if not is_list or any(type(width) is not int or width < 1 for width in widths):
        raise SettingsError(
            f"{name}={value} must be one positive whole number or five, latent1 to latent5"
        )
    return list(widths)


def _yaw(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) < MOST:
        raise SettingsError(f"{name}={value} is not a yaw in degrees: write {name}=-45")
    return float(value)


def _yaws(name: str, value: Any) -> list[float]:
    if isinstance(value, str) and "," in value:
        raise SettingsError(f"{name}={value} is not a list: write '{name}=[{value}]'")
    yaws = [_yaw(name, item) for item in (value if isinstance(value, list | tuple) else [value])]
    require(len(yaws) > 0, f"{name}=[] is empty: name at least one yaw")
    require_unique(name, [f"{yaw:g}" for yaw in yaws])
    return sorted(yaws)


def yaws_of(yaw: float | str) -> tuple[float, ...]:
    """The yaws that a view of `FaceSet.yaw` may have, in degrees: one, or -90 and 90 for '+-90'."""
    if isinstance(yaw, str):
        angle = float(yaw.removeprefix(EITHER_WAY))
        return -angle, angle
    return (yaw,)


def _yaws_of_views(name: str, value: Any) -> Any:
    """Each view's degrees, or `+-90` where its photos face either way."""
    if not isinstance(value, dict):
        return value
    return {view: _yaw_of_view(f"{name}.{view}", yaw) for view, yaw in value.items()}


def _yaw_of_view(name: str, value: Any) -> float | str:
    either = re.fullmatch(r"(?:\+-|±)(\d+(?:\.\d+)?)", value) if isinstance(value, str) else None
    return f"{EITHER_WAY}{float(either[1]):g}" if either else _yaw(name, value)


def _clutter(name: str, value: Any) -> int:
    if type(value) is not int or value < 2:
        raise SettingsError(
            f"{name}={value} is no number of colours a side: write a whole one from 2 on, "
            f"such as {name}=12"
        )
    return value


def _train_persons(name: str, value: Any) -> int | None:
    if value is not None and (type(value) is not int or value < 1):
        raise SettingsError(
            f"{name}={value} is no number of persons: write a whole one from 1 on, or null for all"
        )
    return value


@dataclass
class FaceSet:
    """A face set: where its pictures are and what their names mean (a YAML, no code)."""

    name: str = field(metadata=setting(PLACES))
    root: str = field(metadata=setting(PLACES))  # a fingerprint tells what set it is
    source_yaw: list[float] = field(metadata=setting(PLACES, _yaws))  # the usual; the run's train
    target_yaw: float = field(metadata=setting(PLACES, _yaw))
    train_persons: int | None = field(metadata=setting(PLACES, _train_persons), default=None)
    pattern: str | None = None
    yaw: dict[str, Any] = field(metadata=setting(read=_yaws_of_views), default_factory=dict)
    flip: str | None = field(
        metadata=setting(PLACES), default=None
    )  # a fingerprint tells who turns
    manifest: str | None = None
    crop: list[float] | None = field(metadata=setting(read=read_box), default=None)
    align: str | None = None
    eye_band: list[float] | None = field(
        metadata=setting(MEASURES, _band), default_factory=lambda: [0.4, 0.55]
    )
    face_box: list[float] | None = field(metadata=setting(MEASURES, read_box), default=None)
    background: str = "plain"
    clutter: int = field(metadata=setting(read=_clutter), default=12)
    matte: str | None = None
    on_bad: str = field(metadata=setting(PLACES), default="refuse")  # changes no run that ends

    def __post_init__(self) -> None:
        if self.manifest is None:
            require(self.pattern is not None, "data.pattern has no value: write data.pattern=...")
            require(len(self.yaw) > 0, "data.yaw has no value: name the views and their degrees")
        if self.align is not None:
            require_choice("data.align", self.align, ALIGNMENTS)
            require(
                self.eye_band is not None,
                "data.align=eyes needs data.eye_band, whose middle is the row where the eyes are "
                "put: write 'data.eye_band=[0.40,0.55]'",
            )
        require_choice("data.background", self.background, BACKGROUNDS)
        if self.matte is not None:
            require_choice("data.matte", self.matte, MATTES)
        require_choice("data.on_bad", self.on_bad, BAD_PHOTOS)

    @property
    def unknown_regions(self) -> str:
        """The regions of which nobody has said where they are; empty where there is none."""
        return " and ".join(
            f"data.{name}" for name in ("eye_band", "face_box") if getattr(self, name) is None
        )

    @property
    def eye_row(self) -> float:
        """The relative row where `align` puts the eyes."""
        assert self.eye_band is not None  # else it was refused
        return sum(self.eye_band) / 2


@dataclass
class Model:
    """The network, but for its Concats: see model.UNet."""

    name: str = field(metadata=setting(PLACES))
    channels: list[int] = field(metadata=setting(read=_channels))
    norm: str = "batch"
    merge: str = "concat"
    colour: str = "joint"

    def __post_init__(self) -> None:
        require_choice("model.norm", self.norm, NORMS)
        require_choice("model.merge", self.merge, MERGES)
        require_choice("model.colour", self.colour, COLOURS)


@dataclass
class Trainer:
    """How long and with what the network learns."""

    epochs: int | None
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    warmup: float
    evaluate_every: int | None = field(metadata=setting(PLACES))
    checkpoint_every: int | None = field(metadata=setting(PLACES))
    device: str = field(metadata=setting(PLACES))
    devices: int = field(metadata=setting(PLACES), default=1)
    nodes: int = field(metadata=setting(PLACES), default=1)
    steps: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        counts = ("steps", "epochs", "batch_size", "evaluate_every", "checkpoint_every")
        for name in (*counts, "devices", "nodes"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"trainer.{name}={value} must be at least 1")
        if self.epochs is not None:
            self.steps = None
        require(
            self.epochs != self.steps,
            "trainer.steps has no value: write trainer.steps=2400, or trainer.epochs=200",
        )
        rate = self.learning_rate
        require(0 < rate < math.inf, f"trainer.learning_rate={rate} must be above 0")
        require(0 <= self.warmup < 1, f"trainer.warmup={self.warmup} must be in [0, 1)")
        require_choice("trainer.optimizer", self.optimizer, OPTIMIZERS)
        require_choice("trainer.schedule", self.schedule, SCHEDULES)
        require_choice("trainer.precision", self.precision, PRECISIONS)
        require_choice("trainer.device", self.device, DEVICES)

    @property
    def processes(self) -> int:
        """That train one network together, each with its share of every batch."""
        return self.devices * self.nodes

    def epochs_of(self, batches: int) -> int:
        """How many whole epochs of so many batches the budget comes to, rounded up."""
        return self.epochs or math.ceil((self.steps or 0) / batches)


@dataclass
class Latents:
    """What is done to the latents at test time."""

    fills: list[str] = field(metadata=setting(MEASURES))

    def __post_init__(self) -> None:
        require_fills("latents.fills", self.fills)


def require_fills(name: str, fills: Sequence[str]) -> None:
    """Raise SettingsError where a list of fills names one unknown or twice."""
    for fill in fills:
        require_choice(name, fill, FILLS)
    require_unique(name, fills)


@dataclass
class Settings:
    """One run, resolved: what is asked, on which faces, for how long, and where it goes."""

    concats: list[int] = field(metadata=setting(read=read_concats))
    seed: int
    source_yaw: list[float] = field(metadata=setting(read=_yaws))
    target_yaw: float = field(metadata=setting(read=_yaw))
    mirror: bool
    test_fraction: float
    split_seed: int
    size: int
    data: FaceSet
    model: Model
    trainer: Trainer
    latents: Latents
    budget: str = field(metadata=setting(PLACES))
    study: str = field(metadata=setting(PLACES))
    outputs: str = field(metadata=setting(PLACES))
    force: bool = field(metadata=setting(PLACES))
    jobs: int | None = field(metadata=setting(PLACES), default=None)
    threads: int | None = field(metadata=setting(PLACES), default=None)
    spec: str = field(metadata=setting(PLACES), default=DEFAULT_SPEC)
    roots: dict[str, str | None] = field(metadata=setting(PLACES), default_factory=dict)
    train_persons: int | None = field(metadata=setting(read=_train_persons), default=None)

    def __post_init__(self) -> None:
        if self.model.name == "autoencoder" and self.concats:
            raise SettingsError(
                f"model=autoencoder has no Concats: leave out concats={self.concats}, "
                "or leave out model=autoencoder"
            )
        require(0 <= self.seed < 2**32, f"seed={self.seed} must be in 0 .. 2**32 - 1")
        require(0 < self.test_fraction < 1, f"test_fraction={self.test_fraction} must be in (0, 1)")
        size_ok = self.size >= 32 and self.size % 32 == 0
        require(size_ok, f"size={self.size} must be a multiple of 32: {_nearest_size(self.size)}")
        require(
            self.size <= LARGEST_SIZE,
            f"size={self.size} is more than {LARGEST_SIZE}: a face is measured under all masks, "
            f"which takes {(self.size // 64) ** 2} times the time and memory of size=64",
        )
        _require_pixels("data.face_box", self.data.face_box, self.size)
        _require_pixels("data.eye_band", self.data.eye_band, self.size)
        fits = self.data.clutter <= self.size
        require(
            fits, f"data.clutter={self.data.clutter} is finer than a pixel: at most {self.size}"
        )
        if self.size == 32 and self.model.norm == "instance":
            raise SettingsError(
                "model.norm=instance normalises each latent by itself, and at size=32 latent5 is "
                "1x1: write size=64, or model.norm=batch"
            )
        require_threads(self.threads)
        require(self.jobs is None or self.jobs >= 1, f"jobs={self.jobs} must be at least 1")
        for yaw in self.source_yaw:
            _require_known_yaw("source_yaw", yaw, self.data)
        _require_known_yaw("target_yaw", self.target_yaw, self.data)


def require_threads(threads: int | None) -> None:
    """Raise SettingsError for a number of threads below 1."""
    require(threads is None or threads >= 1, f"threads={threads} must be at least 1")


def _require_known_yaw(name: str, value: float, data: FaceSet) -> None:
    if data.manifest is not None:
        return
    known = sorted({yaw for view in data.yaw.values() for yaw in yaws_of(view)})
    if value not in known:
        close = min(known, key=lambda yaw: abs(yaw - value))
        raise SettingsError(
            f"{name}={value:g}: no view of data={data.name} has this yaw; did you mean "
            f"{name}={close:g}? Its yaws: {', '.join(f'{yaw:g}' for yaw in known)}"
        )
    if data.flip is None and all(value != yaws_of(view)[0] for view in data.yaw.values()):
        raise SettingsError(
            f"{name}={value:g}: photos of data={data.name} face either way, and nobody has said "
            f"which face right: sort them with facerot.data.check and {name}={-value:g}, then name "
            "the list in data.flip"
        )


def _require_pixels(name: str, region: Sequence[float] | None, size: int) -> None:
    """Raise SettingsError for a relative region, a box or a band, that holds no pixel."""
    edges = [round(at * size) for at in region or ()]
    half = len(edges) // 2
    if any(start >= end for start, end in zip(edges[:half], edges[half:])):
        raise SettingsError(f"{name}={region} is smaller than a pixel at size={size}")


def _nearest_size(size: int) -> str:
    below = min(max(32, size // 32 * 32), LARGEST_SIZE - 32)
    return f"{below} or {below + 32}"


def spec_names() -> list[str]:
    """The specs that there are: the files of conf/spec."""
    return sorted(path.stem for path in (CONF / "spec").glob("*.yaml"))


def what_decides(settings: Any, decides: str, prefix: str = "") -> dict[str, Any]:
    """The settings that decide TRAINS, MEASURES or PLACES, flat: `trainer.epochs` -> value."""
    flat: dict[str, Any] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if is_dataclass(value):
            flat |= what_decides(value, decides, f"{prefix}{item.name}.")
        elif item.metadata.get("decides", TRAINS) == decides:
            flat[prefix + item.name] = value
    return flat


def what_trains(settings: Settings) -> dict[str, Any]:
    """What identifies a run, flat: equal for two runs whose weights mean the same."""
    flat = what_decides(settings, TRAINS)
    if settings.data.align:  # then the middle of the eye band is the row where the eyes are put
        flat["data.eye_band"] = settings.data.eye_band
    return flat
