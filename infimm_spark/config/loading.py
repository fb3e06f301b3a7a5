"""Reading a configuration: a YAML file, overrides laid over it, and problems in one line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from infimm_spark.config.models import BuildConfig
from infimm_spark.errors import ConfigError


def load_config(path: str | Path | None, overrides: dict[str, Any] | None = None) -> BuildConfig:
    """Read a YAML file (None: defaults), lay `overrides` over it, and validate.

    `overrides` is nested like the file. Raises `ConfigError` naming the key, the value and what was
    expected, one clause a problem.
    """
    source = "defaults"
    values: dict[str, Any] = {}
    if path is not None:
        source = str(path)
        try:
            loaded = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"config file {source} does not exist") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"config file {source} cannot be read: {error}") from None
        except yaml.YAMLError as error:
            raise ConfigError(
                f"config file {source} is not YAML: {' '.join(str(error).split())}"
            ) from None
        if loaded is not None and not isinstance(loaded, dict):
            raise ConfigError(
                f"config file {source} holds a {type(loaded).__name__}; expected a mapping of sections"
            )
        values = loaded or {}
    try:
        return BuildConfig.model_validate(_merged(values, overrides or {}))
    except ValidationError as error:
        raise ConfigError(f"{source}: {_one_line(error)}") from None


def config_hash(section: BaseModel | dict[str, Any]) -> str:
    """SHA-256 (hex) of a section's canonical JSON."""
    plain = section.model_dump(mode="json") if isinstance(section, BaseModel) else section
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _merged(result[key], value)
        else:
            result[key] = value
    return result


def _one_line(error: ValidationError) -> str:
    clauses = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            clauses.append(f"unknown key {key!r} (value {problem['input']!r})")
        elif problem["type"] == "value_error":
            clauses.append(str(problem["ctx"]["error"]) if "ctx" in problem else problem["msg"])
        else:
            clauses.append(f"{key} = {problem['input']!r}: expected {_expectation(problem['msg'])}")
    return "; ".join(clauses)


def _expectation(message: str) -> str:
    """'Input should be greater than 0' -> 'greater than 0'."""
    return message.removeprefix("Input should be ").removeprefix("a valid ")
