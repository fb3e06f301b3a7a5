"""A user's mistake is one clear line on stderr and a non-zero exit, before Spark starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import infimm

ROOT = Path(__file__).resolve().parents[2]


def infimm_by_python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, from the start of Python on."""
    return subprocess.run(
        [sys.executable, "-m", "infimm_spark.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The single line a refusal consists of."""
    assert result.returncode not in (0, 1), result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("infimm: ")
    return lines[0]


@pytest.fixture(scope="module")
def some_warc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WARC file of the sample crawl."""
    from infimm_spark.sample import write_sample_crawl

    root = tmp_path_factory.mktemp("crawl")
    write_sample_crawl(root)
    return next(iter(sorted(root.rglob("*.warc.gz"))))


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    """A path that does not exist is refused by name."""
    line = refused(infimm("build", "--input", tmp_path / "none", "--output", tmp_path / "o"))
    assert str(tmp_path / "none") in line
    assert not (tmp_path / "o").exists()


def test_no_input_at_all_is_refused(tmp_path: Path) -> None:
    """A build without input says how to give one."""
    assert "--input" in refused(infimm("build", "--output", tmp_path / "o"))


def test_the_output_may_stand_in_the_configuration(tmp_path: Path) -> None:
    """A configuration that names the output needs no option; without either both are named."""
    config = tmp_path / "c.yaml"
    config.write_text(f"output: {tmp_path / 'o'}\n")
    line = refused(infimm("build", "--config", config, "--input", tmp_path / "none"))
    assert str(tmp_path / "none") in line
    line = refused(infimm("build", "--input", tmp_path / "none"))
    assert "--output RUN or in the configuration" in line


def test_a_glob_without_match_is_refused(tmp_path: Path) -> None:
    """A pattern that matches nothing is refused, not an empty corpus."""
    line = refused(infimm("build", "--input", f"{tmp_path}/*.warc.gz", "--output", tmp_path / "o"))
    assert "*.warc.gz" in line


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    """A folder without a WARC file is refused."""
    (tmp_path / "in").mkdir()
    assert "in" in refused(infimm("build", "--input", tmp_path / "in", "--output", tmp_path / "o"))


def test_an_unknown_snapshot_names_those_there_are(some_warc: Path, tmp_path: Path) -> None:
    """A snapshot the mirror does not hold is refused with the ones it does."""
    root = some_warc.parents[5]
    line = refused(
        infimm(
            "build", "--input", root, "--snapshot", "CC-MAIN-1999-01", "--output", tmp_path / "o"
        )
    )
    assert "CC-MAIN-1999-01" in line
    assert some_warc.parts[-5] in line


def test_an_output_that_holds_other_files_is_refused(some_warc: Path, tmp_path: Path) -> None:
    """A directory with somebody's files in it is not written to."""
    (tmp_path / "thesis.txt").write_text("precious")
    line = refused(infimm("build", "--input", some_warc, "--output", tmp_path))
    assert "not empty" in line


def test_an_output_that_is_a_file_is_refused(some_warc: Path, tmp_path: Path) -> None:
    """A file at the output's place, or on the way to it, is named."""
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for output in (file, file / "run"):
        line = refused(infimm("build", "--input", some_warc, "--output", output))
        assert f"{file} is a file; expected a new or empty directory" in line
    assert file.read_text() == "mine"


def test_an_output_that_holds_a_run_is_refused(some_warc: Path, tmp_path: Path) -> None:
    """Another run's directory is refused, pointing to --resume."""
    (tmp_path / "run.json").write_text(json.dumps({"run_id": "earlier", "config": {}}))
    line = refused(infimm("build", "--input", some_warc, "--output", tmp_path))
    assert "earlier" in line
    assert "--resume" in line


def test_a_model_that_is_not_fasttext_is_refused(some_warc: Path, tmp_path: Path) -> None:
    """A wrong model file is named before anything is read."""
    (tmp_path / "model.bin").write_bytes(b"not a model at all")
    (tmp_path / "c.yaml").write_text(f"models: {{recall: {tmp_path}/model.bin}}")
    line = refused(
        infimm(
            "build",
            "--config",
            tmp_path / "c.yaml",
            "--input",
            some_warc,
            "--output",
            tmp_path / "o",
        )
    )
    assert "model.bin" in line
    assert "not a fastText model" in line


def test_a_wrong_key_is_refused(some_warc: Path, tmp_path: Path) -> None:
    """An unknown configuration key is named with its value."""
    (tmp_path / "c.yaml").write_text("extract: {langauges: [en]}")
    line = refused(
        infimm(
            "build",
            "--config",
            tmp_path / "c.yaml",
            "--input",
            some_warc,
            "--output",
            tmp_path / "o",
        )
    )
    assert "extract.langauges" in line


def test_a_missing_java_says_how_to_get_one(some_warc: Path, tmp_path: Path) -> None:
    """Without a Java runtime the command says what is missing and how to install it."""
    result = infimm(
        "build", "--input", some_warc, "--output", tmp_path / "o", JAVA_HOME=str(tmp_path)
    )
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("infimm: "))
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    assert "openjdk-17-jre-headless" in line


def test_a_stage_before_its_time_is_refused(tmp_path: Path) -> None:
    """Dedup of a directory without a run says what it expected."""
    assert "run.json" in refused(infimm("dedup", tmp_path))


@pytest.mark.parametrize(
    "command", [("funnel", "RUN"), ("explain", "RUN", "http://a/"), ("traffic", "--run", "RUN")]
)
def test_looking_at_no_run_is_refused(command: tuple[str, ...], tmp_path: Path) -> None:
    """`funnel` and `explain` name a directory that holds no run."""
    arguments = [tmp_path if argument == "RUN" else argument for argument in command]
    assert str(tmp_path) in refused(infimm(*arguments))


def test_page_prints_one_document(tmp_path: Path) -> None:
    """`infimm page` gives segments, formulas with mode and encoding, images, scores and verdict."""
    page = tmp_path / "page.html"
    page.write_text(
        "<html><head><title>Completing the square</title></head><body><h1>Completing the "
        "square</h1>"
        + "<p>To solve a quadratic equation we complete the square. The identity is proved below, "
        "and each step of the derivation is explained so that a student can follow it.</p>"
        * 3
        + '<p>Start from <script type="math/tex">x^2 + bx + c = 0</script> and add a term.</p>'
        '<script type="math/tex; mode=display">x = \\frac{-b \\pm \\sqrt{b^2-4c}}{2}</script>'
        '<img src="../fig/square.png" alt="A square cut into pieces"><p>This proves the formula.</p>'
        "</body></html>",
        encoding="utf-8",
    )
    result = infimm_by_python("page", page, "http://example.org/algebra/square.html")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["language"] == "en"
    assert [(f["tex"], f["display"]) for f in report["formulas"]] == [
        ("x^2 + bx + c = 0", False),
        ("x = \\frac{-b \\pm \\sqrt{b^2-4c}}{2}", True),
    ]
    images = [s["image"]["url"] for s in report["segments"] if "image" in s]
    assert images == ["http://example.org/fig/square.png"]
    assert set(report["scores"]) == {"language_prob", "recall_prob", "math_prob", "quality_prob"}


def test_page_says_which_stage_drops_it(tmp_path: Path) -> None:
    """A German page is dropped by the language step, with the score that decided."""
    page = tmp_path / "page.html"
    page.write_text(
        "<p>Der Bahnhof liegt am Rande der kleinen Stadt, und jeden Morgen warten dort viele "
        "Menschen auf den Zug in die Hauptstadt, der selten pünktlich kommt.</p>",
        encoding="utf-8",
    )
    result = infimm("page", page, "http://example.org/")
    report = json.loads(result.stdout)
    assert report["dropped"]["stage"] == "extract"
    assert report["dropped"]["rule"] == "language"
    assert report["language"] == "de"
    assert report["dropped"]["score"] > 0.5


def test_a_hostile_page_does_not_hang_the_command(tmp_path: Path) -> None:
    """A million nested elements are refused by the screen within seconds."""
    page = tmp_path / "page.html"
    page.write_bytes(b"<div>" * 1_000_000)
    result = infimm("page", page, "http://example.org/")
    report = json.loads(result.stdout)
    assert report["dropped"]["stage"] == "extract"
    assert report["dropped"]["rule"] == "too_deep"


def test_a_missing_page_is_one_line(tmp_path: Path) -> None:
    """A file that is not there is named."""
    assert "none.html" in refused(infimm_by_python("page", tmp_path / "none.html", "http://a/"))


def test_a_registered_stage_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that is only registered has a command with its summary and the options of a stage."""
    from toy_stage import TOY
    from typer.testing import CliRunner

    from infimm_spark.cli.app import app
    from infimm_spark.stages.registry import STAGES

    assert CliRunner().invoke(app, ["toy", "--help"]).exit_code == 2
    monkeypatch.setitem(STAGES, TOY.name, TOY)
    shown = CliRunner().invoke(app, ["toy", "--help"])
    assert shown.exit_code == 0
    assert TOY.summary in shown.output
    assert "--redo" in shown.output
    assert TOY.name in CliRunner().invoke(app, ["--help"]).output
