"""The command that shows a run in a web browser."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from infimm_spark.cli.options import RunArgument, RunOption, required
from infimm_spark.errors import InputError
from infimm_spark.extras import require_extra


def browse(
    run: RunArgument = None,
    second: Annotated[
        str | None,
        typer.Argument(help="With --compare: the run to compare with.", metavar="RUN_B"),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Compare two runs: RUN is the older, RUN_B the newer."),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of 127.0.0.1; 0 takes a free one.")
    ] = 0,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Label file, JSON Lines; an existing file is continued (default: "
            "RUN-labels.jsonl in this folder).",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(
            help="Label the pages that `infimm mine` proposed: its output.", metavar="DIR"
        ),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(help="Where the crawl is now, if it has moved.", metavar="FOLDER"),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the address in a browser.")] = False,
    run_option: RunOption = None,
) -> None:
    """Search, read and label the pages of a run in a web browser on this machine."""
    require_extra("browse", "infimm browse")
    import asyncio
    import webbrowser

    from infimm_spark.browse.server import listening, open_browser, open_comparison, served

    if (second is not None) != compare:
        raise InputError("browse: expected RUN, or --compare RUN_A RUN_B")
    first = required(run, run_option, "RUN")
    bound = listening(port)
    try:
        if second is not None:
            browser = open_comparison(first, second, labels=labels, root=root)
        else:
            browser = open_browser(first, labels=labels, queue=queue, root=root)
    except BaseException:
        bound.close()
        raise
    server, address = served(browser, bound)
    print(f"{browser.name}: {browser.catalogue.pages:,} pages; labels in {browser.labels.path}")
    print(f"open {address}")
    print("Ctrl-C ends it.", flush=True)
    if open_:
        webbrowser.open(address)
    try:
        asyncio.run(server.serve(sockets=[bound]))
    except KeyboardInterrupt:
        pass
    finally:
        browser.catalogue.close()
        sys.stdout.flush()
