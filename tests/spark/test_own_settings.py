"""A build with what users bring themselves: a language, rules, a scorer, refused signals,
masking."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from warc_records import pack, record

from infimm_spark import schemas, usercode
from infimm_spark.classify import broadcast
from infimm_spark.config import BuildConfig, load_config
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.pipeline import RunSummary, build

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]

OWN_CODE = """
def too_short(text, metrics):
    return "too_short" if metrics.size < 60 else None

def load():
    return lambda texts, languages: [0.1 if "Wetter" in text else 0.9 for text in texts]
"""

LESSON = (
    "In einem rechtwinkligen Dreieck ist die Summe der Quadrate über den beiden Katheten gleich "
    "dem Quadrat "
    "über der Hypotenuse, und umgekehrt folgt aus dieser Gleichung, dass der Winkel ein rechter "
    "ist. Wir "
    "beweisen den Satz mit ähnlichen Dreiecken: Die Höhe teilt das Dreieck in zwei kleinere. "
    "Fragen an "
    "{address}."
)
WEATHER = (
    "Das Wetter wird am Wochenende freundlich, und die Sonne scheint länger als zuletzt. Am Abend "
    "ziehen von "
    "Westen her einige Wolken auf, es bleibt aber nach der Vorhersage bis Montag überall trocken "
    "und mild."
)


def page(text: str, head: str = "") -> bytes:
    head = f'<meta charset="utf-8">{head}'
    return f"<html lang=de><head>{head}</head><body><p>{text}</p></body></html>".encode()


PAGES = {
    "lesson": page(LESSON.format(address="lehrer@schule.de")),
    "copy": page(LESSON.format(address="lehrer@schule.de").replace("zwei kleinere", "zwei Dreiecke")),
    "refused": page("Der Kreis hat unendlich viele Symmetrieachsen, die sich in einem Punkt schneiden. "
                    "Jede Gerade durch diesen Mittelpunkt ist eine von ihnen.",
                    '<meta name="robots" content="noai">'),
    "short": page("Der Satz ist nun bewiesen, und damit sind wir fertig."),
    "weather": page(WEATHER),
}  # fmt: skip


@pytest.fixture(scope="module")
def own_code(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """`own_code` where driver and workers find it, as --py-files would put it there."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_code.py").write_text(OWN_CODE)
    spark.sparkContext.addPyFile(str(folder / "own_code.py"))
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("own_code", None)
    usercode.load.cache_clear()
    broadcast._LOADED.clear()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> BuildConfig:
    folder = tmp_path_factory.mktemp("german")
    warc = folder / "a.warc.gz"
    headers = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    warc.write_bytes(
        pack(
            [record(body, url=f"https://{name}.de/", http=headers) for name, body in PAGES.items()]
        )
    )
    return load_config(
        ROOT / "conf" / "local.yaml",
        {
            "input": {"paths": [str(warc)]},
            "output": str(folder / "run"),
            "extract": {"languages": ["en", "zh", "de"], "unclassified": ["de"]},
            "rules": {"extra": ["own_code:too_short"], "refuse_signals": ["*:noai"]},
            "publish": {"mask": ["email", "phone"]},
        },
    )


@pytest.fixture(scope="module")
def built(spark: SparkSession, own_code: None, config: BuildConfig) -> RunSummary:
    assert spark
    return build(config)


def rejects(built: RunSummary, stage: str) -> dict[str, tuple[str, str]]:
    found = tables.rows(RunLayout(built.output), stage, "rejects", schemas.REJECTS)
    return {row["url"]: (row["stage"], row["reason"]) for row in found}


def test_a_third_language_goes_through_by_configuration(built: RunSummary) -> None:
    """German pages pass without a score, near copies are found by words, the rules are asked."""
    lines = {line.stage: (line.read, line.kept) for line in built.funnel}
    assert lines["recall"] == (5, 5)
    assert lines["dedup"] == (5, 4)
    (copy,) = rejects(built, "dedup").values()
    assert copy == ("dedup", "near")
    assert lines["rules"] == (4, 2)
    assert lines["precision"] == (2, 2)


def test_own_rules_and_refused_signals_are_reasons(built: RunSummary) -> None:
    """Each has its reason in the rejects, and the ledger adds up with them."""
    assert rejects(built, "refine") == {
        "https://refused.de/": ("rules", "refused:robots:noai"),
        "https://short.de/": ("rules", "too_short"),
    }


def test_the_corpus_is_masked_and_counted(built: RunSummary) -> None:
    """No address is left; the column says how many there were; scores of a language without are
    null."""
    rows = pq.read_table(built.corpus).to_pylist()
    by_url = {row["URL"]: row for row in rows}
    assert len(by_url) == 2
    lesson = next(row for url, row in by_url.items() if "weather" not in url)
    assert "[email]" in lesson["text_list"][0]
    assert "@" not in lesson["text_list"][0]
    assert {m["kind"]: m["count"] for m in lesson["masked"]} == {"email": 1, "phone": 0}
    metadata = json.loads(lesson["metadata"])
    assert metadata["ft_lang_label"] == "__label__de"
    assert metadata["math_prob"] is metadata["math_prob_llama3"] is None


def test_the_sources_of_own_rules_are_in_the_identity(built: RunSummary) -> None:
    """Another source is another identity: the run cannot be resumed with it."""
    identity: dict[str, Any] = json.loads(Path(f"{built.output}/refine/manifest.json").read_text())[
        "identity"
    ]
    digest = usercode.source_digest("own_code:too_short", "rules.extra")
    assert identity["extra"] == {"own_code:too_short": digest}
