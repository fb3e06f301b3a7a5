"""The card of a Hugging Face data set: YAML that `datasets` and the Hub read, then text for
people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from infimm_spark.export.base import Finished

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
TITLE = "Interleaved mathematics from Common Crawl"
DESCRIPTION = (
    "Web pages about mathematics from Common Crawl: texts with LaTeX formulas and images in the "
    "order of the page, built with infimm-spark."
)


def card(finished: Finished, documents: Mapping[str, int]) -> str:
    """`README.md`; `documents` counts by `snapshot/language`."""
    front = yaml.safe_dump(
        _front_matter(finished, documents), sort_keys=False, allow_unicode=True, width=100
    )
    return f"---\n{front}---\n\n{_text(finished, documents)}"


def configurations(documents: Mapping[str, int]) -> dict[str, str]:
    """Name of each configuration -> pattern of its files: all, each language, each snapshot, and
    each language of a snapshot where there are several of both."""
    snapshots, languages = _parts(documents)
    found = {"default": "data/*/*/*.parquet"}
    for language in languages:
        found[language] = f"data/*/{language}/*.parquet"
    for snapshot in snapshots:
        found[snapshot] = f"data/{snapshot}/*/*.parquet"
    if len(snapshots) > 1 and len(languages) > 1:
        for key in sorted(documents):
            snapshot, language = key.split("/")
            found[f"{snapshot}-{language}"] = f"data/{key}/*.parquet"
    return found


def _parts(documents: Mapping[str, int]) -> tuple[list[str], list[str]]:
    pairs = [key.split("/") for key in documents]
    return sorted({snapshot for snapshot, _ in pairs}), sorted({language for _, language in pairs})


def _front_matter(finished: Finished, documents: Mapping[str, int]) -> dict[str, Any]:
    _, languages = _parts(documents)
    total = finished.counts.documents
    return {
        "pretty_name": TITLE,
        "language": [language for language in languages if language != "und"],
        "license": "other",
        "license_name": "common-crawl-terms-of-use",
        "license_link": "https://commoncrawl.org/terms-of-use",
        "task_categories": ["text-generation", "image-text-to-text"],
        "tags": ["mathematics", "interleaved", "latex", "common-crawl"],
        "size_categories": [next((name for n, name in _SIZES if total < n), "n>1T")],
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": "train", "path": pattern}],
                **({"default": True} if name == "default" else {}),
            }
            for name, pattern in configurations(documents).items()
        ]
        if documents
        else [],
    }


def _text(finished: Finished, documents: Mapping[str, int]) -> str:
    counts = finished.counts
    rows = "\n".join(
        f"| {key.partition('/')[0]} | {key.partition('/')[2]} | {count:,} |"
        for key, count in sorted(documents.items())
    )
    more = (
        f"\n- `pictures`: {counts.pictures:,} fetched images, in the places of `image_list`; null "
        "where there is none."
        if finished.with_pictures
        else ""
    )
    return f"""# {TITLE}

{DESCRIPTION}

{counts.documents:,} documents with {counts.texts:,} texts and {counts.images:,} image addresses.

| snapshot | language | documents |
|---|---|---|
{rows}

```python
from datasets import load_dataset

corpus = load_dataset("THIS_FOLDER", split="train")  # or a configuration: a language, a snapshot
```

## Columns

- `text_list`, `image_list`: parallel lists in the order of the page; one is null.{more}
- `images`: for each address its alternative text, title, caption and declared size.
- `metadata`: JSON with language, scores, token count, text statistics and the WARC headers.
- `URL`, `title`, `id`, `snapshot`, `warc_file`, `warc_offset`, `warc_length`: the page's origin.
- `formula_counts`: formulas by how the page wrote them and whether they were recovered.
- `consent`, `license`: opt-out signals and the licence that a page names.

Texts are Markdown-like. Inline formulas stand between single dollars, displayed ones between double
dollars; a dollar sign that is no formula is written `\\$`.

## Rights

Pages belong to their authors. Each document names its address and, where the page does, a licence
and opt-out signals; honour them. Common Crawl's terms of use apply.

Run `{finished.run_id or "unknown"}` of infimm-spark.
"""
