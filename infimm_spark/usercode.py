"""Functions of the user's own, named `module:function` in a configuration.

The module has to be on the Python path of the driver and of every executor: a file given to
`--py-files`, an installed package, or a folder named in PYTHONPATH.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from infimm_spark.errors import ConfigError

NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""`my_rules:too_short`, `company.rules:keep`."""


@cache
def load(name: str, key: str) -> Any:
    """The object that `name` stands for; `key` is the setting that names it.

    Raises `ConfigError` where the module cannot be imported or lacks the function.
    """
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ConfigError(
            f"{key}: {name!r} cannot be imported ({type(error).__name__}: {error}); expected "
            "module:function, "
            "the module on the Python path and, on a cluster, in --py-files"
        ) from None
    found = getattr(module, attribute, None)
    if not callable(found):
        raise ConfigError(f"{key}: module {module_name} has no function {attribute!r}")
    return found


def source_digest(name: str, key: str) -> str:
    """SHA-256 (hex) of the source of the module of `name`; of a package, of all its Python files.

    Raises `ConfigError` where there is no source to read.
    """
    module_name = name.partition(":")[0]
    load(name, key)
    spec = importlib.util.find_spec(module_name.partition(".")[0])
    if spec is None or spec.origin is None:
        raise ConfigError(f"{key}: module {module_name} has no source file; expected one")
    digest = hashlib.sha256()
    if spec.submodule_search_locations and Path(spec.origin).is_file():
        folder = Path(spec.origin).parent
        for file in sorted(folder.rglob("*.py")):
            digest.update(f"{file.relative_to(folder).as_posix()}\n".encode() + file.read_bytes())
    else:
        digest.update(_source(spec, module_name, key))
    return digest.hexdigest()


def _source(spec: ModuleSpec, module: str, key: str) -> bytes:
    """A module's file, also from inside a zip."""
    reader = getattr(spec.loader, "get_data", None)
    if reader is None or not str(spec.origin).endswith(".py"):
        raise ConfigError(f"{key}: module {module} has no Python source; expected a .py file")
    data: bytes = reader(spec.origin)
    return data
