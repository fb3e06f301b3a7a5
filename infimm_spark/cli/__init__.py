"""The `infimm` command line: one module for each group of commands."""

from infimm_spark.cli.app import app, main

__all__ = ["app", "main"]
