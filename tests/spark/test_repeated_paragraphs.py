"""The optional stage that removes paragraphs repeated across a host."""

from __future__ import annotations

import pytest
from dedup_corpus import document, frame
from pyspark.sql import SparkSession

from infimm_spark.config import BoilerplateConfig
from infimm_spark.stages.repeated_paragraphs import repeated_paragraphs, without_paragraphs

pytestmark = pytest.mark.spark

NOTICE = "All rights reserved; see the terms of use for details of this site."
FORMULA = "Recall that the derivative is linear: $(af + bg)' = af' + bg'$ for all $a$, $b$."


def test_repeated_paragraphs_go_and_formulas_stay(spark: SparkSession) -> None:
    """On a host whose pages share a notice and a formula the notice goes; elsewhere it stays; a
    page that is nothing else keeps it, and images are not touched."""
    rows = [
        document(
            f"d{i}",
            [f"Page number {i} has its own words, and enough of them.\n\n{NOTICE}", None, FORMULA],
            url=f"https://lessons.org/{i}",
        )
        for i in range(10)
    ]
    rows.append(document("bare", NOTICE, url="https://www.lessons.org/bare"))
    rows.append(document("other", f"Some words.\n\n{NOTICE}", url="https://other.org/"))
    documents = frame(spark, rows)
    config = BoilerplateConfig(min_documents=10)
    repeated = repeated_paragraphs(documents, config)
    (found,) = repeated.collect()
    assert (found["host"], found["documents"], found["of"]) == ("lessons.org", 11, 11)
    assert found["text"] == NOTICE
    clean = {row["id"]: row for row in without_paragraphs(documents, repeated, config).collect()}
    assert len(clean) == len(rows)
    for i in range(10):
        texts = [segment["text"] for segment in clean[f"d{i}"]["segments"]]
        own = f"Page number {i} has its own words, and enough of them."
        assert texts == [own, None, FORMULA]
        assert clean[f"d{i}"]["segments"][1]["image"]["url"] == "https://e.org/i.png"
        assert clean[f"d{i}"]["text_length"] == len(own) + len(FORMULA)
    assert clean["bare"]["segments"][0]["text"] == NOTICE
    assert clean["other"]["segments"][0]["text"].endswith(NOTICE)
