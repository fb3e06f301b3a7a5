"""`--overwrite`: ask before a run is deleted to build another in its place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from infimm_spark.errors import ConfigError

if TYPE_CHECKING:
    from infimm_spark.config import BuildConfig

OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Delete the run in the output directory first; asks, unless --yes."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before --overwrite deletes.")]


def confirm(settings: BuildConfig, *, overwrite: bool, resume: bool, yes: bool) -> None:
    """Ask whether the run in the output may be deleted, if it is to be; ends the command where it
    may not.

    Raises `ConfigError` for contradictory options and where nobody can be asked.
    """
    if not overwrite:
        return
    if resume:
        raise ConfigError("--overwrite begins anew and --resume continues; expected one of them")
    from infimm_spark import store
    from infimm_spark.run.layout import RunLayout
    from infimm_spark.run.overwrite import check_replaceable

    store.configure(settings.store)
    layout = RunLayout(store.normal(settings.output or ""))
    files, size = check_replaceable(layout)
    if not files or yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(
            f"--overwrite deletes {files:,} files of {layout.root} and there is nobody to ask; "
            "expected --yes"
        )
    typer.confirm(
        f"Delete {files:,} files ({size / 1e6:,.1f} MB) of {layout.root}?", abort=True, err=True
    )
