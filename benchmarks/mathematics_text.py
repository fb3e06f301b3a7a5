"""The main text of 60 mathematics pages, marked by hand: ours beside Trafilatura in one run.

    python benchmarks/mathematics_text.py [--peer PYTHON] [--show]

A page's marks are passages near the beginning and the end of its text, which must come out, and
passages of its menus, footers and lists of other pages, which must not. `mathematics_text.json`
holds no text of the pages: a passage is its number of words and a hash of them, compared with all
passages of as many words of the extracted text. Pages are those of `../shared/data/sites`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "benchmarks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from body_text import PEER, extracted_text  # noqa: E402

SITES = REPOSITORY.parent / "shared" / "data" / "sites"
MARKS = Path(__file__).with_suffix(".json")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")

Passage = tuple[int, str]
"""Number of words, first 12 hexadecimal digits of the SHA-256 of the words joined by blanks."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default=sys.executable, help="an interpreter with trafilatura")
    parser.add_argument("--show", action="store_true", help="print pages with a wrong passage")
    arguments = parser.parse_args()
    if not SITES.is_dir():
        sys.exit(f"{SITES} is absent: nothing to measure")
    marks = json.loads(MARKS.read_text("utf-8"))
    bodies = pages(set(marks))
    texts = {"ours": {name: extracted_text(body, "") for name, body in bodies.items()}}
    fed = "".join(
        json.dumps({"html": body.decode("utf-8", "surrogateescape")}) + "\n"
        for body in bodies.values()
    )
    done = subprocess.run([arguments.peer, "-c", PEER], input=fed, capture_output=True, text=True)
    if done.returncode == 0:
        lines = map(json.loads, done.stdout.splitlines())
        texts["Trafilatura"] = dict(zip(bodies, lines, strict=True))
    print(f"{len(bodies)} pages {'':8}{'recall':>8}{'precision':>10}{'F':>8}{'wrong pages':>13}")
    for system, of_page in texts.items():
        kept = lost = wrong = bad = 0
        for name, text in of_page.items():
            words = words_of(text)
            there = [holds(words, passage) for passage in marks[name]["keep"]]
            still = [holds(words, passage) for passage in marks[name]["drop"]]
            kept += sum(there)
            lost += len(there) - sum(there)
            wrong += sum(still)
            bad += not all(there) or any(still)
            if arguments.show and (not all(there) or any(still)):
                print(f"  {system} {name}: kept {there}, left {still}")
        recall, precision = kept / (kept + lost), kept / (kept + wrong)
        score = 2 * recall * precision / (recall + precision)
        print(f"{system:17}{recall:8.3f}{precision:10.3f}{score:8.3f}{bad:13}")


def pages(wanted: set[str]) -> dict[str, bytes]:
    """Bodies by the id of their page."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    names = {}
    with gzip.open(SITES / "pages.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            page = json.loads(line)
            if page["id"] in wanted:
                names[page["url"]] = page["id"]
    found: dict[str, bytes] = {}
    for path in sorted(SITES.glob("*.warc.gz")):
        with gzip.open(path) as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                name = names.get(record.headers["WARC-Target-URI"])
                if name is not None:
                    found[name] = record.reader.read()
    return found


def words_of(text: str) -> list[str]:
    """Words in small letters; every Han character is one."""
    return _WORD.findall(text.lower())


def passage_of(text: str) -> Passage:
    """A passage as it stands in the file of marks."""
    words = words_of(text)
    return len(words), _digest(words)


def holds(words: list[str], passage: Passage) -> bool:
    """Whether a passage stands among the words of a text."""
    count, digest = passage
    return any(
        _digest(words[start : start + count]) == digest for start in range(len(words) - count + 1)
    )


def _digest(words: list[str]) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]


if __name__ == "__main__":
    main()
