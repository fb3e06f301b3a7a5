"""What the first lines of an index tell: CDXJ, or classic CDX with the fields of its first line."""

from __future__ import annotations

import json
import re
import zlib

from infimm_spark import store
from infimm_spark.errors import InputError

CDX_LETTERS = "N b a m s k r M S V g"
"""The fields of a classic CDX file whose first line does not say them."""

_LINES = re.compile(r"\.cdxj?(?:\.gz)?$|/cdx-\d+\.gz$", re.IGNORECASE)
_LEGEND = re.compile(r"^.?CDX((?:[ \t]\w)+)\s*$")  # ` CDX N b a m s k r M S V g`
_HEAD = 1 << 16  # bytes of a file that are looked at


def is_index_of_lines(path: str) -> bool:
    """Whether a location is that of CDXJ or CDX files, rather than of Parquet."""
    return _LINES.search(path) is not None


def index_files(path: str) -> list[str]:
    """The files of a location, or of a pattern. Raises `InputError` where there are none."""
    found = store.glob(path) if store.is_glob(path) else [path]
    if not found:
        raise InputError(f"index {store.shown(path)} matches no file")
    return found


def cdx_letters(file: str) -> str | None:
    """The fields of a classic CDX file, as letters; None for CDXJ. Raises `StoreError`."""
    lines = _first_lines(file)
    legend = _LEGEND.match(lines[0]) if lines else None
    if legend:
        return " ".join(legend[1].split())
    first = next((line for line in lines if not line.startswith("!")), "{")
    return None if "{" in first else CDX_LETTERS


def first_names(path: str) -> list[str]:
    """WARC names in the first lines of an index. Raises `InputError`, `StoreError`."""
    file = index_files(path)[0]
    letters = cdx_letters(file)
    names = [_name(line, letters) for line in _first_lines(file)]
    return [name for name in names if name is not None]


def _name(line: str, letters: str | None) -> str | None:
    if letters is None:
        try:
            name = json.loads(line[line.index("{") :])["filename"]
        except (ValueError, KeyError, TypeError):
            return None
        return name if isinstance(name, str) else None
    fields, names = line.split(), letters.split()
    if _LEGEND.match(line) or len(fields) != len(names) or "g" not in names:
        return None
    found = fields[names.index("g")]
    return None if found == "-" else found


def _first_lines(file: str) -> list[str]:
    """The first whole lines, inflated."""
    with store.open_stream(file, check=False) as stream:
        head = stream.peek(_HEAD)
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(31).decompress(head, _HEAD)
        except zlib.error:
            return []
    lines = head.decode("utf-8", "replace").splitlines()
    return lines[:-1] if len(head) >= _HEAD else lines
