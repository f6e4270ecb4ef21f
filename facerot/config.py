"""The validated settings: Hydra's config in, plain dataclasses out, each refusal one clear line."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

HERE = Path(__file__).parent
# Beside the package in a checkout, inside it when installed from a wheel.
CONF = HERE / "conf" if (HERE / "conf").is_dir() else HERE.parent / "conf"
SPLITS = ("train", "test")  # no person is in both
CONCATS = (1, 2, 3, 4)
OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("onecycle", "constant")
DEVICES = ("auto", "cpu", "cuda", "mps")
FILLS = ("zero", "mean")
BACKGROUNDS = ("varied", "plain")
ALIGNMENTS = ("eyes",)
BAD_PHOTOS = ("refuse", "skip")
CHANNEL_FACTORS = (1, 2, 4, 8, 8)

Schema = TypeVar("Schema")  # the dataclass of a command's settings


class SettingsError(ValueError):
    """A setting or a face set that cannot be used; its text is one line for the user."""


def one_line(error: BaseException) -> str:
    """An error as one line: its own text where it is meant for the user, else with its type."""
    text = " ".join(str(error).split())
    return text if isinstance(error, SettingsError) else f"{type(error).__name__}: {text}"


@contextmanager
def refusals() -> Iterator[None]:
    """End a command with one clear line and exit code 1 where it refuses, or the disk does."""
    try:
        yield
    except (SettingsError, OSError) as error:
        raise SystemExit(f"facerot: {one_line(error)}") from None


@dataclass
class Faces:
    """A face set: where its pictures are and what their names mean (DESIGN: a YAML, no code)."""

    name: str
    root: str
    source_yaw: Any
    target_yaw: Any
    pattern: str | None = None
    yaw: dict[str, float] = field(default_factory=dict)
    manifest: str | None = None
    crop: Any = None
    align: str | None = None
    eye_band: Any = (0.4, 0.55)
    background: str = "plain"
    on_bad: str = "refuse"

    def __post_init__(self) -> None:
        if self.manifest is None:
            _require(self.pattern is not None, "data.pattern has no value: write data.pattern=...")
            _require(len(self.yaw) > 0, "data.yaw has no value: name the views and their degrees")
        self.crop = None if self.crop is None else _box("data.crop", self.crop)
        if self.align is not None:
            require_choice("data.align", self.align, ALIGNMENTS)
        self.eye_band = _numbers("data.eye_band", self.eye_band, 2)
        top, bottom = self.eye_band
        _require(
            0 <= top < bottom <= 1, f"data.eye_band={[top, bottom]} is not 0 <= top < bottom <= 1"
        )
        require_choice("data.background", self.background, BACKGROUNDS)
        require_choice("data.on_bad", self.on_bad, BAD_PHOTOS)


@dataclass
class Model:
    """The widths of the network."""

    name: str
    channels: Any

    def __post_init__(self) -> None:
        self.channels = _channels(self.channels)


@dataclass
class Trainer:
    """How long and with what the network learns."""

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    warmup: float
    evaluate_every: int
    checkpoint_every: int
    device: str

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "evaluate_every", "checkpoint_every"):
            value = getattr(self, name)
            _require(value >= 1, f"trainer.{name}={value} must be at least 1")
        rate = self.learning_rate
        _require(0 < rate < math.inf, f"trainer.learning_rate={rate} must be above 0")
        _require(0 <= self.warmup < 1, f"trainer.warmup={self.warmup} must be in [0, 1)")
        require_choice("trainer.optimizer", self.optimizer, OPTIMIZERS)
        require_choice("trainer.schedule", self.schedule, SCHEDULES)
        require_choice("trainer.device", self.device, DEVICES)


@dataclass
class Latents:
    """What is done to the latents at test time."""

    fills: list[str]

    def __post_init__(self) -> None:
        _require(len(self.fills) > 0, "latents.fills=[] is empty: write latents.fills=[zero]")
        for fill in self.fills:
            require_choice("latents.fills", fill, FILLS)
        _require_unique("latents.fills", self.fills)


@dataclass
class Settings:
    """One run, resolved: what is asked, on which faces, for how long, and where it goes."""

    concats: Any
    seed: int
    source_yaw: Any
    target_yaw: Any
    mirror: bool
    test_fraction: float
    split_seed: int
    size: int
    data: Faces
    model: Model
    trainer: Trainer
    latents: Latents
    budget: str
    study: str
    outputs: str
    force: bool

    def __post_init__(self) -> None:
        self.concats = _concats(self.concats)
        if self.model.name == "autoencoder" and self.concats:
            raise SettingsError(
                f"model=autoencoder has no Concats: leave out concats={self.concats}, "
                "or leave out model=autoencoder"
            )
        _require(0 <= self.seed < 2**32, f"seed={self.seed} must be in 0 .. 2**32 - 1")
        _require(
            0 < self.test_fraction < 1, f"test_fraction={self.test_fraction} must be in (0, 1)"
        )
        size_ok = self.size >= 32 and self.size % 32 == 0
        _require(size_ok, f"size={self.size} must be a multiple of 32: {_nearest_size(self.size)}")
        self.source_yaw = _source_yaws(self.source_yaw, self.data)
        self.target_yaw = _yaw("target_yaw", self.target_yaw, self.data)


@dataclass
class ReportSettings:
    """One report: which study, and where studies lie."""

    study: str
    outputs: str


def resolve(cfg: DictConfig, schema: type[Schema]) -> Schema:
    """Validate a composed Hydra config; raises SettingsError with one line on the first fault."""
    try:
        values: Any = OmegaConf.to_container(cfg, resolve=True)
        _refuse_unknown(values, schema)
        _refuse_missing(schema, values)
        merged = OmegaConf.merge(OmegaConf.structured(schema), OmegaConf.create(values))
        settings = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        where = f"{error.full_key}: " if error.full_key else ""
        raise SettingsError(where + str(error).splitlines()[0]) from error
    assert isinstance(settings, schema)
    return settings


def refuse_misspelt(arguments: Sequence[str], schema: type) -> dict[str, str]:
    """The settings that a command line names, each with its value as it was written.

    Raises SettingsError, with one line, for a name that Hydra would explain at length.
    """
    named = {}
    for argument in arguments:
        match = re.fullmatch(r"\+{0,2}([a-z]\w*(?:\.\w+)*)=(.*)", argument)
        if match is None or match[1].split(".")[0] in ("hydra", "experiment"):
            continue
        refuse_unknown_name(match[1], schema)
        named[match[1]] = match[2]
    return named


def refuse_unknown_name(name: str, schema: Any) -> None:
    """Raise SettingsError where `name`, such as `trainer.epochs`, is no setting of the schema."""
    known, prefix = get_type_hints(schema), ""
    for part in name.split("."):
        if part not in known:
            close = difflib.get_close_matches(part, known, n=1)
            hint = f"did you mean '{prefix}{close[0]}'?" if close else f"known: {', '.join(known)}"
            raise SettingsError(f"unknown setting '{prefix}{part}': {hint}")
        schema, prefix = known[part], f"{prefix}{part}."
        if not is_dataclass(schema):
            return
        known = get_type_hints(schema)


def _refuse_unknown(values: dict[str, Any], schema: type, prefix: str = "") -> None:
    for key, value in values.items():
        refuse_unknown_name(prefix + key, schema)
        if isinstance(value, dict):
            _refuse_unknown(value, schema, f"{prefix}{key}.")


def _refuse_missing(schema: type, values: dict[str, Any], prefix: str = "") -> None:
    hints = get_type_hints(schema)
    for item in fields(schema):
        default = item.default if item.default_factory is MISSING else None
        name, value = prefix + item.name, values.get(item.name, default)
        if isinstance(value, dict) and is_dataclass(hints[item.name]):
            _refuse_missing(hints[item.name], value, f"{name}.")
        elif name == "data.root" and value in ("???", MISSING):
            raise SettingsError(
                f"data={values.get('name')} needs data.root=PATH: its folder or .zip of pictures"
            )
        elif value in ("???", MISSING):
            raise SettingsError(f"{name} has no value: write {name}=...")


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise SettingsError(text)


def require_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raise SettingsError where `value` is none of the `known`."""
    if value not in known:
        close = difflib.get_close_matches(value, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(known)}"
        raise SettingsError(f"{name}={value} is not known: {hint}")


def _require_unique(name: str, values: Sequence[Any]) -> None:
    for value in values:
        if list(values).count(value) > 1:
            once = list(dict.fromkeys(values))
            raise SettingsError(f"{name} names {value} twice: write '{name}={_plain(once)}'")


def _plain(values: Sequence[Any]) -> str:
    return "[" + ",".join(str(value) for value in values) + "]"


def _concats(value: Any) -> list[int]:
    if isinstance(value, str):
        digits = [int(part) for part in value.split(",") if part.strip().isdigit()]
        raise SettingsError(f"concats={value} is not a list: write 'concats={_plain(digits)}'")
    if not isinstance(value, list | tuple):
        raise SettingsError(f"concats={value} is not a list: write 'concats=[{value}]'")
    for concat in value:
        if type(concat) is not int or concat not in CONCATS:
            raise SettingsError(
                f"concats={_plain(value)}: there is no Concat{concat}; choose from 1, 2, 3, 4 "
                "(latent5 is the bottleneck and always reaches the decoder)"
            )
    _require_unique("concats", value)
    return sorted(value)


def _channels(value: Any) -> list[int]:
    widths = [value * factor for factor in CHANNEL_FACTORS] if type(value) is int else value
    is_list = isinstance(widths, list | tuple) and len(widths) == len(CHANNEL_FACTORS)
    if not is_list or any(type(width) is not int or width < 1 for width in widths):
        raise SettingsError(
            f"model.channels={value} must be one positive whole number or five, latent1 to latent5"
        )
    return list(widths)


def _numbers(name: str, value: Any, count: int) -> tuple[float, ...]:
    numbers = value if isinstance(value, list | tuple) else []
    if len(numbers) != count or any(type(number) not in (int, float) for number in numbers):
        raise SettingsError(f"{name}={value} must be a list of {count} numbers")
    return tuple(float(number) for number in numbers)


def _box(name: str, value: Any) -> tuple[float, ...]:
    left, top, right, bottom = box = _numbers(name, value, 4)
    inside = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
    _require(inside, f"{name}={list(box)} is not a relative [left, top, right, bottom] in [0, 1]")
    return box


def _yaw(name: str, value: Any, data: Faces) -> float:
    known = sorted(set(data.yaw.values()))
    if type(value) not in (int, float):
        raise SettingsError(f"{name}={value} is not a yaw in degrees: write {name}=-45")
    if value not in known and data.manifest is None:
        nearest = min(known, key=lambda yaw: abs(yaw - value))
        raise SettingsError(
            f"{name}={value:g}: no view of data={data.name} has this yaw; did you mean "
            f"{name}={nearest:g}? Its yaws: {', '.join(f'{yaw:g}' for yaw in known)}"
        )
    return float(value)


def _source_yaws(value: Any, data: Faces) -> list[float]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if isinstance(value, str) and "," in value:
        raise SettingsError(f"source_yaw={value} is not a list: write 'source_yaw=[{value}]'")
    _require(len(values) > 0, "source_yaw=[] is empty: name at least one yaw")
    yaws = [_yaw("source_yaw", item, data) for item in values]
    _require_unique("source_yaw", [f"{yaw:g}" for yaw in yaws])
    return sorted(yaws)


def _nearest_size(size: int) -> str:
    below = max(32, size // 32 * 32)
    return f"{below} or {below + 32}"
