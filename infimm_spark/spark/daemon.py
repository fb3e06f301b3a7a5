"""Spark's daemon for the Python workers of a local session, quicker to start and between tasks.

Spark puts `pyspark.zip` and the JAR of its core on the path of its workers. From an archive Python
compiles every module anew, in each worker; and it reads the lists of both, 7,000 files, before each
task: 80 ms of processor time, more than the work of a small task. The package that holds the
archives holds the same modules as files, so workers do without them. What every worker imports is
imported here once, before they are forked.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import PathFinder

MODULE = __name__

_IMPORTED_BY_WORKERS = ("pandas", "pyarrow", "infimm_spark.schemas")


def without_archives(path: Sequence[str]) -> list[str]:
    """`path` without JARs, and without archives of a `pyspark` that is found without them."""
    entries = [entry for entry in path if not entry.endswith(".jar")]
    found = PathFinder.find_spec("pyspark", [e for e in entries if not e.endswith(".zip")])
    places = tuple(found.submodule_search_locations or ()) if found else ()
    within = tuple(f"{place}/" for place in places)
    return [e for e in entries if not (e.endswith("/pyspark.zip") and e.startswith(within))]


def main() -> None:
    """Serve workers until the session ends."""
    sys.path[:] = without_archives(sys.path)
    sys.path_importer_cache.clear()
    for name in _IMPORTED_BY_WORKERS:
        # A Python without them says so at the first task, in Spark's words or ours.
        with contextlib.suppress(ImportError):
            import_module(name)
    from pyspark.daemon import manager

    manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
