"""Configurations that come with the package, by name: `local`, `paper`, `s3` and others of
`conf/`."""

from __future__ import annotations

import logging
from pathlib import Path

from infimm_spark import packaged
from infimm_spark.errors import ConfigError

log = logging.getLogger(__name__)

NO_CONFIGURATIONS = frozenset({"rates", "prices"})
"""Files of the folder that `infimm plan` reads."""


def shipped_names() -> list[str]:
    """Names that `--config` takes, sorted."""
    return sorted(_shipped().keys() - NO_CONFIGURATIONS)


def shipped_file(name: str | Path) -> Path:
    """The file that a name or a path means: a file where there is one, else one of the package.

    `conf/NAME.yaml`, a path of the source tree, means the package's file wherever there is no such
    file, so that a documented command works outside a checkout too; a log line says so. Raises
    `ConfigError` for a name that the package has not; a path is returned whether it exists or not.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    shipped = _shipped()
    if str(name) in shipped:
        return shipped[str(name)]
    if path.parts[:1] == ("conf",) and path.suffix == ".yaml" and path.stem in shipped:
        log.info("%s does not exist here: reading %s as it comes with the package", path, path.stem)
        return shipped[path.stem]
    if len(path.parts) == 1 and not path.suffix:
        names = ", ".join(shipped_names())
        raise ConfigError(f"no configuration is called {name}; expected a YAML file, or {names}")
    return path


def shipped_files() -> list[Path]:
    """The files themselves, as the package holds them."""
    return sorted(_shipped().values())


def _shipped() -> dict[str, Path]:
    folder = packaged.packaged_folder(packaged.__file__, "conf")
    if not folder.is_dir():  # a checkout: the wheel takes the files from there
        folder = Path(packaged.__file__).parents[1] / "conf"
    files = [*folder.glob("*.yaml")]
    for platform in ("emr", "dataproc", "databricks"):
        files += folder.glob(f"{platform}/*.yaml")
    return {file.stem: file for file in files}
