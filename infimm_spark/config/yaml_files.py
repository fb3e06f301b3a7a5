"""Reading a YAML file, with every problem as one line that names file, line and key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infimm_spark.errors import ConfigError


def read_yaml(path: str | Path, what: str) -> Any:
    """The content of a YAML file; `what` ("config", "rates") names its kind in messages.

    Raises `ConfigError` for a file that is missing, cannot be read or is not YAML, and for a
    mapping at any depth that holds a key twice: YAML parsers would keep the last one without a
    word.
    """
    try:
        text = Path(os.path.expanduser(path)).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{what} file {path} does not exist") from None
    except OSError as error:
        raise ConfigError(f"{what} file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{what} file {path} is not UTF-8: {error.reason}") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        repeated = "; ".join(_repeated_keys(root, "", set())) if root is not None else ""
        if repeated:
            raise ConfigError(f"{what} file {path}: {repeated}")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = " ".join(str(error).split())
        raise ConfigError(f"{what} file {path} is not YAML: {message}") from None


def _repeated_keys(node: yaml.Node, parent: str, seen: set[int]) -> Iterator[str]:
    """A clause for each key that a mapping at or below `node` holds twice."""
    if id(node) in seen:  # an alias: its anchor was looked at
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated_keys(item, f"{parent}{index}.", seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            name = (key.tag, key.value)
            if name in lines:
                yield (
                    f"key {parent + key.value!r} is set at line {lines[name]} and again at line "
                    f"{line}; expected once"
                )
            lines.setdefault(name, line)
            yield from _repeated_keys(value, f"{parent}{key.value}.", seen)
