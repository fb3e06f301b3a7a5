"""Files that come inside the package, also where the package is imported from a zip."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import zipfile
from pathlib import Path


@functools.cache
def packaged_folder(module_file: str, name: str) -> Path:
    """The folder `name` beside a module; unpacked for this process out of a `--py-files` zip.

    Libraries such as fastText open files by path only.
    """
    folder = Path(module_file).parent / name
    archive = next((p for p in folder.parents if p.is_file() and zipfile.is_zipfile(p)), None)
    if archive is None:
        return folder
    inside = folder.relative_to(archive).as_posix()
    target = Path(tempfile.mkdtemp(prefix="infimm-spark-"))
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    with zipfile.ZipFile(archive) as package:
        members = [n for n in package.namelist() if n.startswith(f"{inside}/")]
        package.extractall(target, members)
    return target / inside
