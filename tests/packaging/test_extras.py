"""What only some commands need is an extra, and its absence is one line."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infimm_spark import cli
from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.extras import EXTRAS, LARGE_EXTRAS, require_extra

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
PACKAGES = {
    "google.auth": "google-auth",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "databricks.sdk": "databricks-sdk",
}
"""Module -> package, where the names differ."""


def test_the_extras_are_those_of_the_project_file() -> None:
    """A module that a command asks for is one that its extra installs."""
    declared = {
        extra: {re.split(r"[<>=\[]", requirement)[0] for requirement in requirements}
        for extra, requirements in PROJECT["project"]["optional-dependencies"].items()
    }
    for extra, modules in (EXTRAS | LARGE_EXTRAS).items():
        assert declared[extra] == {PACKAGES.get(module, module) for module in modules}
    (everything,) = PROJECT["project"]["optional-dependencies"]["all"]
    assert everything == f"infimm-spark[{','.join(EXTRAS)}]"


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "--kind", "recall", "--output", "o"], "train"),
        (["annotate", "d", "--output", "o", "--endpoint", "e", "--model", "m"], "annotate"),
    ],
)
def test_a_command_without_its_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], extra: str
) -> None:
    """The line names the modules that are missing and the command that installs them."""
    for module in EXTRAS[extra]:
        monkeypatch.setitem(sys.modules, module, None)
    error = CliRunner().invoke(cli.app, arguments).exception
    assert isinstance(error, EnvironmentMissingError)
    assert str(error) == (
        f"infimm {arguments[0]} needs {', '.join(EXTRAS[extra])}: "
        f"pip install 'infimm-spark[{extra}]'"
    )


def test_what_is_installed_is_not_asked_for() -> None:
    """With its modules there, an extra passes."""
    require_extra("report", "a test")


def test_a_build_imports_no_extra() -> None:
    """Commands of a build, its report and the core never import what only an extra installs."""
    own = {module for modules in (EXTRAS | LARGE_EXTRAS).values() for module in modules}
    own -= {"urllib3"}  # boto3 brings it too
    code = (
        "import sys\n"
        f"for name in {sorted(own)!r}:\n"
        "    sys.modules[name] = None\n"
        "import infimm_spark.cli, infimm_spark.run.pipeline, infimm_spark.stages\n"
        "import infimm_spark.inspect.explain, infimm_spark.report, infimm_spark.classify.udfs\n"
        "import infimm_spark.inspect.page, infimm_spark.store.gs\n"
        # What a build imports only when it comes to it.
        "import importlib, pkgutil\n"
        "for layer in ('run', 'stages', 'inspect', 'cascade', 'rules', 'warc', 'sample', 'spark'):\n"
        "    package = importlib.import_module(f'infimm_spark.{layer}')\n"
        "    for found in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):\n"
        "        importlib.import_module(found.name)\n"
        "import infimm_spark.report.html, infimm_spark.report.query, infimm_spark.report.what_if\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
