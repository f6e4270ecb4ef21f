"""Plain values in, a dataclass of settings out: Hydra composes, this validates once and early."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from facerot.errors import SettingsError, nearest

Schema = TypeVar("Schema")  # the dataclass of a command's settings


def resolve(cfg: DictConfig, schema: type[Schema]) -> Schema:
    """Validate a composed Hydra config; raises SettingsError with one line on the first fault."""
    try:
        values: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise _refusal(error) from error
    return validate(values, schema)


def validate(values: dict[str, Any], schema: type[Schema]) -> Schema:
    """Validate plain values; raises SettingsError with one line on the first fault."""
    _refuse_unknown(values, schema)
    _refuse_missing(schema, values)
    try:
        read = OmegaConf.create(_read(values, schema))
        settings = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), read))
    except OmegaConfBaseException as error:
        raise _refusal(error) from error
    except OverflowError as error:  # a whole number of hundreds of digits
        raise SettingsError(f"a number is too large: {str(error).splitlines()[0]}") from error
    assert isinstance(settings, schema)
    return settings


def _refusal(error: OmegaConfBaseException) -> SettingsError:
    where = f"{error.full_key}: " if error.full_key else ""
    return SettingsError(where + str(error).splitlines()[0])


def _read(values: dict[str, Any], schema: type, prefix: str = "") -> dict[str, Any]:
    """The values as the schema's readers have them."""
    hints, found = _hints(schema), dict(values)
    for item in fields(schema):
        read, name = item.metadata.get("read"), prefix + item.name
        if item.name not in values:
            continue
        if is_dataclass(hints[item.name]) and isinstance(values[item.name], dict):
            nested: Any = hints[item.name]
            found[item.name] = _read(values[item.name], nested, f"{name}.")
        elif read is not None:
            found[item.name] = read(name, values[item.name])
    return found


@cache
def _hints(schema: Any) -> dict[str, Any]:
    return get_type_hints(schema)


def refuse_unknown_name(name: str, schema: Any) -> None:
    """Raise SettingsError where `name`, such as `trainer.epochs`, is no setting of the schema."""
    known, prefix = _hints(schema), ""
    for part in name.split("."):
        if part not in known:
            meant = nearest(part, list(known), prefix)
            raise SettingsError(f"unknown setting '{prefix}{part}': {meant}")
        prefix = f"{prefix}{part}."
        if not is_dataclass(known[part]):
            return
        known = _hints(known[part])


def _refuse_unknown(values: dict[str, Any], schema: type, prefix: str = "") -> None:
    for key, value in values.items():
        refuse_unknown_name(f"{prefix}{key}", schema)
        if isinstance(value, dict):
            _refuse_unknown(value, schema, f"{prefix}{key}.")


def _refuse_missing(schema: type, values: dict[str, Any], prefix: str = "") -> None:
    hints = _hints(schema)
    for item in fields(schema):
        default = item.default if item.default_factory is MISSING else None
        name, value = prefix + item.name, values.get(item.name, default)
        if isinstance(value, dict) and is_dataclass(hints[item.name]):
            nested: Any = hints[item.name]
            _refuse_missing(nested, value, f"{name}.")
        elif name == "data.root" and value in ("???", MISSING, None):
            raise SettingsError(
                f"data={values.get('name')} needs data.root=PATH: its folder or .zip of pictures"
            )
        elif value in ("???", MISSING):
            raise SettingsError(f"{name} has no value: write {name}=...")
