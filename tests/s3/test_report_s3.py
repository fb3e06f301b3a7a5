"""The report of a run on S3."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from small_run import document, reject, write_run

from infimm_spark import store
from infimm_spark.cli.app import app
from infimm_spark.cli.ending import run_command
from infimm_spark.report.html import report_html


def _uploaded(folder: Path, bucket: str) -> str:
    client = boto3.client("s3")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            client.upload_file(str(file), bucket, f"run/{file.relative_to(folder)}")
    return f"s3://{bucket}/run"


def test_a_run_on_s3_has_the_report_it_has_on_disk(
    bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`infimm report s3://…` reads the tables there and writes its file beside them."""
    layout = write_run(
        tmp_path / "run",
        [document(n) for n in range(5)],
        unextracted=[reject(9, "extract", "language", score=0.9)],
        judged={1: {"drop_stage": "precision", "drop_reason": "quality_prob", "quality_prob": 0.1}},
    )
    place = _uploaded(Path(layout.root), bucket)
    code = run_command(lambda: app(["report", place], standalone_mode=False))
    assert (code, capsys.readouterr().out.strip()) == (0, f"{place}/report/index.html")
    there = store.read_bytes(f"{place}/report/index.html").decode()
    # The run file alone says where the run was written.
    assert there.replace(layout.root, place) == report_html(layout).replace(layout.root, place)
    code = run_command(
        lambda: app(
            ["what-if", place, "--set", "rules.precision_threshold=0.95"], standalone_mode=False
        )
    )
    assert code == 0
    assert "4 documents would leave the corpus" in capsys.readouterr().out
