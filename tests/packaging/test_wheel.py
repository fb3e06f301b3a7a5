"""The wheel, installed by itself, works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infimm_spark.config.shipped import NO_CONFIGURATIONS, shipped_names

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that has to succeed, in an environment without our paths."""
    own = ("PYTHONPATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1_500,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def test_the_wheel_takes_every_configuration_along() -> None:
    """A configuration added to conf/ is listed for the wheel too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {Path(file).stem for file in included} == {*shipped_names(), *NO_CONFIGURATIONS}
    assert all((ROOT / file).is_file() for file in included)


@pytest.mark.slow
@pytest.mark.spark
def test_sample_and_build_outside_a_checkout(tmp_path: Path) -> None:
    """`infimm sample && infimm build --config local` in an empty environment and folder."""
    uv = Path(sys.executable).with_name("uv")
    python = tmp_path / "venv" / "bin" / "python"
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", python]
    install += ["--constraint", ROOT / "conf" / "constraints.txt"]
    work = tmp_path / "work"
    work.mkdir()
    run(uv, "build", "--wheel", "--quiet", "--out-dir", tmp_path / "dist", ROOT, cwd=work)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=work)
    run(*install, wheel, cwd=work)
    infimm = python.with_name("infimm")
    run(infimm, "sample", cwd=work)
    built = run(
        infimm, "build", "--config", "local", "--input", "sample-crawl", "--output", "run", cwd=work
    )
    assert "corpus" in built
    assert list((work / "run" / "corpus").rglob("*.parquet"))
    assert "core-hours" in run(infimm, "plan", cwd=work)
    assert "group_size: 4  # local" in run(infimm, "config", "show", "--config", "local", cwd=work)
