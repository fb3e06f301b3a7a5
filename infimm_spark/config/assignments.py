"""Values from the command line: `--set dedup.recall_threshold=0.3`."""

from __future__ import annotations

import json
import types
from collections.abc import Sequence
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from infimm_spark.errors import ConfigError


def parse_assignments(assignments: Sequence[str], model: type[BaseModel]) -> dict[str, Any]:
    """`key.of.the.model=value`, nested as a configuration file is; a later one replaces an earlier.

    A value is YAML (`0.3`, `true`, `null`, `[en, zh]`), but text where the model expects text.
    Whether keys and values fit is the model's to say. Raises `ConfigError` for what is no
    assignment.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise ConfigError(f"--set {assignment}: expected KEY=VALUE, such as input.limit=3")
        path, expected = _path(parts, model)
        section = values
        for name in path[:-1]:
            inner = section.get(name)
            if not isinstance(inner, dict):
                inner = section[name] = {}
            section = inner
        section[path[-1]] = _value(text.strip(), expected, assignment)
    return values


def _path(parts: list[str], model: type[BaseModel]) -> tuple[list[str], Any]:
    """The keys, level by level, and the type expected there (None: the model has no such key).

    Keys of a mapping may hold dots themselves: `spark.conf.spark.ui.enabled`.
    """
    path: list[str] = []
    here: Any = model
    while parts:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(parts[0])
            path.append(parts[0])
            here, parts = (field.annotation if field else None), parts[1:]
        elif get_origin(here) is dict:
            here = get_args(here)[1]
            of_models = isinstance(here, type) and issubclass(here, BaseModel) and len(parts) > 1
            size = len(parts) - 1 if of_models else len(parts)
            path.append(".".join(parts[:size]))
            parts = parts[size:]
        else:
            return [*path, *parts], None
    return path, here


def _value(text: str, expected: Any, assignment: str) -> Any:
    kinds = _alternatives(expected)
    others = [kind for kind in kinds if kind is not type(None)]
    textual = [kind for kind in others if kind is str or get_origin(kind) is Literal]
    null = text == "null" and type(None) in kinds
    if textual == others and others and not null:
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {assignment}: the value is not YAML") from None
    if textual and not isinstance(value, dict | list) and value is not None:
        return text
    if isinstance(value, str):
        try:  # YAML 1.1 takes 1e-3 for text
            return json.loads(text)
        except ValueError:
            return value
    return value


def _alternatives(expected: Any) -> tuple[Any, ...]:
    """The types of a union, without what `Annotated` adds."""
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        return tuple(kind for part in get_args(expected) for kind in _alternatives(part))
    if hasattr(expected, "__metadata__"):
        return _alternatives(get_args(expected)[0])
    return (expected,)
