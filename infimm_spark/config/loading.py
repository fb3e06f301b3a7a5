"""Reading a configuration: a YAML file, values laid over it, and problems in one line."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from infimm_spark.config.assignments import parse_assignments
from infimm_spark.config.models import BuildConfig
from infimm_spark.config.shipped import shipped_file
from infimm_spark.config.yaml_files import read_yaml
from infimm_spark.errors import ConfigError


class Layer(NamedTuple):
    """Values of one source, nested as a configuration file is."""

    source: str
    values: Mapping[str, Any]


def load_config(
    path: str | Path | None,
    overrides: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> BuildConfig:
    """Read a configuration, lay values over it, and validate the whole.

    `path` is a YAML file, or the name of a configuration that comes with the package (`local`,
    `paper`, `s3`, …); None takes the defaults. `overrides` is nested like the file; `assignments`
    (`dedup.recall_threshold=0.3`, as `--set` takes them) lie over all. Raises `ConfigError` naming
    the key, the value and what was expected, one clause a problem.
    """
    return validated(config_layers(path, overrides, assignments))


def config_layers(
    path: str | Path | None,
    overrides: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> list[Layer]:
    """What `load_config` lays over the defaults, lowest layer first; raises `ConfigError`."""
    layers = []
    if path is not None:
        values = read_yaml(shipped_file(path), "config")
        if values is not None and not isinstance(values, dict):
            raise ConfigError(
                f"config file {path} holds a {type(values).__name__}; expected a mapping of "
                "sections"
            )
        layers.append(Layer(str(path), values or {}))
    if overrides:
        layers.append(Layer("options", overrides))
    if assignments:
        layers.append(Layer("--set", parse_assignments(assignments, BuildConfig)))
    return layers


def override(
    config: BuildConfig, values: Mapping[str, Any], assignments: Sequence[str] = ()
) -> BuildConfig:
    """The configuration with other values in some places, validated anew; raises `ConfigError`."""
    layers = [Layer("configuration", config.model_dump()), Layer("options", values)]
    layers.append(Layer("--set", parse_assignments(assignments, BuildConfig)))
    return validated([layer for layer in layers if layer.values])


def validated(layers: Sequence[Layer]) -> BuildConfig:
    """The configuration of all layers, a later one over an earlier; raises `ConfigError`."""
    values: dict[str, Any] = {}
    for layer in layers:
        values = _merged(values, layer.values)
    try:
        return BuildConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_one_line(error, layers)) from None


def source_of(key: Sequence[str], layers: Sequence[Layer]) -> str:
    """The layer that a key's value comes from: the last one that holds it, else `default`."""
    for layer in reversed(layers):
        value: Any = layer.values
        for part in key:
            value = value.get(part, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is not _ABSENT:
            return str(layer.source)
    return "default"


def config_hash(section: BaseModel | dict[str, Any]) -> str:
    """SHA-256 (hex) of a section's canonical JSON."""
    plain = section.model_dump(mode="json") if isinstance(section, BaseModel) else section
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


_ABSENT = object()


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = _merged(result[key], value)
        else:
            result[key] = value
    return result


def _one_line(error: ValidationError, layers: Sequence[Layer]) -> str:
    everything = ", ".join(layer.source for layer in layers) or "defaults"
    by_source: dict[str, list[str]] = {}
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        source = source_of(path, layers)
        if problem["type"] == "value_error" or source == "default":
            source = everything
        by_source.setdefault(source, []).append(_clause(".".join(path), problem))
    return "; ".join(f"{source}: {'; '.join(said)}" for source, said in by_source.items())


def _clause(key: str, problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r} (value {problem['input']!r}){_meant(key)}"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"]) if "ctx" in problem else str(problem["msg"])
    return f"{key} = {problem['input']!r}: expected {_expectation(problem['msg'])}"


def _meant(key: str) -> str:
    """The key whose name is nearest to an unknown one, where one is near."""
    *sections, name = key.split(".")
    model: type[BaseModel] = BuildConfig
    for section in sections:
        field = model.model_fields.get(section)
        inner: Any = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ""
        model = inner
    near = difflib.get_close_matches(name, model.model_fields, 1)
    return f", did you mean {'.'.join([*sections, *near])!r}?" if near else ""


def _expectation(message: str) -> str:
    """'Input should be greater than 0' -> 'greater than 0'."""
    return message.removeprefix("Input should be ").removeprefix("a valid ")
