"""Choosing records by Common Crawl's indexes."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from infimm_spark.config import IndexConfig, load_config
from infimm_spark.errors import ConfigError, InputError
from infimm_spark.run.index import from_cdx, from_cdxj, incomplete, select_records
from infimm_spark.run.pipeline import run_stage
from infimm_spark.run.run import Run
from infimm_spark.run.selection import check_index
from infimm_spark.sample import write_sample_crawl
from infimm_spark.urls import url_host
from infimm_spark.warc.index_files import CDX_LETTERS, cdx_letters, first_names
from infimm_spark.warc.records import Page, read_pages

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]

PAGES = [
    # url, registered domain, status, mime, languages, file, offset
    ("https://a.edu/x", "a.edu", 200, "text/html", "eng", "f1", 10),
    ("https://m.a.edu/y", "a.edu", 200, "text/html", "fra,eng", "f1", 900),
    ("https://a.edu/pdf", "a.edu", 200, "application/pdf", None, "f1", 2000),
    ("https://a.edu/gone", "a.edu", 404, "text/html", None, "f2", 10),
    ("https://b.org/math/1", "b.org", 200, "text/html", "zho", "f2", 500),
    ("https://b.org/prose", "b.org", 200, "text/html", "deu", "f2", 700),
    ("https://nota.edu/x", "nota.edu", 200, "text/html", "eng", "f3", 10),
]


def _row(page: tuple[Any, ...]) -> dict[str, Any]:
    url, domain, status, mime, languages, file, offset = page
    return {
        "url": url,
        "url_host_name": url.split("/")[2],
        "url_host_registered_domain": domain,
        "fetch_status": status,
        "content_mime_detected": mime,
        "content_languages": languages,
        "warc_filename": file,
        "warc_record_offset": offset,
        "warc_record_length": 100,
    }


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table laid out as the columnar index is, one crawl and two subsets."""
    root = tmp_path_factory.mktemp("index")
    for subset in ("warc", "robotstxt"):
        folder = root / "crawl=CC-MAIN-2023-50" / f"subset={subset}"
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([_row(p) for p in PAGES]), folder / "part.parquet")
    return str(root)


def _chosen(frame: Any) -> dict[str, list[int]]:
    return {row.warc_file: [r.offset for r in row.records] for row in frame.collect()}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"f1": [10, 900], "f2": [500, 700], "f3": [10]}),
        ({"domains": ["a.edu"]}, {"f1": [10, 900]}),
        ({"domains": ["m.a.edu"]}, {"f1": [900]}),
        ({"hosts": ["a.edu"], "domains": ["b.org"]}, {"f1": [10], "f2": [500, 700]}),
        ({"languages": ["en", "zh"]}, {"f1": [10, 900], "f2": [500], "f3": [10]}),
        ({"url_patterns": ["https://*.org/math/*"]}, {"f2": [500]}),
        ({"status": 404}, {"f2": [10]}),
        ({"domains": ["a.edu"], "mime": []}, {"f1": [10, 900, 2000]}),
        ({"crawls": ["CC-MAIN-2022-05"]}, {}),
    ],
)
def test_conditions_choose_records(
    spark: SparkSession, index: str, settings: dict[str, Any], expected: dict[str, list[int]]
) -> None:
    """Each condition narrows the records, once each, by file and in order; subsets but `warc` stay
    out."""
    assert _chosen(select_records(spark.read.parquet(index), IndexConfig(**settings))) == expected


def test_conditions_are_pushed_down(spark: SparkSession, index: str) -> None:
    """Parquet is asked for status, type, domain and language; other crawls are not listed."""
    config = IndexConfig(
        crawls=["CC-MAIN-2023-50"], domains=["a.edu"], languages=["en"], paths=[index]
    )
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        select_records(spark.read.parquet(index), config).explain("formatted")
    plan = out.getvalue()
    (pushed,) = (line for line in plan.splitlines() if line.startswith("PushedFilters"))
    for filter_ in (
        "EqualTo(fetch_status,200)",
        "In(content_mime_detected",
        "url_host_registered_domain,[",
        "StringContains(content_languages,eng)",
    ):
        assert filter_ in pushed.replace(
            "EqualTo(url_host_registered_domain,", "url_host_registered_domain,["
        )
    (partitions,) = (line for line in plan.splitlines() if line.startswith("PartitionFilters"))
    assert "crawl" in partitions
    assert "subset" in partitions


def test_cdxj_and_a_list_of_urls_choose_the_same_way(spark: SparkSession, tmp_path: Path) -> None:
    """CDXJ lines give the columns of the columnar index; a list of URLs keeps those URLs only."""
    lines = ["!meta header"]
    for url, _, status, mime, languages, file, offset in PAGES:
        entry = {
            "url": url,
            "mime": "text/plain",
            "mime-detected": mime,
            "status": str(status),
            "length": "100",
            "offset": str(offset),
            "filename": file,
        }
        if languages:
            entry["languages"] = languages
        lines.append(f"edu,a)/x 20231201000000 {json.dumps(entry)}")
    (tmp_path / "a.cdxj").write_text("\n".join(lines))
    index = from_cdxj(spark.read.text(str(tmp_path / "a.cdxj")))
    domain = IndexConfig(domains=["a.edu"], languages=["en"])
    assert _chosen(select_records(index, domain)) == {"f1": [10, 900]}
    urls = spark.createDataFrame([("https://b.org/prose",), ("https://none",)], "url string")
    assert _chosen(select_records(index, IndexConfig(), urls)) == {"f2": [700]}


LINES = [
    # a revisit without status, a number that is none, IPv6, tabs between the fields, a length of
    # none
    ("http://r.org/", {"status": "-", "mime": "warc/revisit"}),
    ("http://n.org/", {"status": "200", "offset": "ten"}),
    ("http://[2001:db8::1]:8080/x", {"status": "200", "offset": "7"}),
    ("http://l.org/", {"status": "200", "length": "-"}),
    ("http://m.org/", {"status": "200", "mime": None}),
    ("http://ok.org/", {"status": "200", "offset": "9"}),
]


@pytest.mark.parametrize("ansi", ["true", "false"])
def test_numbers_that_are_none_leave_a_row_out_and_are_counted(
    spark: SparkSession, tmp_path: Path, ansi: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Spark 4 refuses such a cast and Spark 3.5 does not: here both give null, and the rows are
    named."""
    base = {"mime": "text/html", "length": "5", "offset": "0", "filename": "f"}
    text = "\n".join(
        f"org,x)/\t20240101000000\t{json.dumps({'url': url, **base, **entry})}"
        for url, entry in LINES
    )
    (tmp_path / "a.cdxj").write_text(text)
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    try:
        index = from_cdxj(spark.read.text(str(tmp_path / "a.cdxj")))
        assert _chosen(select_records(index, IndexConfig())) == {"f": [7, 9]}
        hosts = IndexConfig(hosts=["2001:db8::1"])
        assert _chosen(select_records(index, hosts)) == {"f": [7]}
        lacking = {(row.url, row.lacks) for row in incomplete(index, IndexConfig()).collect()}
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")
    assert lacking == {
        ("http://n.org/", "warc_record_offset"),
        ("http://l.org/", "warc_record_length"),
        ("http://m.org/", "content_mime_detected"),
    }


def test_a_record_that_two_rows_name_is_read_once(spark: SparkSession, index: str) -> None:
    """One pointer is one record, whatever URLs and lengths lead to it."""
    rows = [_row(PAGES[0]), {**_row(PAGES[0]), "url": "https://a.edu/", "warc_record_length": 120}]
    chosen = select_records(spark.createDataFrame(rows), IndexConfig()).collect()
    assert [(row.warc_file, [tuple(r) for r in row.records]) for row in chosen] == [
        ("f1", [(10, 120)])
    ]


def test_a_classic_cdx_file_is_read_by_its_first_line(spark: SparkSession, tmp_path: Path) -> None:
    """Eleven fields by default, others as the file says; without lengths no record can be read."""
    path = tmp_path / "a.cdx"
    path.write_text(
        " CDX N b a m s k r M S V g\n"
        "org,a)/ 20240101000000 http://a.org/ text/html 200 SHA - - 300 40 f.warc.gz\n"
        "org,b)/ 20240101000000 http://b.org/ text/html - SHA - - 300 400 f.warc.gz\n"
    )
    assert first_names(str(path)) == ["f.warc.gz"] * 2
    letters = cdx_letters(str(path))
    assert letters == CDX_LETTERS
    frame = from_cdx(spark.read.text(str(path)), letters)
    assert _chosen(select_records(frame, IndexConfig())) == {"f.warc.gz": [40]}
    path.write_text(
        " CDX N b a m s k r V g\n"
        "org,a)/ 20240101000000 http://a.org/ text/html 200 SHA - 40 f.warc.gz\n"
    )
    letters = cdx_letters(str(path))
    assert letters == "N b a m s k r V g"
    frame = from_cdx(spark.read.text(str(path)), letters)
    assert _chosen(select_records(frame, IndexConfig())) == {}
    assert [row.lacks for row in incomplete(frame, IndexConfig()).collect()] == [
        "warc_record_length"
    ]


def test_spark_finds_the_host_that_python_finds(spark: SparkSession) -> None:
    """One pattern for both: an index's hosts are compared with those of `--urls`."""
    urls = ["http://[bad", "HTTP://U:p@Ü.Example:80/x?y", "http://[::1]:8/", "", "a b", "x://h"]
    lines = [(f"k 20240101 {json.dumps({'url': url, 'filename': 'f'})}",) for url in urls]
    rows = from_cdxj(spark.createDataFrame(lines, "value string")).collect()
    assert {row.url: row.url_host_name for row in rows} == {url: url_host(url) for url in urls}


def test_a_build_tells_which_urls_lead_to_no_record(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """URLs that are not in the index, and lines that are no URLs, are counted and named; a run that
    is refused because nothing is chosen leaves nothing behind."""
    crawl = tmp_path / "crawl"
    write_sample_crawl(crawl)
    name = sorted(crawl.rglob("*.warc.gz"))[0].relative_to(crawl).as_posix()
    page = next(i for i in read_pages(str(crawl / name), warc_file=name) if isinstance(i, Page))
    entry = {"url": page.url, "mime": "text/html", "status": "200", "filename": name}
    entry |= {"offset": str(page.warc_offset), "length": str(page.warc_length)}
    (tmp_path / "a.cdxj").write_text(f"k 20240101000000 {json.dumps(entry)}\n")
    urls = tmp_path / "urls.txt"

    def settings(output: str) -> Any:
        index = {"paths": [str(tmp_path / "a.cdxj")], "urls": str(urls), "mirror": str(crawl)}
        return load_config(
            ROOT / "conf" / "local.yaml",
            {"input": {"index": index}, "output": str(tmp_path / output)},
        )

    urls.write_text("http://none.org/\nhttp://[bad\n")
    with pytest.raises(InputError, match="selects no record"):
        run_stage(Run.begin(settings("refused"), resume=False), "extract")
    assert not (tmp_path / "refused").exists() or not list((tmp_path / "refused").iterdir())
    urls.write_text(f"{page.url}\nhttp://none.org/\nhttp://[bad\n")
    run_stage(Run.begin(settings("run"), resume=False), "extract")
    assert "2 of the given URLs choose no record" in caplog.text
    assert "http://[bad, http://none.org/; http://[bad: not URLs" in caplog.text


def test_an_index_without_a_reachable_mirror_is_refused_at_once(tmp_path: Path) -> None:
    """Before Spark starts: a folder that is none, and one without the file that the index names."""
    line = {"url": "http://a/", "filename": "x.warc.gz", "offset": "0", "length": "9"}
    (tmp_path / "a.cdxj").write_text(f"k 20240101000000 {json.dumps(line)}\n")
    paths = [str(tmp_path / "a.cdxj")]
    with pytest.raises(InputError, match="is not a folder"):
        check_index(IndexConfig(paths=paths, mirror=str(tmp_path / "none")))
    with pytest.raises(InputError, match=r"does not hold x\.warc\.gz.*--mirror"):
        check_index(IndexConfig(paths=paths, mirror=str(tmp_path)))
    (tmp_path / "x.warc.gz").write_bytes(b"x")
    check_index(IndexConfig(paths=paths, mirror=str(tmp_path)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"index": {"urls": "u.txt"}}, "input.index.urls .* input.index.paths names none"),
        ({"index": {"domains": ["a.org"]}}, "input.index.domains"),
        ({"paths": ["a"], "index": {"paths": ["b"]}}, "are both given"),
    ],
)
def test_contradictory_inputs_are_refused(values: dict[str, Any], message: str) -> None:
    """What chooses among an index's records needs an index, and a run has one kind of input."""
    with pytest.raises(ConfigError, match=message):
        load_config(None, {"input": values})
