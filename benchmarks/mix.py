"""A seeded crawl with the proportions of the web, built from the labelled pages of a real crawl.

    python benchmarks/mix.py --crawl ../shared/data/commoncrawl --output out/mix
    python benchmarks/extract_pass.py --crawl out/mix --files 1

Half of the pages are in other languages, 4.5 % are Chinese, 2.5 % are mathematics, the rest is
English without mathematics; a page has 93 kB on average. Each page is taken once. As in Common
Crawl, a request, the response and a metadata record follow one another, each in a gzip member of
its own, and the metadata names the page's languages as CLD2 (`pycld2`) finds them in its HTML;
`--languages none` leaves them out, as snapshots before 2018-34 do. The response records are copied
byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from infimm_spark.warc.charset import decode_html  # noqa: E402
from infimm_spark.warc.records import Page, read_record  # noqa: E402

SHARES = {"other": 0.5, "chinese": 0.045, "mathematics": 0.025, "english": 0.43}
"""Share of each kind among the pages (`_kind`)."""
# CLD2 refuses controls and the code points that are no characters.
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr((plane << 16) + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_SNAPSHOT = "CC-MAIN-2023-50"
_DATE = "2023-11-28T09:00:00Z"


def main() -> None:
    options = _options()
    pages = _chosen(options.crawl, options.pages, options.seed)
    path = (
        options.output
        / f"crawl-data/{_SNAPSHOT}/segments/1700679100016.39/warc/mix-{options.seed:05d}.warc.gz"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds: Counter[str] = Counter()
    size = 0
    with path.open("wb") as target:
        target.write(_record("warcinfo", {}, b"isPartOf: mix\r\n"))
        for kind, member in pages:
            page = read_record(member, 0, path.name)
            if not isinstance(page, Page):
                continue
            kinds[kind] += 1
            size += len(page.body)
            target.write(_request(page) + member + _metadata(page, options.languages == "cld2"))
    listing = options.output / f"crawl-data/{_SNAPSHOT}/warc.paths.gz"
    listing.write_bytes(gzip.compress(f"{path.relative_to(options.output)}\n".encode(), mtime=0))
    labels = options.output / "labels.jsonl.gz"
    labels.unlink(missing_ok=True)
    total = sum(kinds.values())
    print(f"{path}: {total} pages, {size / total / 1000:.0f} kB a page, {dict(kinds)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--output", type=Path, default=ROOT / "out/mix", help="folder to write")
    parser.add_argument("--pages", type=int, default=1000, help="pages in all (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="choice and order of the pages")
    parser.add_argument(
        "--languages",
        choices=("cld2", "none"),
        default="cld2",
        help="what the metadata records say of languages (default cld2)",
    )
    return parser.parse_args()


def _kind(label: dict[str, Any]) -> str | None:
    """The kind of a labelled page; None for pages of which the label says too little."""
    if label["label"] == "math":
        return "mathematics" if label["lang"] in ("en", "zh") else None
    if label["label"] != "nonmath":
        return None
    return {"en": "english", "zh": "chinese", "other": "other"}[label["lang"]]


def _chosen(crawl: Path, pages: int, seed: int) -> list[tuple[str, bytes]]:
    """(kind, gzip member of its response) of the chosen pages, in their shuffled order."""
    with gzip.open(crawl / "labels.jsonl.gz", "rt") as lines:
        labels = [json.loads(line) for line in lines]
    by_page = {(row["snapshot"], row["url"]): kind for row in labels if (kind := _kind(row))}
    members: dict[str, list[bytes]] = {kind: [] for kind in SHARES}
    for file in sorted(crawl.glob("crawl-data/*/segments/*/warc/*.warc.gz")):
        for url, member in responses(file):
            kind = by_page.pop((file.parts[-5], url), None)
            if kind is not None:
                members[kind].append(member)
    chance = random.Random(seed)
    chosen = []
    for kind, share in SHARES.items():
        wanted = round(share * pages)
        if len(members[kind]) < wanted:
            sys.exit(f"{crawl} has {len(members[kind])} {kind} pages; expected {wanted}")
        chosen += [(kind, member) for member in chance.sample(members[kind], wanted)]
    chance.shuffle(chosen)
    return chosen


def responses(file: Path) -> list[tuple[str, bytes]]:
    """(URL, gzip member) of the responses of a WARC file."""
    data = file.read_bytes()
    with file.open("rb") as stream:
        records = [
            (record.stream_pos, record.headers.get("WARC-Target-URI"), record.record_type)
            for record in ArchiveIterator(stream, parse_http=False)
        ]
    ends = [start for start, _, _ in records[1:]] + [len(data)]
    return [
        (url, data[start:end])
        for (start, url, kind), end in zip(records, ends, strict=True)
        if kind == WarcRecordType.response
    ]


def _request(page: Page) -> bytes:
    host, _, path = page.url.partition("://")[2].partition("/")
    block = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: CCBot/2.0\r\n\r\n".encode()
    return _record("request", _about(page, "application/http; msgtype=request"), block)


def _metadata(page: Page, with_languages: bool) -> bytes:
    text, charset = decode_html(page.body, page.content_type)
    languages = languages_of(text, page.url) if with_languages else {}
    block = (
        f"fetchTimeMs: 42\r\ncharset-detected: {charset}\r\n"
        f"languages-cld2: {json.dumps(languages, separators=(',', ':'))}\r\n\r\n"
    )
    return _record("metadata", _about(page, "application/warc-fields"), block.encode())


def languages_of(html: str, url: str) -> dict[str, Any]:
    """What Common Crawl's crawler writes of a page's languages; empty where CLD2 finds none."""
    try:
        import pycld2
    except ImportError:
        sys.exit("pycld2 is missing; expected `pip install -e '.[bench]'`, or --languages none")
    host = url.partition("://")[2].partition("/")[0]
    domain = host.rpartition(".")[2] if "." in host else ""
    clean = _REFUSED.sub(" ", html)
    try:
        reliable, size, found = pycld2.detect(
            clean.encode("utf-8", "replace"),
            isPlainText=False,
            hintTopLevelDomain=domain,
            bestEffort=True,
        )
    except pycld2.error:
        return {}
    languages = [
        {
            "code": code,
            "text-covered": round(percent / 100, 2),
            "score": float(score),
            "name": name,
        }
        for name, code, percent, score in found
        if code != "un"
    ]
    if not languages:
        return {}
    return {"reliable": reliable, "text-bytes": size, "languages": languages}


def _about(page: Page, content_type: str) -> dict[str, str]:
    identity = page.warc_headers.get("WARC-Record-ID", "")
    return {
        "WARC-Target-URI": page.url,
        "WARC-Concurrent-To": identity,
        "Content-Type": content_type,
    }


def _record(kind: str, headers: dict[str, str], block: bytes) -> bytes:
    subject = f"{kind} {headers.get('WARC-Target-URI')}"
    fields = {
        "WARC-Type": kind,
        "WARC-Date": _DATE,
        "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, subject)}>",
        **headers,
        "Content-Length": str(len(block)),
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return gzip.compress(head.encode() + b"\r\n" + block + b"\r\n\r\n", mtime=0)


if __name__ == "__main__":
    main()
