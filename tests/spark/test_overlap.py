"""Two builds on one output: one corpus, equal to the undisturbed, or one clear refusal."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from infimm_spark.sample import write_sample_crawl

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture(scope="module")
def overlap() -> ModuleType:
    """benchmarks/overlap.py as a module."""
    spec = importlib.util.spec_from_file_location("overlap", ROOT / "benchmarks" / "overlap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["overlap"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_overlapping_builds_give_one_corpus(overlap: ModuleType, tmp_path: Path) -> None:
    """Three trials with kills and resumes at random moments."""
    write_sample_crawl(tmp_path / "crawl")
    config = ROOT / "tests" / "support" / "small_groups.yaml"
    command = [sys.executable, "-m", "infimm_spark.cli", "build", "--config", str(config)]
    command += ["--input", str(tmp_path / "crawl"), "--limit", "2"]
    seconds = overlap.undisturbed(command, str(tmp_path / "whole"))
    for number in range(3):
        trial = overlap.overlap(command, str(tmp_path), number, seconds, random.Random(number))
        assert trial.faults == [], trial
