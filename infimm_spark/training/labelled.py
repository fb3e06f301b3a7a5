"""Labelled and graded pages as training examples.

Files: ``labels.jsonl.gz`` (url, snapshot, source, label, lang, page_type, …) of a crawl, the views
of its pages (url, snapshot, quick, text), and ``annotated.jsonl.gz`` (url, source, lang, score,
excerpt).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from infimm_spark.classify.mathematics import Kind
from infimm_spark.errors import InputError
from infimm_spark.languages import LANGUAGES
from infimm_spark.training.fitting import Example
from infimm_spark.training.strewn import strewn_examples
from infimm_spark.urls import url_host

VIEWS = ("quick", "text")
"""`quick` is the cascade's visible text, `text` the extracted document's."""

GRADE = 6
"""Paper: documents scored this or more by the rubric are positives of the precision classifier."""

_NO_MATHEMATICS, _SOME_MATHEMATICS = 2, 5
"""Grades up to the first mean no mathematics, from the second on a coherent passage of it."""

_DOUBTFUL_WEIGHT = 0.3

_LANGUAGES = tuple(LANGUAGES)
_MAX_TEXT = 60_000
_NEGATIVES_PER_SITE = 40

# Sources of several hosts, where the host is the site.
_MANY_HOSTS = frozenset({"postlight-pages", "trafilatura-pages"})
# Several sources that are one author's or one book's pages.
_ONE_SITE = {
    "compphysics1": "compphysics",
    "compphysics2": "compphysics",
    "mtstate-knowl": "mtstate",
    "mtstatecalculus.github.io": "mtstate",
    "odeproject-knowl": "odeproject",
    "saylor-intermediate-algebra": "saylor",
    "saylor-introductory-statistics": "saylor",
}
_REVISION = re.compile(r"-(history|old)$")


def site_of(source: str, url: str) -> str:
    """The unit that is split: revisions of a source are one site; of collections, the domain is."""
    name = _REVISION.sub("", source)
    if name in _MANY_HOSTS:
        host = url_host(url) or name
        return ".".join(host.split(".")[-2:])
    return _ONE_SITE.get(name, name)


def labelled_examples(kind: Kind, data: Path, views: Iterable[Mapping[str, Any]]) -> list[Example]:
    """The examples of a folder with ``commoncrawl/labels.jsonl.gz``,
    ``annotations/annotated.jsonl.gz`` and, where there is one, ``sites/pages.jsonl.gz``.

    Raises `InputError` where a file is missing or damaged.
    """
    labels = read_jsonl(data / "commoncrawl" / "labels.jsonl.gz")
    graded = read_jsonl(data / "annotations" / "annotated.jsonl.gz")
    views = list(views)
    pages = data / "sites" / "pages.jsonl.gz"
    many = site_examples(kind, read_jsonl(pages), views) if pages.exists() else []
    if kind == "recall":
        return recall_examples(labels, views, graded) + many
    found = precision_examples(labels, views, graded, plain_pages=not many) + many
    return found + strewn_examples(found)


def site_examples(
    kind: Kind, pages: Iterable[Mapping[str, Any]], views: Iterable[Mapping[str, Any]]
) -> list[Example]:
    """Graded pages of many sites (``sites/pages.jsonl.gz``: id, url, key, lang, score, …), split
    by their owner (`key`); pages without a view are left out, and those without a grade are scored
    only.

    The precision classifier is measured on their extracted text. For recall they are trained on
    only, as `recall_examples` trains on grades.
    """
    view_of = {row["url"]: row for row in views}
    examples = []
    for row in pages:
        found = view_of.get(row["url"])
        if found is None or row["lang"] not in _LANGUAGES:
            continue
        ungraded = row["score"] is None
        grade = 0.0 if ungraded else float(row["score"])
        least = GRADE if kind == "precision" else _SOME_MATHEMATICS
        for view in VIEWS:
            text = found[view][:_MAX_TEXT]
            if text.strip():
                example = Example(
                    text=text,
                    language=row["lang"],
                    label=int(grade >= least),
                    site=f"owner {row['key']}",
                    page=row["id"],
                    view=view,
                    measured=kind == "precision" and view == "text" and not ungraded,
                    score=grade if kind == "precision" and not ungraded else None,
                    weight=0.0 if ungraded else 1.0,
                )
                taught = kind == "recall" and not ungraded
                examples.append(_taught(example, grade) if taught else example)
    return examples


def recall_examples(
    labels: Iterable[Mapping[str, Any]],
    views: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]] = (),
) -> list[Example]:
    """Mathematical pages against the rest, in each view.

    Pages of few formulas (mixed) and listings of mathematical titles belong to neither class and
    are left out; fragments are trained on and not measured. A label that comes from counting
    formulas or from the site can be wrong about a page: where a reader's grade contradicts it (2 or
    less on a mathematical page, 5 or more on another), the grade is trained on, and the page is
    measured by its label all the same. Pages graded 3 or 4 teach little, and weigh little. Graded
    pages that the crawl lacks are trained on, unmeasured, by the excerpt that was read.
    """
    annotations = list(annotations)
    grades = {(row["source"], row["path"]): float(row["score"]) for row in annotations}
    by_page = {(row["snapshot"], row["url"]): row for row in labels}
    examples = []
    seen: set[tuple[str, bytes]] = set()
    for row in views:
        label = by_page.get((row["snapshot"], row["url"]))
        if label is None or label["lang"] not in _LANGUAGES:
            continue
        if label["label"] not in ("math", "nonmath") or label["page_type"] == "listing":
            continue
        page = page_key(row)
        for view in VIEWS:
            text = row[view][:_MAX_TEXT]
            key = (view, _digest(text))
            if not text.strip() or key in seen:
                continue
            seen.add(key)
            examples.append(
                _taught(
                    Example(
                        text=text,
                        language=label["lang"],
                        label=int(label["label"] == "math"),
                        site=site_of(label["source"], label["url"]),
                        page=page,
                        view=view,
                        measured=label["page_type"] == "page",
                    ),
                    grades.get((label["source"], label.get("path", ""))),
                )
            )
    crawled = {(row["source"], row.get("path", "")) for row in by_page.values()}
    for row in annotations:
        if (row["source"], row["path"]) not in crawled and row["excerpt"].strip():
            example = Example(
                text=row["excerpt"],
                language=row["lang"],
                label=int(row["score"] >= _SOME_MATHEMATICS),
                site=site_of(row["source"], row["url"]),
                page=row["id"],
                view="excerpt",
                measured=False,
            )
            examples.append(_taught(example, float(row["score"])))
    return examples


def _taught(example: Example, grade: float | None) -> Example:
    """The example with what its grade has to say of its label."""
    if grade is None:
        return example
    if _NO_MATHEMATICS < grade < _SOME_MATHEMATICS:
        return replace(example, weight=_DOUBTFUL_WEIGHT)
    return replace(example, taught=int(grade >= _SOME_MATHEMATICS))


def precision_examples(
    labels: Iterable[Mapping[str, Any]],
    views: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
    *,
    plain_pages: bool = True,
) -> list[Example]:
    """Graded pages, worth keeping or not: the extracted text, or the graded excerpt where absent.

    Their quick text is trained on as a second, unmeasured view: fewer words of one extraction are
    learnt by heart. Pages of other sites that have nothing mathematical are added as unmeasured
    negatives, a few of each site, because graders saw few of them and a crawl is full of them; not
    with `plain_pages` off, for grades that cover them.
    """
    label_of = {(row["snapshot"], row["url"]): row for row in labels}
    text_of: dict[tuple[str, str], str] = {}
    text_of_url: dict[str, str] = {}
    quick_of_url: dict[str, str] = {}
    plain: defaultdict[str, list[Example]] = defaultdict(list)
    for row in sorted(views, key=lambda r: (r["url"], r["snapshot"])):
        label = label_of.get((row["snapshot"], row["url"]))
        if label is None:
            continue
        text = row["text"][:_MAX_TEXT]
        text_of[label["source"], label["path"]] = text
        text_of_url[row["url"]] = text
        quick_of_url[row["url"]] = row["quick"]
        if (
            plain_pages
            and label["label"] == "nonmath"
            and label["label_basis"] != "markup"
            and label["page_type"] == "page"
            and label["lang"] in _LANGUAGES
            and text.strip()
        ):
            site = site_of(label["source"], label["url"])
            plain[site].append(
                Example(text, label["lang"], 0, site, page_key(row), "text", measured=False)
            )
    examples = []
    graded: set[str] = set()
    for row in annotations:
        graded.add(row["url"])
        text = text_of.get((row["source"], row["path"])) or text_of_url.get(row["url"]) or ""
        # The excerpt, often without its formulas, only where the crawl lacks the page.
        view, body = ("text", text) if text.strip() else ("excerpt", row["excerpt"])
        if body.strip():
            example = Example(
                text=body,
                language=row["lang"],
                label=int(row["score"] >= GRADE),
                site=site_of(row["source"], row["url"]),
                page=row["id"],
                view=view,
                score=float(row["score"]),
            )
            examples.append(example)
            quick = quick_of_url.get(row["url"], "") if view == "text" else ""
            if quick.strip():
                examples.append(replace(example, text=quick, view="quick", measured=False))
    for site in sorted(plain):
        fresh = [e for e in plain[site] if e.page.split(" ", 1)[1] not in graded]
        examples += fresh[:_NEGATIVES_PER_SITE]
    return examples


def page_key(row: Mapping[str, Any]) -> str:
    """``snapshot url``."""
    return f"{row['snapshot']} {row['url']}"


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSON Lines file, gzipped or not; raises `InputError` naming file and line."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8") as file
        ):
            for number, line in enumerate(file, 1):
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    raise InputError(f"{path}, line {number}, is not JSON") from None
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).digest()
