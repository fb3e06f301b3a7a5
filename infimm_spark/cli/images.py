"""`infimm images`: select the images of a corpus, and fetch them."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from infimm_spark.cli.build import stage_command
from infimm_spark.cli.options import (
    ConfigOption,
    RunArgument,
    RunOption,
    SetOption,
    TakeOverOption,
    required,
)
from infimm_spark.cli.settings import reconfigured
from infimm_spark.extras import require_extra

images_app = typer.Typer(
    help="Select the images of a corpus, and fetch them.", no_args_is_help=True
)


images_app.command()(
    stage_command(
        "images",
        "select",
        "Select the images of a finished run that are worth fetching.",
        ("images.enabled=true",),
    )
)


@images_app.command()
def fetch(
    run: RunArgument = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask for at most N image URLs.", metavar="N")
    ] = None,
    archive_root: Annotated[
        str | None,
        typer.Option(
            help="Web archive to ask for images that are gone, such as "
            "https://web.archive.org/web.",
            metavar="URL",
        ),
    ] = None,
    take_over: TakeOverOption = False,
    run_option: RunOption = None,
) -> None:
    """Fetch the selected images of a run, each URL once; run it again to go on."""
    require_extra("images", "infimm images fetch")
    from infimm_spark.run.fetching import fetch_images, print_summary
    from infimm_spark.run.run import Run

    location = os.path.expanduser(required(run, run_option, "RUN"))
    assignments = list(set_ or [])
    if archive_root is not None:
        assignments.append(f"images.fetch.archive_root={archive_root}")
    settings = reconfigured(Run.open(location).config, location, config, assignments)
    opened = Run.open(location, settings, take_over=take_over)
    print(print_summary(fetch_images(opened, limit=limit)))
