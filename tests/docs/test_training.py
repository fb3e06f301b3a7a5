"""The commands and snippets of "From run to training" run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from infimm_spark.cli.app import app

pytestmark = pytest.mark.spark

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pages" / "training.md"
_BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.M | re.S)


def test_the_page_works_from_top_to_bottom(
    sample_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands write exports and a pack of the sample corpus; each Python block reads them, those
    whose package is not installed excepted."""
    monkeypatch.chdir(tmp_path)
    run = shutil.copytree(sample_run, tmp_path / "run")
    monkeypatch.syspath_prepend(str(PAGE.parents[2] / "examples"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ran = 0
    for language, code in _BLOCK.findall(PAGE.read_text("utf-8")):
        if language == "bash":
            for line in code.splitlines():
                words = shlex.split(line.replace("RUN", str(run)))
                assert words[0] == "infimm"
                app(words[1:], standalone_mode=False)
                ran += 1
        elif all(installed(name) for name in re.findall(r"^(?:from|import) (\w+)", code, re.M)):
            exec(code, {})
            ran += 1
    assert ran >= 4
    assert {p.name for p in tmp_path.iterdir()} >= {"exports", "packs"}


def installed(name: str) -> bool:
    """Whether a package is installed; the example's own module needs torch."""
    from importlib.util import find_spec

    return find_spec(name) is not None and (name != "packed_dataset" or installed("torch"))
