"""`infimm config`: configurations to look at."""

from __future__ import annotations

import typer

from infimm_spark.cli.options import ConfigOption, SetOption

config_app = typer.Typer(help="Show configurations.", no_args_is_help=True)


@config_app.command()
def show(config: ConfigOption = None, set_: SetOption = None) -> None:
    """Print the effective configuration as YAML, with the source of each value."""
    from infimm_spark.config import config_layers, effective_yaml, validated

    layers = config_layers(config, assignments=set_ or ())
    print(effective_yaml(validated(layers), layers), end="")


@config_app.command("list")
def list_() -> None:
    """Print the names of the configurations that come with the package."""
    from infimm_spark.config import shipped_names

    print("\n".join(shipped_names()))
