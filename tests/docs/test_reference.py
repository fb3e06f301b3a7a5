"""The reference pages are what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from infimm_spark import errors, schemas
from infimm_spark.config import BuildConfig

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generate: ModuleType) -> None:
    """A changed model, schema or error comes with its page: `make reference` writes it."""
    for name, text in generate.pages().items():
        assert (generate.PAGES / name).read_text(encoding="utf-8") == text, "run make reference"


def test_every_key_of_the_configuration_has_its_row_and_meaning(generate: ModuleType) -> None:
    """Nothing that a file can say is undocumented."""
    rows = [line for line in generate.configuration().splitlines() if line.startswith("| `")]
    assert {f"| `{name}` |" for name in type(BuildConfig().dedup.minhash).model_fields} <= {
        "|".join(row.split("|")[:2]) + "|" for row in rows
    }
    assert [row for row in rows if row.split(" | ")[-1].strip(" |") == ""] == []


def test_every_table_and_error_is_listed(generate: ModuleType) -> None:
    """Tables with all their columns, errors with their exit codes."""
    tables = generate.tables()
    assert all(f"\n| `{column}` |" in tables for column in schemas.CORPUS.names)
    exits = generate.exit_codes()
    assert f"| {errors.TooManyFailuresError.exit_code} | `TooManyFailuresError` |" in exits
