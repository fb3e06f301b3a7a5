"""`infimm train` from tables: balanced hosts, the files it writes, and what it refuses."""

from __future__ import annotations

import dataclasses
import datetime
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from infimm_spark.browse.labels import Labels
from infimm_spark.classify.mathematics import load_classifier
from infimm_spark.config import BuildConfig
from infimm_spark.errors import ConfigError, InputError
from infimm_spark.training.command import TrainingRequest, sampled_examples, train, train_command
from infimm_spark.training.convex import ConvexParameters
from infimm_spark.training.fitting import TrainingParameters
from infimm_spark.training.sample import balanced_sample, training_table

MATHS = ["theorem", "proof", "lemma", "$x^2=y$", r"$\frac{a}{b}$", "integral", "matrix"]
NEWS = ["council", "river", "market", "bus", "football", "music", "garden"]


def row(label: int, host: int, number: int) -> dict[str, Any]:
    order = random.Random(label * 10_000 + host * 100 + number)
    words = order.choices((MATHS if label else NEWS) * 3 + ["the", "of"], k=40)
    url = f"https://www.host{host}-{label}.example:8080/p/{number}?q=1"
    return {"id": f"{label}/{host}/{number}", "url": url, "text": " ".join(words)}


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def request_(tmp_path: Path) -> TrainingRequest:
    """Positives in Parquet, of which one host has most; negatives in JSON Lines."""
    positives = [row(1, h, n) for h in range(8) for n in range(40 if h == 0 else 5)]
    negatives = [row(0, h, n) for h in range(8) for n in range(6)]
    segmented = [
        {"url": r["url"], "segments": [{"text": r["text"]}, {"text": None}]} for r in positives
    ]
    return TrainingRequest(
        kind="recall",
        output=tmp_path / "models",
        positives=(write(tmp_path / "positives.parquet", segmented),),
        negatives=(
            write(tmp_path / "negatives.jsonl", [*negatives, {"url": "http://h/", "text": " "}]),
        ),
        sample=60,
        max_host_share=0.15,
        parameters=TrainingParameters(solver=ConvexParameters(bucket=1_000), folds=4),
        recall=0.9,
        date=datetime.date(2024, 1, 2),
    )


def test_training_from_tables(spark: SparkSession, request_: TrainingRequest) -> None:
    """Model, cards and curve are written; hosts are balanced and counted in the card."""
    path = train(request_, spark)
    card = load_classifier(path, "recall").card
    sources = card.data["sources"]
    assert sources["positives"] | {"tables": 0} == {
        "rows": 75, "empty": 0, "without_host": 0, "hosts": 8, "per_host": 6, "taken": 41, "tables": 0,
    }  # fmt: skip
    assert (sources["negatives"]["rows"], sources["negatives"]["empty"]) == (49, 1)
    assert sources["negatives"]["tables"] == ["negatives.jsonl"]
    assert card.data["sites"] == 16
    assert card.evaluation["en/text"]["auc"] > 0.99
    assert 0 < card.default_threshold < 1
    assert path.with_suffix(".pr.png").read_bytes().startswith(b"\x89PNG")


def test_rows_that_label_themselves(
    spark: SparkSession, request_: TrainingRequest, tmp_path: Path
) -> None:
    """A score of 6 makes a positive, a label counts as it stands, and a third label is refused."""
    rows = [row(1, h, n) | {"score": 5 + n} for h in range(8) for n in range(2)]
    graded = write(tmp_path / "grades.jsonl", [*rows, row(1, 9, 0) | {"label": 0}])
    request = dataclasses.replace(
        request_, positives=(), negatives=(), labelled=(graded,), max_host_share=0.2
    )
    examples, _ = sampled_examples(request, spark)
    assert sorted(e.label for e in examples) == [0] * 9 + [1] * 8
    assert {e.score for e in examples} == {5.0, 6.0, None}
    strange = write(tmp_path / "strange.jsonl", [row(1, 1, 1) | {"label": "maybe"}, row(1, 1, 2)])
    with pytest.raises(InputError, match=r"null, 'maybe'; expected label 1 or 0"):
        sampled_examples(dataclasses.replace(request, labelled=(strange,)), spark)


def test_pages_labelled_in_the_browser_train_by_their_grades(
    spark: SparkSession, request_: TrainingRequest, tmp_path: Path
) -> None:
    """A label file of `infimm browse` is read as it is; pages with marks and no grade are left
    out."""
    labels = Labels(tmp_path / "labels.jsonl", "run")
    pages = [row(1, h, n) for h in range(8) for n in range(3)]
    for number, page in enumerate(pages):
        known = {**page, "snapshot": "CC-MAIN-2023-50", "language": "en"}
        said = {"score": 4 * (number % 3)} if number % 3 else {"wrong_formula": True}
        labels.save(known, page["text"], said)
    request = dataclasses.replace(
        request_,
        positives=(),
        negatives=(),
        labelled=(str(labels.path),),
        max_host_share=0.2,
    )
    examples, _ = sampled_examples(request, spark)
    assert sorted((e.score, e.label) for e in examples) == [(4.0, 0)] * 8 + [(8.0, 1)] * 8
    assert {e.text for e in examples} <= {page["text"] for page in pages}


def test_unusable_tables_are_refused(
    spark: SparkSession, request_: TrainingRequest, tmp_path: Path
) -> None:
    """Too few hosts, no text, no host, no text column, a broken line: each is named."""
    cases = {
        "of which none may give more": [row(1, 1, n) for n in range(20)],
        "rows, all without text": [{"url": "http://h/", "text": ""}],
        "no row has a url or host": [{"text": "theorem"}],
        "no row has text, segments": [{"url": "http://h/", "body": "x"}],
    }
    for number, (message, rows) in enumerate(cases.items()):
        path = write(tmp_path / f"{number}.jsonl", rows)
        with pytest.raises(InputError, match=message):
            sampled_examples(dataclasses.replace(request_, positives=(path,)), spark)
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "a", "url": "http://h/"}\n{"text": "cut sh')
    with pytest.raises(InputError, match=r"broken\.jsonl: a line cannot be read"):
        sampled_examples(dataclasses.replace(request_, positives=(str(broken),)), spark)
    with pytest.raises(InputError, match="columns body; expected text, segments or text_list"):
        training_table(spark.createDataFrame([("x",)], "body string"))


def test_the_sample_does_not_depend_on_partitions(spark: SparkSession) -> None:
    """The same rows are taken in the same order, however the table is cut; repeated ids count
    once."""
    rows = [(f"{h}-{n}", f"h{h}", f"text {n}") for h in range(6) for n in range(8)] * 2
    frame = spark.createDataFrame(rows, "id string, host string, text string")
    taken = []
    for partitions in (1, 5):
        table = training_table(frame.repartition(partitions), 1)
        sample, counts = balanced_sample(table, 20, 0.25, 3, name="rows")
        taken.append([(r["id"], r["host"]) for r in sample.collect()])
        assert (counts.rows, counts.per_host, counts.taken) == (96, 4, 20)
    assert taken[0] == taken[1]
    assert len(set(taken[0])) == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "both"}, "expected recall or precision"),
        ({"solver": "magic"}, "expected convex or fasttext"),
        ({"recall": 0.9, "precision": 0.9}, "expected one of them"),
        ({"negatives": ()}, "--positives and --negatives"),
        ({"autotune": 5}, "expected --solver fasttext"),
    ],
)
def test_impossible_requests_are_refused_before_spark(
    request_: TrainingRequest, change: dict[str, Any], message: str
) -> None:
    """Options that contradict each other are refused in one line."""
    options: dict[str, Any] = {
        "kind": "recall",
        "solver": "convex",
        "parameters": None,
        "max_chars": 2000,
        "folds": 4,
        "seed": 1,
        "config": BuildConfig(),
        "output": request_.output,
        "positives": request_.positives,
        "negatives": request_.negatives,
    }
    with pytest.raises(ConfigError, match=message):
        train_command(**(options | change))
