"""The `infimm` command: its groups of commands and its entry point."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from infimm_spark import progress
from infimm_spark.cli import build, classifiers, reports, runs, tools
from infimm_spark.cli.browse import browse
from infimm_spark.cli.cloud import cloud_app
from infimm_spark.cli.config import config_app
from infimm_spark.cli.ending import run_command
from infimm_spark.cli.images import images_app
from infimm_spark.cli.verify import verify
from infimm_spark.spark import logs
from infimm_spark.version import __version__

_BUILD = "Build a corpus"
_COMMON = ("--verbose", "-v", "--quiet", "-q", "--no-progress")


class _Commands(TyperGroup):
    """Commands by name; a registered stage without a function of its own is a command too.

    Options of all commands may stand after the command as well as before it.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        end = args.index("--") if "--" in args else len(args)
        common = [word for word in args[:end] if word in _COMMON]
        own = [word for word in args[:end] if word not in _COMMON]
        return super().parse_args(ctx, [*common, *own, *args[end:]])

    def list_commands(self, ctx: Any) -> list[str]:
        from infimm_spark.stages.registry import STAGES  # slow to import: only help asks for it

        own = super().list_commands(ctx)
        return [*own, *(name for name in STAGES if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or _stage_command(cmd_name)


def _stage_command(name: str) -> Any:
    from infimm_spark.stages.registry import STAGES

    if name not in STAGES:
        return None
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name=name, rich_help_panel=_BUILD)(
        build.stage_command(name, name, STAGES[name].summary)
    )
    return typer.main.get_command(single)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build an interleaved text-and-image mathematics corpus from Common Crawl.",
)


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    _BUILD: (
        build.build,
        build.extract,
        build.dedup,
        build.refine,
        build.publish,
        build.monthly,
    ),
    "Look at a run": (
        reports.report,
        reports.stats,
        browse,
        reports.what_if,
        reports.compare_judges,
        runs.funnel,
        runs.explain,
        runs.fetch,
        runs.traffic,
        runs.dedup_report,
        verify,
    ),
    "Use a corpus": (runs.export, runs.pack),
    "Make classifiers": (classifiers.annotate, classifiers.train, classifiers.mine),
    "Other": (tools.page, tools.plan, tools.sample, tools.doctor),
}
"""Heading in the help -> functions, each a command of its name."""

for heading, functions in COMMANDS.items():
    for function in functions:
        app.command(rich_help_panel=heading)(function)
app.add_typer(cloud_app, name="cloud", rich_help_panel=_BUILD)
app.add_typer(images_app, name="images", rich_help_panel="Images")
app.add_typer(config_app, name="config", rich_help_panel="Other")


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Log warnings and errors only; no progress.")
    ] = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="Show no progress while a command works.")
    ] = False,
) -> None:
    if version:
        print(f"infimm-spark {__version__}")
        raise typer.Exit
    level = logging.WARNING if quiet else logging.INFO
    logs.configure(logging.DEBUG if verbose else level)
    if quiet or no_progress:
        progress.show("off")
    else:
        progress.show("live" if sys.stderr.isatty() and not logs.is_json() else "lines")


def main() -> None:
    """Entry point: whatever goes wrong is one line on stderr with an exit code of its own."""
    sys.exit(run_command(lambda: app(standalone_mode=False)))
