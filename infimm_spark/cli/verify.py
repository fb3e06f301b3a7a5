"""`infimm verify`: whether a run's files are what its manifests say."""

from __future__ import annotations

from typing import Annotated

import typer

from infimm_spark.cli.options import TakeOverOption
from infimm_spark.cli.settings import existing_run
from infimm_spark.errors import DamagedRunError


def verify(
    run: Annotated[
        str, typer.Argument(help="Directory of a run (--output of a build).", metavar="RUN")
    ],
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every file and compare its SHA-256.")
    ] = False,
    mend: Annotated[
        bool,
        typer.Option(
            "--mend", help="Forget damaged groups of WARC files: --resume reads them again."
        ),
    ] = False,
    take_over: TakeOverOption = False,
) -> None:
    """Compare the files of a run with its manifests: all there, of the right size, unchanged
    (--deep)."""
    from infimm_spark.run import verify as verifying
    from infimm_spark.run.lock import holding
    from infimm_spark.run.run import Run

    layout = existing_run(run)
    verdict = verifying.verify(layout, deep=deep, spark=lambda: Run.open(run).spark)
    print(verifying.describe(layout, verdict, deep=deep))
    if mend:
        with holding(layout.root, take_over=take_over):
            forgotten = verifying.forget_damaged(layout, verdict)
        print(f"{len(forgotten)} manifests deleted; continue the build with --resume")
    elif verdict.damage:
        raise DamagedRunError(
            f"{len(verdict.damage):,} files of {layout.root} are damaged, the first "
            f"{verdict.damage[0]}"
        )
