#!/usr/bin/env python3
"""Fetch the Maven artefacts of a list beside this file and check their SHA-256.

    python conf/jars/fetch.py [--spark 4.1] [--to jars/4.1] [--repository URL]

A jar that is there and has its checksum is not fetched again. Without --spark the list is chosen by
the pyspark of this environment. Any Maven mirror will do as repository.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
CENTRAL = "https://repo1.maven.org/maven2"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--spark", help="Spark's version, such as 4.1")
    parser.add_argument("--to", type=Path, help="folder of the jars")
    parser.add_argument("--repository", default=os.environ.get("MAVEN_REPOSITORY", CENTRAL))
    options = parser.parse_args()
    spark = ".".join((options.spark or _installed()).split(".")[:2])
    listing = HERE / f"spark-{spark}.txt"
    if not listing.exists():
        have = ", ".join(sorted(path.stem.removeprefix("spark-") for path in HERE.glob("*.txt")))
        print(f"no list of jars for Spark {spark}; there are lists for {have}", file=sys.stderr)
        return 2
    folder = options.to or HERE.parents[1] / "jars" / spark
    folder.mkdir(parents=True, exist_ok=True)
    for line in listing.read_text().splitlines():
        if line and not line.startswith("#"):
            digest, artefact = line.split()
            try:
                _fetch(artefact, digest, folder, options.repository.rstrip("/"))
            except (OSError, ValueError) as error:
                print(f"{artefact}: {error}", file=sys.stderr)
                return 1
    print(folder)
    return 0


def _fetch(artefact: str, digest: str, folder: Path, repository: str) -> None:
    group, name, version = artefact.split(":")
    target = folder / f"{name}-{version}.jar"
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == digest:
        return
    url = f"{repository}/{group.replace('.', '/')}/{name}/{version}/{target.name}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        data = answer.read()
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise ValueError(f"SHA-256 of {url} is {found}; expected {digest}")
    partial = target.with_suffix(".part")
    partial.write_bytes(data)
    partial.replace(target)


def _installed() -> str:
    from importlib.metadata import version

    return version("pyspark")


if __name__ == "__main__":
    sys.exit(main())
