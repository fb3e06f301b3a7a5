"""Commands that need no run: a page, a plan, the sample crawl, a look at the installation."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from infimm_spark.cli.options import ConfigOption, SetOption, UrlOption, required
from infimm_spark.cli.settings import existing_run
from infimm_spark.errors import InputError, OutputError
from infimm_spark.version import build_id


def page(
    file: Annotated[Path, typer.Argument(help="HTML file.", metavar="FILE.html")],
    url: Annotated[
        str | None,
        typer.Argument(
            help="The page's URL; links resolve against it.", metavar="URL", show_default=False
        ),
    ] = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    content_type: Annotated[
        str | None, typer.Option(help="Content-Type header the page came with.")
    ] = None,
    url_option: UrlOption = None,
    run: Annotated[
        str | None,
        typer.Option(help="Leave out the paragraphs that this run found repeated on the host."),
    ] = None,
    why: Annotated[
        bool,
        typer.Option("--why", help="Add the facts and words that moved each score most."),
    ] = False,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Show it in a web browser instead of printing JSON."),
    ] = False,
) -> None:
    """Print a page's document as JSON, and the stage and rule by which a build would drop it."""
    from infimm_spark.config import load_config
    from infimm_spark.inspect.page import inspect_page

    address = required(url, url_option, "URL")
    settings = load_config(config, assignments=set_ or ())
    try:
        body = file.read_bytes()
    except OSError as error:
        raise InputError(f"page {file} cannot be read: {error.strerror}") from None
    report = inspect_page(
        body,
        url=address,
        content_type=content_type,
        config=settings,
        run=None if run is None else existing_run(run),
        explain=why,
    )
    if not open_:
        print(json.dumps(report, ensure_ascii=False, indent=2))
        return
    import webbrowser

    from infimm_spark.browse.file_view import write_page_view

    path = write_page_view(body, report, settings, content_type)
    print(path)
    if not webbrowser.open(path.as_uri()):
        print("no web browser was found: open this file in one", file=sys.stderr)


def plan(
    snapshots: Annotated[int, typer.Option(min=1, help="Number of snapshots to build.")] = 1,
    files: Annotated[
        int | None,
        typer.Option(min=1, help="Number of WARC files to read of them (default: all)."),
    ] = None,
    cores: Annotated[int, typer.Option(min=1, help="Cores of the cluster.")] = 512,
    rates: Annotated[
        str,
        typer.Option(
            help="File of work rates (default: the package's, which names their sources).",
            metavar="FILE",
        ),
    ] = "rates",
    price_file: Annotated[
        str | None,
        typer.Option(
            help="File of prices; `prices` is the package's example. Without it, no costs.",
            metavar="FILE|prices",
        ),
    ] = None,
    encoder: Annotated[
        bool, typer.Option("--encoder", help="Refine with an encoder judge.")
    ] = False,
    months_stored: Annotated[
        float, typer.Option(min=0.0, help="Months for which the results are stored.")
    ] = 1,
) -> None:
    """Estimate tasks, core-hours, memory, requests, bytes, wall time and costs of a build."""
    from infimm_spark.inspect import plan as planning

    prices = None if price_file is None else planning.load_prices(price_file)
    made = planning.make_plan(
        snapshots,
        cores,
        planning.load_rates(rates),
        prices,
        months_stored,
        files,
        encoder=encoder,
    )
    print(planning.print_plan(made))


def doctor(
    java_home: Annotated[
        bool,
        typer.Option(
            "--java-home", help="Print only the JAVA_HOME that spark-submit should be given."
        ),
    ] = False,
) -> None:
    """Check what a build needs: Java, Spark, models with their sources and checksums."""
    import pyspark

    from infimm_spark.classify.broadcast import read_model
    from infimm_spark.spark.java import provide_java

    if java_home:
        print(Path(os.path.realpath(provide_java().executable)).parents[1])
        return

    print(f"infimm-spark  {build_id()}")
    print(f"python        {sys.version.split()[0]} ({sys.executable})")
    print(f"pyspark       {pyspark.__version__}")
    for kind in ("language", "recall", "precision"):
        model = read_model(None, kind)
        print(f"{kind:<13} {model.origin}, sha256 {model.sha256}")
    print(f"java          {provide_java()}")


def sample(
    output: Annotated[Path, typer.Argument(help="New directory for the sample crawl.")] = Path(
        "sample-crawl"
    ),
) -> None:
    """Write the sample crawl of the package, laid out like Common Crawl's bucket."""
    from infimm_spark.sample import write_sample_crawl

    if output.exists() and any(output.iterdir()):
        raise OutputError(f"{output} is not empty; expected a new directory")
    for path in write_sample_crawl(output):
        print(path)
