"""`infimm cloud` in a dry run."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud_runs import PREFIXES, SNAPSHOT, Cloud, Written
from typer.testing import CliRunner

from infimm_spark import cli


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """`cloud("emr", "submit", "--limit", "10")` in a dry run, with the platform's prefix."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    def run(platform: str, command: str, *options: str) -> Written:
        folder = tmp_path / "dry"
        place = ["--prefix", PREFIXES[platform], "--dry-run", str(folder)]
        if command == "submit":
            place += ["--snapshot", SNAPSHOT]
        if (platform, command) == ("dataproc", "prepare"):
            place += ["--project", "my-project"]
        done = CliRunner().invoke(cli.app, ["cloud", platform, command, *place, *options])
        if done.exception is not None:
            raise done.exception
        return Written(folder, done.output)

    return run
