"""The publish stage: the released schema, and files of a set size."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.rules.tokens import gpt3_token_length
from infimm_spark.stages import publish
from infimm_spark.stages.publish import corpus_files, corpus_rows, partition_for_publish

pytestmark = pytest.mark.spark

LOGO = "https://example.org/logo.png"
METADATA = [
    "ft_lang_label",
    "ft_lang_prob",
    "math_prob",
    "size",
    "snap",
    "text_gpt3_token_len",
    "char_repetition_ratio",
    "word_repetition_ratio",
    "special_character_ratio",
    "punctuation_ratio",
    "nsfw_num_words",
    "has_unicode_error",
    "math_prob_llama3",
    "pos_list",
    "im_url_duplicate_count",
    "WARC_HEADER",
]


def clean_row(name: str, *segments: str, snapshot: str = "CC-MAIN-2023-40") -> dict[str, Any]:
    """A row of `clean`; segments that are URLs are images."""
    row: dict[str, Any] = dict.fromkeys(schemas.CLEAN.names)
    headers = {"WARC-Type": "response", "WARC-Target-URI": f'https://example.org/{name}?a="é"'}
    return row | {
        "id": hashlib.md5(name.encode()).hexdigest(),
        "url": f"https://example.org/{name}",
        "snapshot": snapshot,
        "warc_file": "crawl-data/x/00000.warc.gz",
        "warc_offset": 7,
        "warc_length": 11,
        "warc_headers": json.dumps(headers, ensure_ascii=False),
        "title": name,
        "language": "en",
        "language_prob": 0.83218575,
        "math_prob": 0.9824233,
        "quality_prob": 0.9807487,
        "size": 9,
        "char_repetition_ratio": 0.148416887,
        "word_repetition_ratio": 0.0,
        "special_character_ratio": 1 / 3,
        "punctuation_ratio": 0.25,
        "nsfw_num_words": 0,
        "has_unicode_error": False,
        "formula_counts": [{"encoding": "katex", "outcome": "valid", "count": 2}],
        "consent": ["robots:noai"],
        "segments": [
            {"text": None, "image": {"url": s, "alt": "alt"}}
            if s.startswith("https:")
            else {"text": s, "image": None}
            for s in segments
        ],
    }


@pytest.fixture(scope="module")
def clean(spark: SparkSession) -> DataFrame:
    other = "https://example.org/other.png"
    rows = [
        clean_row("a", "Let $x$", LOGO, "be real", LOGO),
        clean_row("b", LOGO, "数学", other),
        clean_row("c", "text only", snapshot="CC-MAIN-2023-50"),
        clean_row("d", snapshot="CC-MAIN-2023-50"),
    ]
    return spark.createDataFrame(rows, schemas.spark_schema(schemas.CLEAN))


@pytest.fixture(scope="module")
def corpus(clean: DataFrame) -> dict[str, dict[str, Any]]:
    return {row["title"]: row.asDict(True) for row in corpus_rows(clean).collect()}


def test_columns(clean: DataFrame) -> None:
    """The corpus has exactly the columns and types of its table."""
    expected = schemas.spark_schema(schemas.CORPUS)
    assert corpus_rows(clean).schema.simpleString() == expected.simpleString()


def test_lists_are_parallel(corpus: dict[str, dict[str, Any]]) -> None:
    """At each position exactly one of text and image is there, in page order."""
    assert corpus["a"]["text_list"] == ["Let $x$", None, "be real", None]
    assert corpus["a"]["image_list"] == [None, LOGO, None, LOGO]
    assert [image["url"] for image in corpus["a"]["images"]] == [LOGO, LOGO]
    assert corpus["d"]["text_list"] == corpus["d"]["image_list"] == corpus["d"]["images"] == []


def test_metadata_has_every_field_in_order(corpus: dict[str, dict[str, Any]]) -> None:
    """The JSON object names the release's fields, no more, in its order, nulls included."""
    for row in corpus.values():
        assert list(json.loads(row["metadata"])) == METADATA


def test_metadata_values(corpus: dict[str, dict[str, Any]]) -> None:
    """Values are written as in the release: label prefix, single precision, short snapshot name."""
    metadata = json.loads(corpus["a"]["metadata"])
    assert metadata["ft_lang_label"] == "__label__en"
    assert metadata["ft_lang_prob"] == 0.83218575
    assert metadata["math_prob"] == 0.9824233
    assert metadata["math_prob_llama3"] == 0.9807487
    assert metadata["char_repetition_ratio"] == 0.14841689
    assert metadata["special_character_ratio"] == 0.33333334
    assert metadata["snap"] == "2023-40"
    assert metadata["size"] == 9
    assert metadata["has_unicode_error"] is False
    assert metadata["pos_list"] == [0, 1, 2, 3]


def test_tokens_are_counted_over_the_joined_text(corpus: dict[str, dict[str, Any]]) -> None:
    """Segments are joined by blank lines before they are counted."""
    lengths = {n: json.loads(r["metadata"])["text_gpt3_token_len"] for n, r in corpus.items()}
    assert lengths["a"] == gpt3_token_length("Let $x$\n\nbe real")
    assert lengths["d"] == 0


def test_image_urls_are_counted_over_the_corpus(corpus: dict[str, dict[str, Any]]) -> None:
    """Every occurrence counts, also within one document; a text has null."""
    counts = {n: json.loads(r["metadata"])["im_url_duplicate_count"] for n, r in corpus.items()}
    assert counts == {"a": [None, 3, None, 3], "b": [3, None, 1], "c": [None], "d": []}


def test_warc_header(corpus: dict[str, dict[str, Any]]) -> None:
    """WARC_HEADER is JSON within JSON: the record's headers as written, then its file."""
    header = json.loads(json.loads(corpus["a"]["metadata"])["WARC_HEADER"])
    assert header == {
        "WARC-Type": "response",
        "WARC-Target-URI": 'https://example.org/a?a="é"',
        "warc_filename": "crawl-data/x/00000.warc.gz",
    }
    assert list(header)[-1] == "warc_filename"


def many(spark: SparkSession, partitions: int) -> DataFrame:
    """300 documents of two snapshots, one three times the size of the other."""
    rows = [
        clean_row(f"n{n}", "text " * 50, LOGO, snapshot="CC-MAIN-2023-" + ("40" if n % 4 else "50"))
        for n in range(300)
    ]
    frame = spark.createDataFrame(rows, schemas.spark_schema(schemas.CLEAN))
    return corpus_rows(frame.repartition(partitions))


def written(corpus: DataFrame, files: dict[str, int], folder: Path) -> dict[str, list[Any]]:
    """Rows of each file below `folder`, by snapshot directory, in file order."""
    partition_for_publish(corpus, files).write.partitionBy("snapshot").parquet(str(folder))
    contents: dict[str, list[Any]] = defaultdict(list)
    for path in sorted(folder.rglob("*.parquet")):
        contents[path.parent.name].append(pq.ParquetFile(path).read().to_pylist())
    return dict(contents)


def test_files_do_not_depend_on_input_partitions(spark: SparkSession, tmp_path: Path) -> None:
    """At 1 and 17 input partitions every file has the same rows in the same order, sorted by id."""
    files = {"CC-MAIN-2023-40": 5, "CC-MAIN-2023-50": 2}
    one = written(many(spark, 1), files, tmp_path / "one")
    seventeen = written(many(spark, 17), files, tmp_path / "seventeen")
    key = lambda rows: rows[0]["id"]
    assert {s: sorted(f, key=key) for s, f in one.items()} == {
        s: sorted(f, key=key) for s, f in seventeen.items()
    }
    assert {s: len(f) for s, f in one.items()} == {
        "snapshot=CC-MAIN-2023-40": 5,
        "snapshot=CC-MAIN-2023-50": 2,
    }
    for snapshot_files in one.values():
        ids = [row["id"] for rows in sorted(snapshot_files, key=key) for row in rows]
        assert ids == sorted(ids)
        assert all(
            [r["id"] for r in rows] == sorted(r["id"] for r in rows) for rows in snapshot_files
        )
    assert sum(len(rows) for fs in one.values() for rows in fs) == 300


@pytest.mark.parametrize("total", [1, 7, 40])
@pytest.mark.parametrize("is_old", [False, True])
def test_each_file_has_a_partition_of_its_own(
    spark: SparkSession, total: int, is_old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No partition holds two files, at any number of files; before Spark 4.1, too."""
    if is_old:
        monkeypatch.setattr(publish, "_repartition_exactly", publish._repartition_by_keys)
    frame = spark.range(total * 20).selectExpr(
        f"lower(lpad(hex(cast((id + 0.5D) * {2**32} / {total * 20} as bigint)), 8, '0')) as id",
        "'CC-MAIN-2023-40' as snapshot",
    )
    placed = partition_for_publish(frame, {"CC-MAIN-2023-40": total})
    sizes = placed.groupBy(F.spark_partition_id()).count().collect()
    assert sorted(row["count"] for row in sizes) == [20] * total


def test_number_of_files_follows_the_bytes(clean: DataFrame) -> None:
    """Each snapshot gets at least one file, and more as files get smaller."""
    assert corpus_files(clean, 1 << 30) == {"CC-MAIN-2023-40": 1, "CC-MAIN-2023-50": 1}
    small = corpus_files(clean, 100)
    assert small["CC-MAIN-2023-40"] >= small["CC-MAIN-2023-50"] > 1


def test_empty_corpus_is_written(spark: SparkSession, tmp_path: Path) -> None:
    """A run that kept nothing still has a corpus to read: no rows, no error."""
    empty = spark.createDataFrame([], schemas.spark_schema(schemas.CLEAN))
    assert corpus_files(empty, 1 << 20) == {}
    placed = partition_for_publish(corpus_rows(empty), {})
    placed.write.partitionBy("snapshot").parquet(str(tmp_path / "corpus"))
    assert (tmp_path / "corpus" / "_SUCCESS").exists()
