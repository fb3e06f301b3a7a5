"""Body text: snippets to keep and boilerplate to remove, beside Trafilatura in one run.

    python benchmarks/body_text.py [--peer PYTHON] [--show N]

The 990 pages of Trafilatura's own evaluation (`../shared/data/gold/text`); those whose HTML is in
the crawl are read. A snippet counts as kept when it stands in the text, white space and our
Markdown marks aside. PYTHON is the interpreter of an environment that has Trafilatura, where it is
not in this one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "benchmarks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

DATA = REPOSITORY.parent / "shared" / "data"

PEER = """
import json, sys
import trafilatura
out = sys.stdout
for line in sys.stdin:
    page = json.loads(line)
    try:
        text = trafilatura.extract(page["html"].encode("utf-8", "surrogateescape"), include_comments=False)
    except Exception:
        text = None
    out.write(json.dumps(text or "") + "\\n")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default=sys.executable, help="an interpreter with trafilatura")
    parser.add_argument(
        "--show", type=int, default=0, help="print so many snippets missed and kept"
    )
    arguments = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is absent: nothing to measure")
    pages = gold_pages()
    started = time.perf_counter()
    ours = [extracted_text(body, url) for url, body, _, _ in pages]
    seconds = time.perf_counter() - started
    texts = {f"ours ({len(pages) / seconds:,.0f} pages/s)": ours}
    fed = "".join(
        json.dumps({"html": body.decode("utf-8", "surrogateescape")}) + "\n"
        for _, body, _, _ in pages
    )
    started = time.perf_counter()
    done = subprocess.run([arguments.peer, "-c", PEER], input=fed, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        print(
            f"Trafilatura is not measured: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr
        )
    else:
        texts[f"Trafilatura ({len(pages) / seconds:,.0f} pages/s)"] = [
            json.loads(line) for line in done.stdout.splitlines()
        ]
    print(f"{len(pages)} pages {'':20} {'recall':>8} {'precision':>9} {'F':>7} {'accuracy':>9}")
    for name, extracted in texts.items():
        print(f"{name:30} " + _line(pages, extracted))
    if arguments.show:
        _show(pages, ours, arguments.show)


Page = tuple[str, bytes, list[str], list[str]]
"""URL, body, snippets to keep, snippets that must go."""


def gold_pages() -> list[Page]:
    """The pages of the evaluation whose HTML is in the crawl."""
    from formulas import crawl_pages

    gold = json.loads((DATA / "gold/text/trafilatura-evaldata.json").read_text("utf-8"))
    by_file = {entry["file"]: entry for entry in gold.values()}
    paths = {}
    with gzip.open(DATA / "commoncrawl/labels.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            label = json.loads(line)
            entry = by_file.get(label["path"].rsplit("/", 1)[-1])
            if label["source"] == "trafilatura-pages" and entry:
                paths[label["url"]] = entry
    bodies = {url: body for url, body in crawl_pages() if url in paths}
    return [
        (url, body, paths[url].get("with") or [], paths[url].get("without") or [])
        for url, body in bodies.items()
    ]


def extracted_text(body: bytes, url: str) -> str:
    from infimm_spark.errors import PageRejectedError
    from infimm_spark.extract import extract_page

    try:
        return extract_page(body, url=url).text
    except PageRejectedError:
        return ""


_MARKS = re.compile(r"[#>|*`\\]|^\s*(?:-|\d+\.)\s", re.M)


def _flat(text: str) -> str:
    return " ".join(_MARKS.sub(" ", text).split())


def _counts(pages: list[Page], texts: list[str]) -> tuple[int, int, int, int]:
    kept = lost = wrong = gone = 0
    for (_, _, keep, drop), text in zip(pages, texts, strict=True):
        flat = _flat(text)
        for snippet in keep:
            if _flat(snippet) in flat:
                kept += 1
            else:
                lost += 1
        for snippet in drop:
            if _flat(snippet) in flat:
                wrong += 1
            else:
                gone += 1
    return kept, lost, wrong, gone


def _line(pages: list[Page], texts: list[str]) -> str:
    kept, lost, wrong, gone = _counts(pages, texts)
    recall, precision = kept / (kept + lost), kept / (kept + wrong)
    score = 2 * recall * precision / (recall + precision)
    accuracy = (kept + gone) / (kept + lost + wrong + gone)
    return f"{recall:8.3f} {precision:9.3f} {score:7.3f} {accuracy:9.3f}"


def _show(pages: list[Page], texts: list[str], most: int) -> None:
    shown = [0, 0]
    for (url, _, keep, drop), text in zip(pages, texts, strict=True):
        flat = _flat(text)
        for index, snippets in enumerate((keep, drop)):
            for snippet in snippets:
                if (_flat(snippet) in flat) == bool(index) and shown[index] < most:
                    shown[index] += 1
                    print(("LOST", "KEPT")[index], url[:90], "|", snippet[:100])


if __name__ == "__main__":
    main()
