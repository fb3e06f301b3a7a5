"""What a dry run of `infimm cloud` writes, read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIXES = {
    "emr-serverless": "s3://my-bucket/team/infimm",
    "emr": "s3://my-bucket/team/infimm",
    "dataproc": "gs://my-bucket/team/infimm",
    "databricks": "/Volumes/main/default/corpora/infimm",
}
SNAPSHOT = "CC-MAIN-2026-47"


@dataclass
class Written:
    """What a dry run wrote."""

    folder: Path
    output: str

    def bodies(self, part: str) -> list[dict[str, Any]]:
        """Bodies of the requests whose file name contains `part`, in order."""
        files = sorted(self.folder.glob(f"[0-9][0-9]-*{part}*.json"))
        return [json.loads(file.read_text()) for file in files]

    def body(self, part: str) -> dict[str, Any]:
        (only,) = self.bodies(part)
        return only

    @property
    def commands(self) -> str:
        return (self.folder / "commands.txt").read_text()

    def file(self, location: str) -> bytes:
        """A small file of the prefix."""
        return (self.folder / "files" / location.replace("://", "/").lstrip("/")).read_bytes()


Cloud = Callable[..., Written]
