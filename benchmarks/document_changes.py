"""Documents that two versions of the package extract differently, page by page, and their speed.

    python benchmarks/document_changes.py --old OTHER/.venv/bin/python [--every 8] [--out FILE]

Every Nth response of the mirrored crawl (`../shared/data/commoncrawl`) is extracted by both
interpreters, one page after the other in turn, so that the ratio of their times holds on a busy
machine. FILE gets one line of JSON for each page whose text differs: URL, and the lines that only
the old and only the new text has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

# Run by each interpreter with its own package: a page's path and URL in, text and seconds out.
_WORKER = """
import json, sys, time
from pathlib import Path
from infimm_spark.extract import extract_page
for line in sys.stdin:
    path, url = json.loads(line)
    body = Path(path).read_bytes()
    started = time.process_time()
    try:
        text = extract_page(body, url=url).text
    except Exception as error:
        text = "failed: " + type(error).__name__
    print(json.dumps([text, time.process_time() - started]), flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", required=True, help="an interpreter with the earlier package")
    parser.add_argument("--every", type=int, default=8, help="compare every Nth page")
    parser.add_argument("--out", type=Path, default=Path("changes.jsonl"), help="where changes go")
    parser.add_argument("--scratch", type=Path, default=Path("/tmp"), help="folder for one page")
    arguments = parser.parse_args()
    for folder in (REPOSITORY, REPOSITORY / "benchmarks"):
        sys.path.insert(0, str(folder))
    from formulas import crawl_pages

    workers = [
        subprocess.Popen(
            [python, "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=arguments.scratch,
        )
        for python in (arguments.old, sys.executable)
    ]
    page = arguments.scratch / "compared-page.html"
    seconds = [0.0, 0.0]
    compared = changed = 0
    with arguments.out.open("w", encoding="utf-8") as out:
        for url, body in islice(crawl_pages(), 0, None, arguments.every):
            page.write_bytes(body)
            texts = []
            for index, worker in enumerate(workers):
                assert worker.stdin is not None
                assert worker.stdout is not None
                worker.stdin.write(json.dumps([str(page), url]) + "\n")
                worker.stdin.flush()
                text, spent = json.loads(worker.stdout.readline())
                texts.append(text)
                seconds[index] += spent
            compared += 1
            if texts[0] != texts[1]:
                changed += 1
                old, new = (dict.fromkeys(text.split("\n")) for text in texts)
                out.write(
                    json.dumps(
                        {
                            "url": url,
                            "characters": [len(text) for text in texts],
                            "lost": [line for line in old if line not in new],
                            "gained": [line for line in new if line not in old],
                        },
                        ensure_ascii=False,
                    )
                    + "\n"
                )
    for worker in workers:
        worker.terminate()
    print(
        f"{changed} of {compared} documents changed; CPU time new/old {seconds[1] / seconds[0]:.3f}"
    )


if __name__ == "__main__":
    main()
