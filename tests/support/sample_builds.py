"""Configurations of builds of the sample crawl."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infimm_spark.config import BuildConfig, load_config


def sample_settings(crawl: Path, output: Path, **sections: Any) -> BuildConfig:
    """The shipped local configuration for a crawl and an output; `sections` lie over it."""
    values = {"input": {"paths": [str(crawl)]}, "output": str(output)}
    return load_config("local", {**values, **sections})
