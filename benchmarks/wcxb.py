"""Body text by page type on the Web Content Extraction Benchmark, beside Trafilatura.

    git clone https://github.com/Murrough-Foley/web-content-extraction-benchmark
    python benchmarks/wcxb.py web-content-extraction-benchmark [--peer PYTHON] [--pages FILE]

Scores the 1,497 pages of its `dev` split (CC-BY-4.0) with the benchmark's own `evaluate.py`: word
F1, precision and recall, averaged over pages. PYTHON is an interpreter that has Trafilatura;
`--pages` writes one line of JSON a page, for finding the pages where the two differ most.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "benchmarks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from body_text import PEER, extracted_text  # noqa: E402

TYPES = ("article", "forum", "product", "collection", "listing", "documentation", "service")
Score = tuple[float, float, float]
"""Precision, recall, F1 of one page."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmark", type=Path, help="folder with evaluate.py and dev/")
    parser.add_argument("--peer", default=sys.executable, help="an interpreter with trafilatura")
    parser.add_argument("--no-peer", action="store_true", help="score ours alone")
    parser.add_argument("--pages", type=Path, help="write each page's scores to this file")
    arguments = parser.parse_args()
    if not (arguments.benchmark / "evaluate.py").is_file():
        sys.exit(f"{arguments.benchmark} has no evaluate.py: expected the benchmark's folder")
    scorer = _scorer(arguments.benchmark)
    truth = scorer.load_ground_truth("dev")
    bodies = {
        name: gzip.decompress((arguments.benchmark / f"dev/html/{name}.html.gz").read_bytes())
        for name in truth
    }
    started = time.perf_counter()
    ours = {name: extracted_text(body, "") for name, body in bodies.items()}
    print(f"ours: {len(truth) / (time.perf_counter() - started):,.0f} pages/s")
    texts = {"ours": ours}
    if not arguments.no_peer:
        texts["trafilatura"] = _peer(arguments.peer, bodies)
    scores = {
        system: {
            name: scorer.word_f1(given[name], page["main_content"]) for name, page in truth.items()
        }
        for system, given in texts.items()
    }
    _print_table({name: page["page_type"] for name, page in truth.items()}, scores)
    if arguments.pages:
        with arguments.pages.open("w", encoding="utf-8") as out:
            for name, page in truth.items():
                row = {"page": name, "type": page["page_type"]}
                row |= {system: of_page[name] for system, of_page in scores.items()}
                out.write(json.dumps(row) + "\n")


def _scorer(folder: Path) -> ModuleType:
    """The benchmark's own `evaluate.py`."""
    spec = importlib.util.spec_from_file_location("wcxb_evaluate", folder / "evaluate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _peer(interpreter: str, bodies: dict[str, bytes]) -> dict[str, str]:
    fed = "".join(
        json.dumps({"html": body.decode("utf-8", "surrogateescape")}) + "\n"
        for body in bodies.values()
    )
    done = subprocess.run([interpreter, "-c", PEER], input=fed, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"Trafilatura failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return dict(zip(bodies, map(json.loads, done.stdout.splitlines()), strict=True))


def _print_table(types: dict[str, str], scores: dict[str, dict[str, Score]]) -> None:
    systems = list(scores)
    print(f"{'':16}{'pages':>6}" + "".join(f"{system + ' F1/P/R':>26}" for system in systems))
    names: dict[str, list[str]] = defaultdict(list)
    for name, kind in types.items():
        names[kind].append(name)
    names["all"] = list(types)
    for kind in (*TYPES, "all"):
        cells = ""
        for system in systems:
            rows = [scores[system][name] for name in names[kind]]
            precision, recall, f1 = (sum(row[i] for row in rows) / len(rows) for i in range(3))
            cells += f"{f1:14.3f}{precision:6.3f}{recall:6.3f}"
        print(f"{kind:16}{len(names[kind]):6}{cells}")


if __name__ == "__main__":
    main()
