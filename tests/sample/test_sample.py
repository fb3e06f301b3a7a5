"""The sample crawl: what it holds, and that each page meets the fate it is there to show."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path

import pytest

from infimm_spark import extract_page, score_document
from infimm_spark.classify.evidence import Evidence
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.errors import OutputError, PageRejectedError
from infimm_spark.extract.document import Document
from infimm_spark.rules.filters import first_failed
from infimm_spark.rules.metrics import text_metrics
from infimm_spark.sample import SamplePage, expected_outcome, sample_pages, write_sample_crawl
from infimm_spark.sample.chinese import ARTICLES as CHINESE
from infimm_spark.sample.english import ARTICLES as ENGLISH
from infimm_spark.sample.formulas import ENCODINGS, to_mathml
from infimm_spark.sample.page import ARTICLE, NEWER, OLDER, Article
from infimm_spark.sample.worked import sheets
from infimm_spark.warc.crawl_languages import CrawlLanguages
from infimm_spark.warc.items import CRAWL_LANGUAGE
from infimm_spark.warc.records import Failed, Page, Skipped, read_pages

CONFIG = BuildConfig()
PAGES = sample_pages()
HTML = [p for p in PAGES if p.status == "200 OK" and not p.revisit and "html" in p.content_type]


def name(page: SamplePage) -> str:
    return f"{page.snapshot[-2:]} {page.url.split('://')[1]}"


def document_of(ending: str) -> Document:
    """What the newer page whose URL ends so is extracted to."""
    page = next(p for p in PAGES if p.url.endswith(ending) and p.snapshot == NEWER)
    return extract_page(page.body, url=page.url, content_type=page.content_type)


def outcome(page: SamplePage) -> str:
    """What the core makes of a page, dedup aside: `corpus`, or stage:reason."""
    try:
        document = extract_page(page.body, url=page.url, content_type=page.content_type)
    except PageRejectedError as error:
        return f"extract:{error.reason}"
    if Evidence(page.body).words_below(CONFIG.extract.source_floor) is not None:
        return "extract:source_floor"
    text = document.text
    if not text:
        return "extract:no_text"
    scores = score_document(document)
    if scores.language not in CONFIG.extract.languages:
        return "extract:language"
    if scores.language_prob < CONFIG.extract.language_threshold:
        return "extract:language_uncertain"
    if scores.math_prob < with_thresholds(CONFIG).dedup.recall_threshold:
        return "recall:math_prob"
    failed = first_failed(text, scores.language, text_metrics(text, scores.language), CONFIG.rules)
    if failed is not None:
        return f"rules:{failed[0]}"
    rules = with_thresholds(CONFIG).rules
    if scores.quality_prob < rules.precision_threshold_at(document.text_length, scores.language):
        return "precision:quality_prob"
    return "corpus"


def test_laid_out_like_the_bucket(tmp_path: Path) -> None:
    """Each snapshot has a listing that names exactly its WARC files."""
    paths = write_sample_crawl(tmp_path)
    assert sorted(paths) == sorted(
        str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.warc.gz")
    )
    for snapshot in (OLDER, NEWER):
        listing = gzip.decompress((tmp_path / f"crawl-data/{snapshot}/warc.paths.gz").read_bytes())
        assert listing.decode().split() == [p for p in paths if snapshot in p]


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Two writings are equal byte for byte, so that runs over them can be compared."""
    for folder in ("one", "two"):
        write_sample_crawl(tmp_path / folder)
    for path in (tmp_path / "one").rglob("*.gz"):
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == twin.read_bytes()


def test_small_but_varied(tmp_path: Path) -> None:
    """At least 60 pages in under a megabyte; every encoding, both languages, both snapshots."""
    write_sample_crawl(tmp_path)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.gz")) < 1_000_000
    assert len(PAGES) >= 60
    used = [encoding for encoding, _ in [*ENGLISH, *CHINESE, *sheets()]]
    assert set(used) == set(ENCODINGS)
    assert {p.snapshot for p in PAGES} == {OLDER, NEWER}
    assert Counter((p.url, p.snapshot) for p in PAGES).most_common(1)[0][1] == 1


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    """A folder that cannot be written is an error of one line."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="sample crawl cannot be written"):
        write_sample_crawl(tmp_path / "file")


def test_records_are_read_as_expected(tmp_path: Path) -> None:
    """The reader finds every page byte for byte, skips what is no page, and reports the damage."""
    pages: dict[tuple[str, str], bytes] = {}
    odd: Counter[str] = Counter()
    for path in write_sample_crawl(tmp_path):
        for item in read_pages(str(tmp_path / path), warc_file=path):
            if isinstance(item, Page):
                pages[item.url, path.split("/")[1]] = item.body
            elif isinstance(item, Skipped | Failed):
                odd[item.reason] += 1
    whole = {(p.url, p.snapshot): p.body for p in HTML if not p.damaged}
    assert pages == whole
    exchanges = sum(not p.revisit for p in PAGES)
    assert odd == {
        "record_type:warcinfo": 4,
        "record_type:request": exchanges,
        "record_type:metadata": exchanges,
        "record_type:revisit": 1,
        "mime:application/pdf": 1,
        "status:404": 1,
        "damaged_gzip_member": 1,
    }


@pytest.mark.parametrize("page", [p for p in HTML if not p.damaged], ids=name)
def test_pages_meet_their_fate(page: SamplePage) -> None:
    """Extraction, classifiers and rules decide as the sample says; a duplicate is itself good."""
    duplicate = any(reason.startswith("dedup:") for reason in page.expected)
    assert outcome(page) in (ARTICLE if duplicate else page.expected)


def test_most_articles_are_published() -> None:
    """Whatever the classifiers' version, four of five articles reach the corpus in each
    language."""
    fates = Counter(
        ("zh" if b'lang="zh' in page.body else "en", outcome(page))
        for page in PAGES
        if page.expected == ARTICLE
    )
    for language in ("en", "zh"):
        published = fates[language, "corpus"]
        assert published >= 0.8 * sum(n for (lang, _), n in fates.items() if lang == language)


@pytest.mark.parametrize(
    ("encoding", "article"),
    [*ENGLISH, *CHINESE, *sheets()],
    ids=lambda value: value if isinstance(value, str) else value.slug,
)
def test_every_formula_is_recovered(encoding: str, article: Article) -> None:
    """As many formulas come out of a page as were put in, inline and displayed, none of them
    broken."""
    blocks = [block.strip() for block in article.body.split("\n\n")]
    displayed = sum(block.startswith("$$") for block in blocks)
    inline = sum(len(re.findall(r"\$[^$]+\$", b)) for b in blocks if not b.startswith("$$"))
    formulas = document_of(f"/{article.slug}").formulas
    assert {f.outcome for f in formulas} == {"valid"}
    assert len(formulas) == displayed + inline
    if encoding not in ("asciimath", "codecogs", "mimetex"):  # these do not say which they are
        assert sum(f.display for f in formulas) == displayed


@pytest.mark.parametrize(
    ("slug", "url"),
    [
        ("divergence-theorem", "https://notes.example.org/img/flux-cube.png"),
        ("pythagorean-theorem", "https://notes.example.org/media/four-triangles-1280.png"),
        (
            "derivative-from-the-definition",
            "https://notes.example.org/static/secant-to-tangent.jpg",
        ),
        (
            "lagrange-theorem-for-groups",
            "https://cdn.example.org/figures/img/notebook.png",
        ),
        ("gougu", "https://shuxue.example.cn/static/gougu-xiantu.jpg"),
    ],
)
def test_figures(slug: str, url: str) -> None:
    """Relative, responsive, lazy and rebased pictures all come out with their absolute address."""
    assert [image.url for image in document_of(slug).images] == [url]


@pytest.mark.parametrize(
    ("slug", "title"), [("juzhen-chengfa", "矩阵乘法"), ("fushu-yunsuan", "複數的四則運算")]
)
def test_charsets(slug: str, title: str) -> None:
    """GBK declared in the markup and Big5 declared in the header are both read."""
    document = document_of(slug)
    assert title in document.text
    assert "\ufffd" not in document.text


def test_opt_out_is_there_to_be_found() -> None:
    """One page asks in its header and in its markup not to be trained on."""
    page = next(p for p in PAGES if p.headers)
    assert dict(page.headers)["X-Robots-Tag"].startswith("noai")
    assert "tdm-reservation" in document_of("infinitely-many-primes").consent


def test_expected_outcome() -> None:
    """Outcomes are asked for by URL and snapshot; an unknown URL is an error."""
    url = "https://notes.example.org/binomial-theorem"
    assert expected_outcome(url) == ARTICLE
    assert expected_outcome(url, OLDER) == {"dedup:url"}
    with pytest.raises(KeyError, match="not in CC-MAIN-2023-50"):
        expected_outcome("https://nowhere.example.org/")


def test_mathml_of_the_sample() -> None:
    """The sample's own MathML writer nests scripts, fractions and roots."""
    assert to_mathml(r"x_1^2 = \frac{\sqrt{b}}{2a}") == (
        "<mrow><msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup><mo>=</mo><mfrac><mrow><msqrt><mrow>"
        "<mi>b</mi></mrow></msqrt></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac></mrow>"
    )


def test_the_crawls_metadata_settles_some_pages(tmp_path: Path) -> None:
    """Pages whose metadata names another language are dropped unread, as a build does it."""
    languages = CrawlLanguages.of(CONFIG.extract.languages)
    dropped = {
        item.url
        for path in write_sample_crawl(tmp_path)
        for item in read_pages(str(tmp_path / path), warc_file=path, languages=languages)
        if isinstance(item, Skipped) and item.reason == CRAWL_LANGUAGE
    }
    assert dropped == {page.url for page in PAGES if page.languages}
    assert all(
        f"extract:{CRAWL_LANGUAGE}" in page.expected for page in PAGES if page.url in dropped
    )
