#!/usr/bin/env python3
"""Write the table of wheels in docs/pages/install.md: which dependency has none, for which machine.

    python docs/wheels.py     # asks PyPI through uv; a minute

Versions are those of conf/constraints.txt. Every package of the resolution is looked at, with those
of all extras; pyspark comes as source, which any machine unpacks.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "pages" / "install.md"
BEGIN, END = "<!-- wheels: written by docs/wheels.py -->", "<!-- end of wheels -->"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux ARM": "aarch64-manylinux_2_28",
    "macOS ARM": "aarch64-apple-darwin",
    "macOS Intel": "x86_64-apple-darwin",
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def main() -> int:
    """0; 1 with a line on stderr where uv cannot be asked."""
    missing: dict[str, dict[str, list[str]]] = {}
    packages: set[str] = set()
    for machine, platform in MACHINES.items():
        for python in PYTHONS:
            found, lacking = resolved(python, platform)
            packages |= found | lacking
            for name in lacking:
                missing.setdefault(name, {}).setdefault(machine, []).append(python)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(
        f"{before}{BEGIN}\n\n{table(packages, missing)}\n{END}{after}", encoding="utf-8"
    )
    return 0


def resolved(python: str, platform: str) -> tuple[set[str], set[str]]:
    """(packages that have wheels, packages that have none) for a Python and a platform."""
    lacking: set[str] = set()
    while True:
        done, left_out = compiled(python, platform, lacking)
        if done.returncode == 0:
            return {name for name, _ in _PIN.findall(done.stdout)} - lacking, lacking
        said = " ".join(done.stderr.split())
        named = re.search(r"([A-Za-z0-9._-]+)==\S+ has no usable wheels", said)
        name = named[1] if named else None
        if name is None or name in left_out:
            raise SystemExit(f"wheels: Python {python}, {platform}: {said}")
        lacking.add(name)


def compiled(
    python: str, platform: str, left_out: set[str]
) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """uv's resolution from wheels only, without the packages `left_out`."""
    with tempfile.TemporaryDirectory() as folder:
        overrides = Path(folder) / "overrides.txt"
        # Of two packages with a module `fasttext` one goes; future is of Python 2.
        never = {*left_out, "fasttext-predict", "future"}
        overrides.write_text("".join(f"{name} ; python_version < '3'\n" for name in sorted(never)))
        command = [
            "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate",
            "--only-binary", ":all:", "--no-binary", "pyspark",
            "--python-version", python, "--python-platform", platform,
            "--extra", "all", "--constraint", str(ROOT / "conf" / "constraints.txt"),
            "--override", str(overrides), str(ROOT / "pyproject.toml"),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
    return done, never


def table(packages: set[str], missing: dict[str, dict[str, list[str]]]) -> str:
    """Packages that lack a wheel, a row each; the others by name below."""
    lines = [f"| package | {' | '.join(MACHINES)} |", f"|---|{'---|' * len(MACHINES)}"]
    for name in sorted(missing):
        cells = [
            f"none for {', '.join(missing[name][machine])}" if machine in missing[name] else "all"
            for machine in MACHINES
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    others = ", ".join(f"`{name}`" for name in sorted(packages - missing.keys()))
    if not missing:
        lines = []
    return "\n".join(
        [*lines, "", f"Wheels for Python {', '.join(PYTHONS)} on all four: {others}.", ""]
    )


if __name__ == "__main__":
    sys.exit(main())
