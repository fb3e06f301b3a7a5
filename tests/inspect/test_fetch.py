"""Where a run's WARC files are looked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from infimm_spark.config import load_config
from infimm_spark.errors import InputError
from infimm_spark.inspect.fetch import fetch
from infimm_spark.run.layout import RunLayout


def test_a_crawl_that_has_moved_is_found_below_its_new_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name in the crawl, or by the one file whose path ends with it; a prefix of the run is
    left out."""
    html = b"<html>Let x = 1.</html>"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + html
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a/\r\nContent-Length: {len(http)}"
    record = head.encode() + b"\r\n\r\n" + http + b"\r\n\r\n"
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "deep" / "x.warc").write_bytes(record)
    pointer = {
        "id": "i",
        "url": "http://a/",
        "snapshot": "local",
        "warc_file": "day2/x.warc",
        "warc_offset": 0,
        "warc_length": len(record),
    }
    monkeypatch.setattr("infimm_spark.run.tables.rows", lambda *_: [pointer])
    config = load_config(
        None, {"input": {"paths": [str(tmp_path / "old")], "prefix": "day2"}, "output": "out"}
    )
    for root in (tmp_path / "new", tmp_path / "new" / "deep"):
        assert fetch(RunLayout("out"), "http://a/", config, root=str(root)).body == html
    with pytest.raises(InputError, match=r"does not hold x\.warc: no file ends so"):
        fetch(RunLayout("out"), "http://a/", config, root=str(tmp_path / "old"))
