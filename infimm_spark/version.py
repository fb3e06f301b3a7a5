"""The package's version, and the build id that follows its code."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

__version__ = "0.1.0"

_COMPILED = (".so", ".pyd")
_LEFT_OUT = (".pyc", ".pyo")
_CONFIGURATIONS = "conf/"


@functools.cache
def build_id() -> str:
    """The version and a digest of the package's own files: `0.1.0+3f8a1c0d9b2e`.

    The same files give the same id in a checkout, a wheel, an unpacked archive and a `--py-files`
    zip: the configurations that the last three carry lie beside the package in a checkout, and do
    not count. A compiled module counts by its source; without one, by its bytes.
    """
    return f"{__version__}+{digest_of(resources.files('infimm_spark'))}"


def digest_of(package: Traversable) -> str:
    """Twelve hex digits of SHA-256 over the names and contents of a package's files."""
    files = dict(_files(package, ""))
    sources = {name.removesuffix(".py") for name in files if name.endswith(".py")}
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        if name.startswith(_CONFIGURATIONS):
            continue
        if name.endswith(_COMPILED) and _module(name) in sources:
            continue
        content = hashlib.sha256(file.read_bytes()).digest()
        digest.update(f"{name}\0".encode() + content)
    return digest.hexdigest()[:12]


def _module(name: str) -> str:
    """`extract/page.cpython-311-x86_64-linux-gnu.so` -> `extract/page`."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        # Caches, editors' files and what an operating system leaves behind are not the package's.
        if entry.name.startswith((".", "__pycache__")) or entry.name.endswith(("~", *_LEFT_OUT)):
            continue
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry
