"""The public surface, and the layering that keeps the core free of Spark."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import infimm_spark

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "infimm_spark"


def test_the_public_names_are_these() -> None:
    """`__all__` names the whole public API; a change of it is a change of this list."""
    assert infimm_spark.__all__ == [
        "BuildConfig",
        "ConfigError",
        "Document",
        "Formula",
        "Image",
        "InfimmError",
        "InputError",
        "ModelColumns",
        "ModelsConfig",
        "PageRejectedError",
        "RunSummary",
        "Scores",
        "Segment",
        "build",
        "extract_page",
        "language",
        "load_config",
        "math_prob",
        "quality_prob",
        "score_document",
    ]


def test_type_checkers_and_dir_see_the_public_names() -> None:
    """The imports for type checkers are the names that load on first use, from the same modules."""
    tree = ast.parse(Path(infimm_spark.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {
        (alias.name, node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {(name, infimm_spark._HOME[name]) for name in infimm_spark.__all__}
    assert set(infimm_spark.__all__) <= set(dir(infimm_spark))


@pytest.mark.parametrize(
    "file", ["README.md", *(str(p.relative_to(ROOT)) for p in (ROOT / "docs/pages").rglob("*.md"))]
)
def test_what_the_documentation_imports_is_public(file: str) -> None:
    """Every `from infimm_spark import …` of the documentation names public names only."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.findall(r"^\s*from infimm_spark import ([\w, ]+)", text, re.MULTILINE)
    names = {name.strip() for line in found for name in line.split(",")}
    assert names <= {*infimm_spark.__all__, "__version__"}


@pytest.mark.parametrize("name", infimm_spark.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    """Each public name resolves and has a docstring of its own."""
    value = getattr(infimm_spark, name)
    assert (value.__doc__ or "").strip()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as in any module."""
    with pytest.raises(AttributeError, match="extract_pgae"):
        _ = infimm_spark.extract_pgae


def test_extraction_and_scoring_need_no_spark() -> None:
    """`extract_page` and `score_document` work in a process that never imports pyspark."""
    code = (
        "import sys, infimm_spark\n"
        "page = b'<h1>Sums</h1><p>We prove that the sum is \\\\(n(n+1)/2\\\\) by induction.</p>'\n"
        "document = infimm_spark.extract_page(page, url='http://example.org/')\n"
        "scores = infimm_spark.score_document(document)\n"
        "assert document.title == 'Sums', document.title\n"
        "assert '$n(n+1)/2$' in document.text, document.text\n"
        "assert scores.language == 'en', scores\n"
        "assert 0 <= scores.quality_prob <= 1\n"
        "assert 'pyspark' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=120)


@pytest.mark.parametrize("stage", ["build", "extract", "dedup", "refine", "publish", "annotate"])
def test_each_job_is_the_command_of_its_name(stage: str) -> None:
    """`jobs/STAGE.py` takes the options of `infimm STAGE`."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / f"{stage}.py"), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "120"},
    )
    assert result.returncode == 0, result.stderr
    makes = stage in ("build", "extract", "annotate")
    assert ("--output" if makes else "[RUN]") in result.stdout


def test_the_training_job_is_the_train_command() -> None:
    """`jobs/train_classifier.py` takes the options of `infimm train`."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / "train_classifier.py"), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "120"},
    )
    assert result.returncode == 0, result.stderr
    assert "--positives" in result.stdout
