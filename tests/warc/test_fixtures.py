"""Real and broken WARC files of other projects' test suites, and the real crawl."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import Failed, Item, Page, Skipped, fetch_record, read_pages

pytestmark = pytest.mark.shared_data

# What each odd file must come to; why is said beside it. The counts of records by type are those
# that the collection's own README gives from warcio; statuses and media types were read off the
# files.
ODD: dict[str, dict[str, int]] = {
    # One response of 88,275 bytes, of which 75,207 can be inflated: it is cut, not kept.
    "chatnoir-eu__chatnoir-resiliparse/clipped.warc.gz": {"truncated_file": 1},
    # HTTP heads with bare line feeds, `Content-Encoding: gzip` over plain EUC-JP pages.
    "chatnoir-eu__chatnoir-resiliparse/clueweb-quirk.warc.gz": {
        "record_type:warcinfo": 1,
        "page": 29,
    },
    # Records as long as a read block, of no known type.
    "chatnoir-eu__chatnoir-resiliparse/block-sized-records.warc": {"record_type:other": 3},
    "chatnoir-eu__chatnoir-resiliparse/block-sized-records.warc.gz": {"record_type:other": 3},
    "chatnoir-eu__chatnoir-resiliparse/block-sized-records.warc.lz4": {"record_type:other": 3},
    "chatnoir-eu__chatnoir-resiliparse/warcfile.warc.lz4": {
        "record_type:warcinfo": 1,
        "record_type:request": 17,
        "record_type:metadata": 16,
        "page": 16,
    },
    # ARC, the format before WARC.
    "archivesunleashed__aut/badexample.arc.gz": {"not_a_warc": 1},
    "archivesunleashed__aut/example.arc.gz": {"not_a_warc": 1},
    "webrecorder__pywb/bad.arc": {"not_a_warc": 1},
    "webrecorder__pywb/example.arc": {"not_a_warc": 1},
    "webrecorder__pywb/example.arc.gz": {"not_a_warc": 1},
    "webrecorder__warcio/bad.arc": {"not_a_warc": 1},
    "webrecorder__warcio/example-space-in-url.arc": {"not_a_warc": 1},
    "webrecorder__warcio/example.arc": {"not_a_warc": 1},
    "webrecorder__warcio/example.arc.gz": {"not_a_warc": 1},
    # A list of Parquet parts under the name of a WARC listing.
    "commoncrawl__whirlwind-python/CC-MAIN-2024-22.warc.paths.gz": {"not_a_warc": 1},
    # Six records in a single gzip member.
    "webrecorder__warcio/example-bad-non-chunked.warc.gz": {
        "record_type:warcinfo": 2,
        "record_type:request": 2,
        "record_type:revisit": 1,
        "page": 1,
    },
    "webrecorder__warcio/example-bad.warc.gz.bad": {
        "record_type:warcinfo": 1,
        "record_type:request": 2,
        "record_type:revisit": 1,
        "status:302": 1,
        "page": 1,
    },
    "webrecorder__pywb/example-bad.warc.gz.bad": {
        "record_type:warcinfo": 1,
        "record_type:request": 2,
        "record_type:revisit": 1,
        "status:302": 1,
        "page": 1,
    },
    # The response's HTTP body lies in a member of its own, the blank lines in the one after.
    "webrecorder__warcio/example-wrong-chunks.warc.gz": {"page": 1, "record_type:request": 1},
    # The last request is declared with 320 bytes, three fewer than its block has.
    "webrecorder__pywb/example.warc": {
        "record_type:warcinfo": 1,
        "record_type:request": 1,
        "record_type:revisit": 1,
        "bad_content_length": 1,
        "status:302": 1,
        "page": 1,
    },
    # The second response begins with `HTTPX/1.1`.
    "webrecorder__pywb/example-extra.warc": {
        "record_type:request": 2,
        "record_type:revisit": 2,
        "page": 1,
        "bad_http": 1,
    },
    # The response's gzip body lacks its last two bytes, which are part of a checksum.
    "webrecorder__warcio/example-trunc.warc": {
        "record_type:warcinfo": 2,
        "record_type:request": 1,
        "page": 1,
    },
    # Lengths from before CRLF became LF, and by hand: the warcinfo's is too large by its carriage
    # returns, those of the Chinese and the Russian text count characters, not bytes.
    "facebookresearch__cc_net/sample.warc.wet": {
        "bad_content_length": 3,
        "record_type:conversion": 1,
    },
    # Header blocks without the blank line that ends them.
    "iipc__jwarc/fold.warc": {"truncated_file": 1},
    "iipc__jwarc/utf8field.warc": {"truncated_file": 1},
    # A gzip header with an extra field.
    "iipc__jwarc/gzip_extra_sl.warc.gz": {"record_type:warcinfo": 1},
    # Lines that end in CR CR LF, `HTTP/1.0 302 ` without a phrase.
    "webrecorder__pywb/missing-status-text.warc": {"status:302": 1},
    "webrecorder__warcio/standard-torture-missing.warc": {"record_type:warcinfo": 1},
    # `does-not-exist`, `invalid` and request records; then `WARC/invalid` and nothing more.
    "webrecorder__warcio/standard-torture-validate-field.warc": {
        "record_type:other": 2,
        "record_type:request": 1,
        "truncated_file": 1,
    },
    # The response is declared text/plain, not application/http.
    "webrecorder__warcio/standard-torture-validate-record.warc": {
        "record_type:warcinfo": 2,
        "not_http": 1,
        "record_type:resource": 2,
        "record_type:request": 1,
        "record_type:metadata": 1,
        "record_type:revisit": 3,
        "record_type:continuation": 1,
    },
    # Angle brackets around the target URI.
    "webrecorder__warcio/example-wget-bad-target-uri.warc.gz": {
        "record_type:warcinfo": 1,
        "record_type:request": 1,
        "record_type:metadata": 1,
        "record_type:resource": 2,
        "page": 1,
    },
    # Indexes and packages are no WARC files.
    "webrecorder__pywb/bad.cdx": {"not_a_warc": 1},
    "webrecorder__pywb/zipnum-sample.cdx.gz": {"not_a_warc": 1},
    "webrecorder__pywb/valid_example_1.wacz": {"not_a_warc": 1},
}

# (records, HTML responses with status 200) of the sound files; the records are the README's.
SOUND: dict[str, tuple[int, int]] = {
    "allenai__dolma/0.warc.gz": (4, 2),
    "allenai__dolma/1.warc.gz": (4, 2),
    "allenai__dolma/sample-0000.warc.gz": (48, 22),
    "allenai__dolma/sample-0001.warc.gz": (34, 15),
    "archivesunleashed__aut/example.docs.warc.gz": (21, 0),
    "archivesunleashed__aut/example.pdf.warc.gz": (76, 1),  # of 3 HTML: two 302
    "archivesunleashed__aut/example.txt.warc.gz": (6, 0),
    "archivesunleashed__aut/example.warc.gz": (822, 94),  # of 140 HTML: 40 404, five 302, one 301
    "archivesunleashed__aut/issue-493.warc": (32, 4),  # of 5 HTML: one 301
    "archivesunleashed__aut/issue-514.warc": (8, 1),  # of 2 HTML: one 307
    "chatnoir-eu__chatnoir-resiliparse/warcfile.warc": (50, 16),
    "chatnoir-eu__chatnoir-resiliparse/warcfile.warc.gz": (50, 16),
    "commoncrawl__whirlwind-python/whirlwind.warc": (4, 1),
    "commoncrawl__whirlwind-python/whirlwind.warc.gz": (4, 1),
    "commoncrawl__whirlwind-python/whirlwind.warc.wat": (2, 0),
    "commoncrawl__whirlwind-python/whirlwind.warc.wat.gz": (2, 0),
    "commoncrawl__whirlwind-python/whirlwind.warc.wet": (2, 0),
    "commoncrawl__whirlwind-python/whirlwind.warc.wet.gz": (2, 0),
    "iipc__jwarc/cc.warc.gz": (1, 1),
    "webrecorder__pywb/dupes.warc.gz": (25, 1),
    "webrecorder__pywb/example-url-agnostic-orig.warc.gz": (2, 1),
    "webrecorder__pywb/example-url-agnostic-revisit.warc.gz": (2, 0),
    "webrecorder__pywb/example-wget-1-14.warc.gz": (6, 1),
    "webrecorder__pywb/example-wpull.warc.gz": (4, 1),
    "webrecorder__pywb/example.warc.gz": (6, 1),  # of 2 HTML: one 302
    "webrecorder__pywb/example2.warc.gz": (3, 1),
    "webrecorder__pywb/httpbin-resource.warc.gz": (1, 0),
    "webrecorder__pywb/iana.warc.gz": (343, 16),  # of 20 HTML: four 302
    "webrecorder__pywb/post-test.warc.gz": (6, 0),
    "webrecorder__pywb/test.warc.gz": (385, 2),  # of 3 HTML: one 302
    "webrecorder__warcio/example-digest.warc": (4, 0),
    "webrecorder__warcio/example-iana.org-chunked.warc": (3, 1),
    "webrecorder__warcio/example-resource.warc.gz": (3, 1),
    "webrecorder__warcio/example-space-in-target-uri.warc.gz": (2, 0),
    "webrecorder__warcio/example.warc": (6, 1),
    "webrecorder__warcio/example.warc.gz": (6, 1),
    "webrecorder__warcio/post-test.warc.gz": (6, 0),
}


def read(path: Path) -> list[Item]:
    return list(read_pages(str(path), warc_file=path.name))


def outcomes(items: list[Item]) -> dict[str, int]:
    return dict(Counter("page" if isinstance(i, Page) else i.reason for i in items))


@pytest.fixture(scope="module")
def fixtures(shared_data: Path) -> Path:
    return shared_data / "warc-fixtures"


def test_an_odd_file_has_its_expected_outcome(fixtures: Path) -> None:
    """Each broken or unusual file comes to exactly the items that its defect calls for."""
    assert {name: outcomes(read(fixtures / name)) for name in ODD} == ODD


def test_a_sound_file_yields_all_its_records(fixtures: Path) -> None:
    """A sound file gives one item a record, its HTML pages, and no failure."""
    found = {}
    for name in SOUND:
        items = read(fixtures / name)
        pages = [item for item in items if isinstance(item, Page)]
        found[name] = (len(items), len(pages))
        assert not [item for item in items if isinstance(item, Failed)], name
        assert all(page.body and page.url.startswith("http") for page in pages), name
    assert found == SOUND


def test_every_file_of_the_collection_goes_through(fixtures: Path) -> None:
    """No file of the collection, index or archive, makes reading raise or come to nothing."""
    names = [path for path in sorted(fixtures.rglob("*")) if path.is_file()]
    assert len(names) >= 69
    for path in names:
        assert read(path), path.name


def test_the_cut_body_is_marked(fixtures: Path) -> None:
    """The response of example-trunc.warc is kept and marked as truncated."""
    items = read(fixtures / "webrecorder__warcio/example-trunc.warc")
    (page,) = [item for item in items if isinstance(item, Page)]
    assert page.truncated
    assert page.body.startswith(b"<!doctype html>")


def test_a_claimed_encoding_over_a_plain_body_leaves_the_body(fixtures: Path) -> None:
    """ClueWeb's pages are plain under `Content-Encoding: gzip`: their bodies are markup."""
    pages = [
        item
        for item in read(fixtures / "chatnoir-eu__chatnoir-resiliparse/clueweb-quirk.warc.gz")
        if isinstance(item, Page)
    ]
    assert all(b"<html" in page.body[:2000].lower() for page in pages)


def test_the_same_crawl_in_three_packings_gives_the_same_pages(fixtures: Path) -> None:
    """warcfile as gzip, plain and LZ4 holds the same bodies in the same order."""
    base = fixtures / "chatnoir-eu__chatnoir-resiliparse"
    bodies = [
        [item.body for item in read(base / f"warcfile.warc{end}") if isinstance(item, Page)]
        for end in (".gz", "", ".lz4")
    ]
    assert bodies[0] == bodies[1] == bodies[2]


def test_the_real_crawl_is_read_whole_and_can_be_fetched_again(shared_data: Path) -> None:
    """All 8,270 pages are read with their bodies, nothing fails, and a sample is fetched
    identically."""
    files = list_warcs([str(shared_data / "commoncrawl")])
    assert Counter(file.snapshot for file in files) == {"CC-MAIN-2023-40": 2, "CC-MAIN-2023-50": 4}
    pages: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    ids = set()
    chosen = random.Random(7)
    for file in files:
        end = 0
        for item in read_pages(file.location, warc_file=file.warc_file):
            assert item.warc_offset == end
            end += item.warc_length
            if isinstance(item, Page):
                assert item.body
                pages[file.snapshot] += 1
                ids.add(item.id)
                if chosen.random() < 0.02:
                    again = fetch_record(
                        file.location,
                        item.warc_offset,
                        item.warc_length,
                        warc_file=file.warc_file,
                    )
                    assert (again.body, again.warc_headers) == (item.body, item.warc_headers)
                    assert again.id == item.id
            else:
                assert isinstance(item, Skipped)
                skipped[item.reason] += 1
        assert end == Path(file.location).stat().st_size
    assert pages == {"CC-MAIN-2023-40": 2882, "CC-MAIN-2023-50": 5388}
    assert skipped == {"record_type:metadata": 8270, "record_type:warcinfo": 6}
    assert len(ids) == 8270
