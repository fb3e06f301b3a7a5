"""One page, looked at in a Python session: its text, formulas and images, and how it scores.

    python examples/page_in_repl.py [FILE.html]

Without a file it takes a page of the sample crawl.
"""

from __future__ import annotations

import sys
from pathlib import Path

from infimm_spark import extract_page, score_document
from infimm_spark.sample import sample_pages


def main(file: str | None = None) -> None:
    """Print what the build would know about the page."""
    body = Path(file).read_bytes() if file else _sample_page()
    document = extract_page(body, url="https://example.org/lesson", content_type="text/html")
    print(document.text)
    for formula in document.formulas:
        print(f"{formula.outcome:8} {formula.encoding:16} {formula.tex}")
    for image in document.images:
        print(f"image    {image.url}  {image.alt or ''}")
    scores = score_document(document)
    print(
        f"language {scores.language} ({scores.language_prob:.2f}), "
        f"mathematics {scores.math_prob:.2f}, quality {scores.quality_prob:.2f}"
    )


def _sample_page() -> bytes:
    """The first page of the sample crawl that ends in the corpus."""
    return next(page.body for page in sample_pages() if "corpus" in page.expected)


if __name__ == "__main__":
    main(*sys.argv[1:2])
