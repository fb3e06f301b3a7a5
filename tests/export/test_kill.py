"""Exports and packs that are killed for real, in the middle of a file, and continued."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infimm_spark.export.base import export, named
from infimm_spark.export.formats import FORMATS
from infimm_spark.packing.pack import pack
from infimm_spark.packing.sequences import Shape
from infimm_spark.packing.tokenizers import tokenizer_source
from infimm_spark.run.layout import RunLayout

# Dies by SIGKILL after the Nth file was written, before its unit is recorded.
_PROGRAM = """
import os, signal, sys
from infimm_spark import store
from infimm_spark.cli import main
from infimm_spark.cli import runs

last = int(sys.argv.pop(1))
write, written = store.write_bytes, []

def write_and_die(location, data):
    write(location, data)
    if "/_export/" not in location:
        written.append(location)
        if len(written) == last:
            os.kill(os.getpid(), signal.SIGKILL)

store.write_bytes = write_and_die
runs.whole_run = runs.existing_run  # the small run of these tests has no manifests
main()
"""


def killed_at(last: int, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(last), *command], capture_output=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def content(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize("last", [1, 3])
def test_a_killed_export_is_continued_to_the_same_bytes(
    layout: RunLayout, tmp_path: Path, last: int
) -> None:
    """Killed after the first file and in the second unit: nothing is shown; --resume gives what an
    export without a kill gives, and leaves nothing else behind."""
    output = tmp_path / "out"
    options = ["--format", "mint", "--shard-mb", "0.01", "--output", str(output)]
    killed_at(last, "export", layout.root, *options)
    assert not output.exists()
    form = named(FORMATS, "mint")
    export(layout, form, str(output), shard_mb=0.01, resume=True)
    export(layout, form, str(tmp_path / "whole"), shard_mb=0.01)
    assert content(output) == content(tmp_path / "whole")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["out", "run", "whole"]


def test_a_killed_pack_is_continued_to_the_same_bytes(layout: RunLayout, tmp_path: Path) -> None:
    """As an export."""
    output = tmp_path / "out"
    options = ["--tokenizer", "tiktoken:gpt2", "--length", "64", "--image-tokens", "8"]
    killed_at(1, "pack", layout.root, *options, "--output", str(output))
    assert not output.exists()
    source, shape = tokenizer_source("tiktoken:gpt2"), Shape(64, 32, 8)
    pack(layout, str(output), source, shape, resume=True)
    pack(layout, str(tmp_path / "whole"), source, shape)
    assert content(output) == content(tmp_path / "whole")
