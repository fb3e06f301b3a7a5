"""Commands that need no run: a page, a plan, the sample crawl, a look at the installation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from infimm_spark import __version__
from infimm_spark.cli.options import ConfigOption
from infimm_spark.errors import InputError, OutputError


def page(
    file: Annotated[Path, typer.Argument(help="HTML file.", metavar="FILE.html")],
    url: Annotated[str, typer.Option(help="The page's URL; image links resolve against it.")],
    config: ConfigOption = None,
    content_type: Annotated[
        str | None, typer.Option(help="Content-Type header the page came with.")
    ] = None,
) -> None:
    """One page's document as JSON, and at which stage and by which rule a build would drop it."""
    from infimm_spark.cascade.trace import inspect_page
    from infimm_spark.config import load_config

    try:
        body = file.read_bytes()
    except OSError as error:
        raise InputError(f"page {file} cannot be read: {error.strerror}") from None
    report = inspect_page(body, url=url, content_type=content_type, config=load_config(config))
    print(json.dumps(report, ensure_ascii=False, indent=2))


def plan(
    snapshots: Annotated[int, typer.Option(min=1, help="How many snapshots are built.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="Cores of the cluster.")] = 512,
    rates: Annotated[
        Path, typer.Option(help="Rates of work; conf/rates.yaml says where each comes from.")
    ] = Path("conf/rates.yaml"),
    price_file: Annotated[
        Path | None, typer.Option(help="Prices, such as conf/prices.yaml; without them no costs.")
    ] = None,
    months_stored: Annotated[float, typer.Option(min=0.0, help="Months the results are kept.")] = 1,
) -> None:
    """Tasks, core-hours, memory, requests, bytes, wall time and costs of a build."""
    from infimm_spark.inspect import plan as planning

    prices = None if price_file is None else planning.load_prices(price_file)
    made = planning.make_plan(snapshots, cores, planning.load_rates(rates), prices, months_stored)
    print(planning.print_plan(made))


def doctor() -> None:
    """Check what a build needs: Java, Spark, and the models with their sources and checksums."""
    import pyspark

    from infimm_spark.classify.broadcast import read_model
    from infimm_spark.spark.session import require_java

    print(f"infimm-spark  {__version__}")
    print(f"python        {sys.version.split()[0]} ({sys.executable})")
    print(f"pyspark       {pyspark.__version__}")
    for kind in ("language", "recall", "precision"):
        model = read_model(None, kind)
        print(f"{kind:<13} {model.origin}, sha256 {model.sha256}")
    print(f"java          {require_java()}")


def sample(
    output: Annotated[Path, typer.Argument(help="New directory for the sample crawl.")],
) -> None:
    """Write the sample crawl that comes with the package, laid out like Common Crawl's bucket."""
    from infimm_spark.sample import write_sample_crawl

    if output.exists() and any(output.iterdir()):
        raise OutputError(f"{output} is not empty; expected a new directory")
    for path in write_sample_crawl(output):
        print(path)
