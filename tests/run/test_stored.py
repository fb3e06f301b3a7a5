"""What the file that marks a run may hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infimm_spark.errors import DamagedRunError
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.stored import config_of


def test_settings_of_another_version_are_one_line(tmp_path: Path) -> None:
    """A setting that this version does not know is named, with the file and who wrote it."""
    config = {"input": {"paths": ["crawl"]}, "output": "run", "telepathy": True}
    stored = {"run_id": "1", "config": config, "code_version": "9.0"}
    (tmp_path / "run.json").write_text(json.dumps(stored))
    with pytest.raises(DamagedRunError, match=r"run\.json: telepathy: .*made by 9\.0"):
        config_of(RunLayout(str(tmp_path)))
