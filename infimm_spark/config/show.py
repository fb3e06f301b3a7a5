"""An effective configuration as YAML, each value with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from infimm_spark.config.loading import Layer, source_of
from infimm_spark.config.models import BuildConfig


def effective_yaml(config: BuildConfig, layers: Sequence[Layer]) -> str:
    """The configuration as YAML, which `--config` reads again; a comment names each value's
    source."""
    return "\n".join(_lines(config.model_dump(mode="json"), [], layers)) + "\n"


def _lines(section: dict[str, Any], path: list[str], layers: Sequence[Layer]) -> list[str]:
    lines = []
    indent = "  " * len(path)
    for key, value in section.items():
        here = [*path, key]
        name = _flow(key)
        if isinstance(value, dict) and value:
            lines.append(f"{indent}{name}:")
            lines += _lines(value, here, layers)
        else:
            lines.append(f"{indent}{name}: {_flow(value)}  # {source_of(here, layers)}")
    return lines


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    )
    # Other blanks may belong to the value.
    return text.removesuffix("...\n").strip("\n")
