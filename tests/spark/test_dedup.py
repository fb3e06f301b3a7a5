"""The dedup stage, against a reading of its rule in plain Python."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dedup_corpus import (
    NEW,
    NEXT,
    OLD,
    Row,
    corpus,
    document,
    edited,
    evidence,
    frame,
    jaccard,
    prose,
    text,
)
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import DedupConfig, LengthThreshold, MinHashConfig, UrlConfig
from infimm_spark.dedup import minhash, shingles, survivors
from infimm_spark.dedup.survivors import Checkpoint, greedy_duplicates
from infimm_spark.dedup.urls import url_key
from infimm_spark.dedup.verify import Verification
from infimm_spark.errors import ConvergenceError, InputError, SignatureMismatchError
from infimm_spark.stages.dedup import (
    deduplicate,
    deduplicate_ranked,
    rank,
    select_recalled,
    select_unrecalled,
    signatures,
    survivor_ranks,
)

pytestmark = pytest.mark.spark


def only_minhash(**options: Any) -> DedupConfig:
    return DedupConfig(exact=False, minhash=MinHashConfig(**options), url=UrlConfig(enabled=False))


Scene = Callable[[], list[Row]]
SCENES: list[Scene] = []
"""Documents of several tests that go through one run: a run costs the same for three or for three
hundred. No scene has a word of another, and `together` keeps their ids and hosts apart."""


def scene(rows: Scene) -> Scene:
    SCENES.append(rows)
    return rows


def set_apart(rows: list[Row], number: int) -> list[Row]:
    return [
        row
        | {
            "id": f"{number:02}-{row['id']}",
            "url": row["url"].replace(".org/", f".scene{number}.org/"),
        }
        for row in rows
    ]


@pytest.fixture(scope="module")
def whole_run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """The evidence of one run over all scenes, as it is configured by default."""
    folder = tmp_path_factory.mktemp("scenes")

    def checkpoint(frame: DataFrame, name: str) -> DataFrame:
        frame.write.parquet(str(folder / name))
        return spark.read.parquet(str(folder / name))

    rows = [row for number, own in enumerate(SCENES) for row in set_apart(own(), number)]
    return deduplicate(frame(spark, rows), DedupConfig(), checkpoint)


@pytest.fixture(scope="module")
def together(whole_run: DataFrame) -> Callable[[Scene], dict[str, Row]]:
    """The evidence of a scene, by its own ids."""
    found = evidence(whole_run)

    def of(rows: Scene) -> dict[str, Row]:
        prefix = f"{SCENES.index(rows):02}-"
        own = {name: row for name, row in found.items() if name.startswith(prefix)}
        named = ("id", "kept_id", "matched_id")
        assert all(row[key].startswith(prefix) for row in own.values() for key in named)
        return {
            name.removeprefix(prefix): row | {key: row[key].removeprefix(prefix) for key in named}
            for name, row in own.items()
        }

    return of


Together = Callable[[Scene], dict[str, Row]]


def test_recall_threshold_is_inclusive(spark: SparkSession) -> None:
    """A document at the threshold stays, one below or without a score goes."""
    rows = [document(str(p), "t", math_prob=p) for p in (0.25, 0.5, None)]
    assert [row["id"] for row in select_recalled(frame(spark, rows), 0.5).collect()] == ["0.5"]


def test_recall_thresholds_may_depend_on_length(spark: SparkSession) -> None:
    """The threshold of the longest band that a text reaches decides; every row is on one side."""
    rows = [
        document(name, "t", math_prob=0.5) | {"text_length": n}
        for name, n in (("a", 9), ("b", 10), ("c", 99))
    ]
    bands = [
        LengthThreshold(min_chars=99, threshold=0.9),
        LengthThreshold(min_chars=10, threshold=0.4),
    ]
    documents = frame(spark, [*rows, document("d", "t", math_prob=None)])
    kept = {row["id"] for row in select_recalled(documents, 0.6, bands).collect()}
    assert kept == {"b"}
    assert {row["id"] for row in select_unrecalled(documents, 0.6, bands).collect()} == {
        "a",
        "c",
        "d",
    }


def test_signature_rows(spark: SparkSession) -> None:
    """A row has the text's hashes and signature; short and empty texts have less."""
    words = text(prose(1))
    rows = [
        document("long", [words, None, "and more"]),
        document("short", "only four words here"),
        document("empty", [None]),
        document("zh", "数学是研究数量结构变化空间以及信息等概念的一门学科", language="zh"),
    ]
    config = DedupConfig()
    found = {row["id"]: row for row in signatures(frame(spark, rows), config).collect()}
    whole = f"{words}\n\nand more"
    hashes = shingles.shingle_hashes(whole, 5)
    assert found["long"]["text_hash"] == shingles.text_hash(whole)
    assert found["long"]["n_shingles"] == len(hashes)
    expected = minhash.signature(hashes, 112, 1)
    assert np.array_equal(np.frombuffer(found["long"]["signature"], "<u4"), expected)
    assert found["short"]["signature"] is None
    assert found["short"]["text_hash"] is not None
    assert found["empty"]["text_hash"] is None
    assert found["zh"]["n_shingles"] == 25 - 10 + 1


@scene
def copies_across_snapshots() -> list[Row]:
    same = "one two three"
    return [
        document("old", same, snapshot=OLD),
        document("new", f"{same} ", snapshot=NEW),
        document("newest", f"\n{same}", snapshot=NEXT),
        document("other", "one two four"),
    ]


def test_exact_duplicates_across_snapshots(together: Together) -> None:
    """Of equal texts the newest snapshot's stays, whatever the scope of near-duplicates."""
    found = together(copies_across_snapshots)
    assert {name: (row["kept_id"], row["reason"]) for name, row in found.items()} == {
        "old": ("newest", "exact"),
        "new": ("newest", "exact"),
    }
    assert {row["jaccard"] for row in found.values()} == {1.0}


@scene
def equal_texts_of_all_merits() -> list[Row]:
    same = "equal words"
    return [
        document("e", same, snapshot=OLD, n_formulas=9, text_length=99),
        document("d", same, n_formulas=1, text_length=99),
        document("c", same, n_formulas=2, text_length=11),
        document("b", same, n_formulas=2, text_length=12),
        document("a", same, n_formulas=2, text_length=12),
    ]


def test_survivor_order(together: Together) -> None:
    """Newer snapshot beats more formulas beats longer text beats smaller id."""
    found = together(equal_texts_of_all_merits)
    assert {row["kept_id"] for row in found.values()} == {"a"}
    assert set(found) == {"b", "c", "d", "e"}


@scene
def an_edited_page() -> list[Row]:
    words = prose(2)
    return [document("a", text(words)), document("b", text(edited(words, 1)), n_formulas=3)]


def test_a_near_duplicate_is_removed_with_its_jaccard(together: Together) -> None:
    """A page with one edited word goes for the better one; the row states the verified
    similarity."""
    found = together(an_edited_page)
    assert found == {
        "a": {
            "id": "a",
            "kept_id": "b",
            "matched_id": "b",
            "reason": "near",
            "jaccard": jaccard(*an_edited_page()),
            "round": NEW,
        }
    }


@scene
def shared_boilerplate() -> list[Row]:
    header = text(prose(3, 150))
    return [document(f"d{i:02}", f"{header} {text(prose(100 + i, 150))}") for i in range(50)]


def test_shared_boilerplate_makes_no_duplicates(together: Together) -> None:
    """Fifty pages whose common header and footer are half their text all stay."""
    assert together(shared_boilerplate) == {}


@scene
def shared_formulas() -> list[Row]:
    formula = r"$\frac{d}{dx} \int_0^x f(t) dt = f(x)$"
    rows = []
    for i in range(30):
        words = prose(500 + i, 60)
        mixed = " ".join(f"{text(words[k : k + 6])} {formula}" for k in range(0, 60, 6))
        rows.append(document(f"d{i:02}", mixed))
    return rows


def test_shared_formulas_make_no_duplicates(together: Together) -> None:
    r"""Pages that share only \frac{d}{dx} and the like all stay."""
    assert together(shared_formulas) == {}


@scene
def boilerplate_trap() -> list[Row]:
    """Pages of which five sixths are a common header."""
    header = text(prose(51, 300))
    return [document(f"d{i:02}", f"{header} {text(prose(400 + i, 60))}") for i in range(30)]


@scene
def formula_trap() -> list[Row]:
    """Pages of unrelated prose under one long derivation."""
    derivation = " ".join(
        rf"$\frac{{d}}{{dx}} \int_0^{{x_{{{k}}}}} f_{{{k}}}(t) dt = \sum_{{n={k}}}^\infty "
        rf"a_{{n+{k}}} x^{{{k}}}$"
        for k in range(12)
    )
    return [document(f"d{i:02}", f"{derivation} {text(prose(300 + i, 50))}") for i in range(30)]


def share_buckets(rows: list[Row], options: MinHashConfig) -> bool:
    """Whether bands propose most pairs of these documents."""
    signed = Signatures(rows, options)
    shape = options.bands, options.rows
    pairs = list(itertools.combinations(signed.by_id.values(), 2))
    proposed = sum(bool((left == right).reshape(shape).all(axis=1).any()) for left, right in pairs)
    return proposed > len(pairs) / 2


@pytest.mark.parametrize("trap", [boilerplate_trap, formula_trap])
def test_pages_that_share_buckets_but_too_little_text_all_stay(
    together: Together, trap: Scene
) -> None:
    """Bands propose most of these pairs, and would make one cluster of all; verification removes
    none."""
    assert share_buckets(trap(), MinHashConfig())
    assert together(trap) == {}


@pytest.mark.slow
@pytest.mark.parametrize("trap", [boilerplate_trap, formula_trap])
def test_such_pages_stay_in_rounds_too(
    spark: SparkSession, checkpoint: Checkpoint, trap: Scene
) -> None:
    """The same where rounds of joins judge them."""
    config = only_minhash(local_documents=0, local_limit=0)
    assert share_buckets(trap(), config.minhash)
    assert evidence(deduplicate(frame(spark, trap()), config, checkpoint)) == {}


@scene
def a_chain() -> list[Row]:
    a = prose(4, 300)
    b = edited(a, 5, seed=1)
    c = edited(b, 5, seed=2)
    return [
        document("a", text(a), n_formulas=3),
        document("b", text(b), n_formulas=2),
        document("c", text(c), n_formulas=1),
    ]


def test_a_chain_does_not_remove_its_end(together: Together) -> None:
    """A like B like C, A unlike C: with A best, B goes for A and C stays."""
    found = together(a_chain)
    assert {name: row["kept_id"] for name, row in found.items()} == {"b": "a"}


@scene
def versions_of_a_url() -> list[Row]:
    url = "http://www.page.org/a?utm_source=x"
    return [
        document("old", text(prose(5)), snapshot=OLD, url="https://page.org/a"),
        document("early", text(prose(6)), url=url, n_formulas=5, warc_date="2023-11-28T00:00:00Z"),
        document("late", text(prose(7)), url=url, warc_date="2023-11-29T00:00:00Z"),
        document("next", text(prose(8)), snapshot=NEXT, url=url),
    ]


def test_same_url_within_a_year(together: Together) -> None:
    """Within 2023 the newest version of a URL stays; that of 2024 is another year's."""
    found = together(versions_of_a_url)
    assert {name: row["kept_id"] for name, row in found.items()} == {"old": "late", "early": "late"}
    assert {(row["reason"], row["jaccard"], row["round"]) for row in found.values()} == {
        ("url", None, "2023")
    }


@scene
def removals_that_lead_on() -> list[Row]:
    words = prose(9)
    page = "https://page.org/x"
    return [
        document("old", text(prose(10)), url=page, snapshot=OLD),
        document("copy", text(words), url="https://page.org/y"),
        document("original", text(words), n_formulas=1),
        document("revised", text(edited(words, 1)), n_formulas=2, url=page),
    ]


def test_evidence_leads_to_a_document_that_stays(together: Together) -> None:
    """The old version of a URL goes for the new one, that as a copy, and its original as a near
    one: every row names its direct partner and the survivor."""
    found = together(removals_that_lead_on)
    assert {
        name: (row["reason"], row["matched_id"], row["kept_id"]) for name, row in found.items()
    } == {
        "old": ("url", "revised", "revised"),
        "copy": ("exact", "original", "revised"),
        "original": ("near", "revised", "revised"),
    }


@scene
def captures_of_a_url() -> list[Row]:
    page, day = "https://page.org/x", "2023-12-{:02}T00:00:00Z".format
    return [
        document("first", text(prose(41)), url=page, warc_date=day(1), n_formulas=9),
        document("second", text(prose(42)), url=page, warc_date=day(2)),
        document("third", text(prose(43)), url=page, warc_date=day(3)),
        document("original", text(prose(43)), n_formulas=1),
        document("near", text(edited(prose(42), 1)), n_formulas=5, snapshot=OLD),
    ]


def test_an_earlier_capture_stays_if_the_latest_is_a_copy(together: Together) -> None:
    """Of three captures of a URL in a snapshot the latest is a copy, the one before speaks for the
    URL."""
    found = together(captures_of_a_url)
    assert {name: (row["reason"], row["kept_id"]) for name, row in found.items()} == {
        "third": ("exact", "original"),
        "first": ("url", "second"),
        "near": ("near", "second"),
    }


@scene
def a_mirror() -> list[Row]:
    page = "https://ex.org/a"
    return [
        document("mirror", text(prose(31)), snapshot=OLD),
        document("page", text(prose(31)), snapshot=OLD, url=page, n_formulas=5),
        document("later", text(prose(32)), url=page),
    ]


def test_a_copy_is_represented_by_a_page_that_stays(together: Together) -> None:
    """Text A stands on a mirror and on a page that holds text B later: the mirror keeps A."""
    found = together(a_mirror)
    assert {name: (row["reason"], row["kept_id"]) for name, row in found.items()} == {
        "page": ("url", "later")
    }


@scene
def a_parked_page() -> list[Row]:
    page = "https://ex.org/a"
    return [
        document("own", text(prose(33)), snapshot=OLD, url=page),
        document("parked", text(prose(34)), url=page),
        document("parking", text(prose(34)), n_formulas=1),
    ]


def test_a_copy_holds_no_url(together: Together) -> None:
    """A page whose newer version is a copy of another site's page stays with its own text."""
    found = together(a_parked_page)
    assert {name: (row["reason"], row["kept_id"]) for name, row in found.items()} == {
        "parked": ("exact", "parking")
    }


@pytest.mark.parametrize(
    ("scope", "removed"),
    [
        pytest.param("snapshot", {"y"}, marks=pytest.mark.slow),
        pytest.param("pairs", {"x", "y", "z"}, marks=pytest.mark.slow),
        ("year", {"x", "y"}),
        pytest.param("all", {"w", "x", "y", "z"}, marks=pytest.mark.slow),
    ],
)
def test_scope(spark: SparkSession, checkpoint: Checkpoint, scope: str, removed: set[str]) -> None:
    """Near-duplicates meet within a snapshot, with neighbours, within a year or everywhere; the
    rule itself is tested without Spark."""
    words, distant = prose(11), prose(12)
    rows = [
        document("w", text(distant), snapshot=OLD),
        document("x", text(words), snapshot=OLD, n_formulas=1),
        document("y", text(edited(words, 1, 2)), n_formulas=1),
        document("z", text(edited(words, 1, 3)), n_formulas=2),
        document("n", text(edited(words, 1, 4)), snapshot=NEXT),
        document("m", text(edited(distant, 1, 5)), snapshot=NEXT),
    ]
    found = evidence(deduplicate(frame(spark, rows), only_minhash(scope=scope), checkpoint))
    assert set(found) == removed


def survivor_key(row: Row) -> tuple[int, int, int, str]:
    age = [NEXT, NEW, OLD].index(row["snapshot"])
    return age, -row["n_formulas"], -row["text_length"], row["id"]


class Signatures:
    """Signatures of a corpus of single-segment English rows, to judge pairs of them."""

    def __init__(self, rows: list[Row], options: MinHashConfig) -> None:
        self.options = options
        self.by_id: dict[str, Any] = {}
        for row in rows:
            hashes = shingles.shingle_hashes(row["segments"][0]["text"], options.ngram)
            if len(hashes) >= options.min_shingles:
                self.by_id[row["id"]] = minhash.signature(hashes, options.num_perm, options.seed)

    def resemble(self, left: Row, right: Row) -> bool:
        """Whether the two share a bucket and are verified."""
        agree = self.by_id[left["id"]] == self.by_id[right["id"]]
        if not agree.reshape(self.options.bands, self.options.rows).all(axis=1).any():
            return False
        similarity = agree.mean() if self.options.verify == "signature" else jaccard(left, right)
        return bool(similarity >= np.float32(self.options.threshold))


def expected_reasons(rows: list[Row], config: DedupConfig) -> dict[str, str]:
    """id -> reason of each removed document, by the rules of the scope `all` read literally."""
    signed = Signatures(rows, config.minhash)
    removed: dict[str, str] = {}
    pages: set[tuple[str, str]] = set()
    texts: set[str] = set()
    kept: list[Row] = []
    for snapshot in (NEXT, NEW, OLD):
        # All have one WARC-Date: of one URL the first in survivor order is judged first, the next
        # after all.
        turns: list[list[Row]] = []
        captures: Counter[str] = Counter()
        for row in sorted((row for row in rows if row["snapshot"] == snapshot), key=survivor_key):
            turn = captures[url_key(row["url"])]
            captures[url_key(row["url"])] += 1
            turns += [[]] * (turn == len(turns))
            turns[turn] = [*turns[turn], row]
        for row in itertools.chain(*turns):
            text, page = row["segments"][0]["text"], (url_key(row["url"]), row["snapshot"][8:12])
            if page in pages:
                removed[row["id"]] = "url"
                continue
            if text in texts:
                removed[row["id"]] = "exact"
            elif row["id"] in signed.by_id and any(
                signed.resemble(row, better) for better in kept if better["id"] in signed.by_id
            ):
                removed[row["id"]] = "near"
            else:
                kept.append(row)
                pages.add(page)
            texts.add(text)
    return removed


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"local_documents": 0}, marks=pytest.mark.slow),
        pytest.param({"local_documents": 0, "local_limit": 0}, marks=pytest.mark.slow),
        pytest.param({"local_documents": 0, "local_limit": 100}, marks=pytest.mark.slow),
        {"verify": "signature", "threshold": 0.75},
    ],
    ids=["one task", "one task of buckets", "rounds", "rounds and one task", "signatures"],
)
def test_the_stage_does_what_the_rules_say(
    spark: SparkSession, checkpoint: Checkpoint, options: dict[str, Any]
) -> None:
    """On clusters of revisions the stage removes what a literal reading of its rules removes, be it
    settled in rounds, in one task, or partly so."""
    rows = corpus(60, 1)
    config = DedupConfig(minhash=MinHashConfig(scope="all", **options))
    found = evidence(deduplicate(frame(spark, rows), config, checkpoint))
    expected = expected_reasons(rows, config)
    assert set(expected.values()) == {"exact", "near", "url"}
    assert {name: row["reason"] for name, row in found.items()} == expected


def test_pairs_remove_only_what_resembles_and_all_that_does(
    spark: SparkSession, checkpoint: Checkpoint
) -> None:
    """Each removal resembles a better document that stays; no two that stay in a snapshot or in
    neighbouring ones resemble each other."""
    rows = {row["id"]: row for row in corpus(150, 1)}
    config = only_minhash()
    found = evidence(deduplicate(frame(spark, list(rows.values())), config, checkpoint))
    signed = Signatures(list(rows.values()), config.minhash)
    for name, match in found.items():
        assert match["matched_id"] == match["kept_id"]
        assert survivor_key(rows[match["kept_id"]]) < survivor_key(rows[name])
        assert signed.resemble(rows[name], rows[match["kept_id"]])
    names = [OLD, NEW, NEXT]
    left = [row for row in rows.values() if row["id"] not in found and row["id"] in signed.by_id]
    for one, other in itertools.combinations(left, 2):
        if abs(names.index(one["snapshot"]) - names.index(other["snapshot"])) <= 1:
            assert not signed.resemble(one, other)
    assert len(found) > 20


@scene
def one_page_through_snapshots() -> list[Row]:
    words = prose(14)
    rows = [
        document(str(i), text(edited(words, 1, i)), snapshot=snapshot)
        for i, snapshot in enumerate([OLD, OLD, NEW, NEXT])
    ]
    rows += [
        document("copy", text(edited(words, 1, 3)), snapshot="CC-MAIN-2023-23"),
        document("revision", text(edited(words, 1, 9)), snapshot="CC-MAIN-2023-23"),
    ]
    return rows


def test_a_page_that_lives_through_snapshots_leaves_one_copy(together: Together) -> None:
    """Pairs hand the survivor on: versions of 2023-40, 2023-50 and 2024-10 all go for the
    newest."""
    found = together(one_page_through_snapshots)
    assert {name: (row["kept_id"], row["round"]) for name, row in found.items()} == {
        "0": ("3", f"{OLD}+{NEW}"),
        "1": ("3", f"{OLD}+{NEW}"),
        "2": ("3", f"{NEW}+{NEXT}"),
        "copy": ("3", "all"),
        "revision": ("3", f"CC-MAIN-2023-23+{OLD}"),
    }


@pytest.mark.parametrize(
    ("local_documents", "partitionings"),
    [
        pytest.param(0, (1, 4, 17, 200), marks=pytest.mark.slow),
        (100_000, (1, 5)),
    ],
    ids=["rounds", "one task"],
)
def test_the_result_does_not_depend_on_partitions_or_order(
    spark: SparkSession,
    checkpoints: Checkpoint,
    local_documents: int,
    partitionings: tuple[int, ...],
) -> None:
    """At any number of partitions, in any row order, the same evidence."""
    rows = corpus(60, 3)
    config = DedupConfig(minhash=MinHashConfig(local_documents=local_documents))
    results = []
    for partitions in partitionings:
        random.Random(partitions).shuffle(rows)
        documents = frame(spark, rows).repartition(partitions)
        previous = spark.conf.get("spark.sql.shuffle.partitions")
        spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
        try:
            results.append(evidence(deduplicate(documents, config, checkpoints)))
        finally:
            spark.conf.set("spark.sql.shuffle.partitions", previous)
    assert results[0]
    assert all(result == results[0] for result in results)


@scene
def texts_without_words() -> list[Row]:
    return [
        document("pictures", [None, None]),
        document("more pictures", [None]),
        document("space", "  \n"),
        document("dots", "..."),
        document("stars", "***"),
        document("no segments", []),
    ]


def test_texts_without_words_are_not_each_others_duplicates(together: Together) -> None:
    """Pictures only, white space only and different punctuation all stay."""
    assert together(texts_without_words) == {}


@scene
def short_texts() -> list[Row]:
    return [
        document("a", "page not found please try again later or search"),
        document("b", "page not found please try again later or leave"),
        document("c", "page not found please try again later or leave"),
    ]


def test_short_documents_take_the_exact_path_only(together: Together) -> None:
    """Short texts that share most of their words stay; equal ones go."""
    found = together(short_texts)
    assert {name: row["reason"] for name, row in found.items()} == {"c": "exact"}


@pytest.fixture(scope="module")
def ranked(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """The stored signatures of three documents."""
    folder = str(tmp_path_factory.mktemp("ranked") / "ranked")
    documents = frame(spark, [document(name, text(prose(61))) for name in ("a", "b", "c")])
    signed = signatures(documents, DedupConfig())
    rank(signed, survivor_ranks(signed, DedupConfig())).write.parquet(folder)
    return spark.read.parquet(folder)


def test_duplicate_ids_are_refused(ranked: DataFrame, checkpoint: Checkpoint) -> None:
    """An id that occurs twice stops the stage with its name."""
    twice = ranked.unionByName(ranked.where("id = 'b'"))
    with pytest.raises(InputError, match="'b'"):
        deduplicate_ranked(twice, DedupConfig(), checkpoint)


def test_missing_ids_are_refused(ranked: DataFrame, checkpoint: Checkpoint) -> None:
    """Evidence could not name a document without an id: it stops the stage."""
    nameless = ranked.where("id = 'a'").withColumn("id", F.lit(None).cast("string"))
    with pytest.raises(InputError, match="1 document ids are missing"):
        deduplicate_ranked(nameless, DedupConfig(), checkpoint)


def test_signatures_of_another_fingerprint_are_refused(
    ranked: DataFrame, checkpoint: Checkpoint
) -> None:
    """Stored signatures made with another seed are not compared."""
    with pytest.raises(SignatureMismatchError, match=r"seed=1.*seed=2"):
        deduplicate_ranked(ranked, only_minhash(seed=2), checkpoint)


def test_damaged_signatures_are_refused(ranked: DataFrame, checkpoint: Checkpoint) -> None:
    """A signature that is too short stops dedup with the document's id."""
    short = ranked.withColumn("signature", F.substring("signature", 1, 100))
    with pytest.raises(SignatureMismatchError, match="'a' is damaged; expected 448 bytes"):
        deduplicate_ranked(short, DedupConfig(), checkpoint)


@pytest.mark.slow
def test_an_undecided_document_at_the_limit_is_an_error(
    spark: SparkSession, checkpoint: Checkpoint
) -> None:
    """A chain longer than the iterations allow fails instead of giving half a result."""
    words = prose(13, 300)
    rows = []
    for i in range(12):
        rows.append(document(f"d{i:02}", text(words), n_formulas=99 - i))
        words = edited(words, 5, seed=i)
    with pytest.raises(ConvergenceError, match="max_iterations"):
        deduplicate(
            frame(spark, rows),
            only_minhash(max_iterations=1, local_documents=0, local_limit=0),
            checkpoint,
        )


@pytest.mark.slow
def test_a_true_pair_behind_unrelated_bests_is_found(
    spark: SparkSession, checkpoint: Checkpoint
) -> None:
    """Two similar documents whose buckets' bests resemble neither of them meet in a later round."""
    distinct = [np.arange(k * 1_000, k * 1_000 + 100, dtype=np.uint32) for k in range(4)]
    near = np.concatenate([distinct[3][5:], np.arange(5, dtype=np.uint32) + 90_000])
    sketches = [minhash.sketch(hashes, 512).tobytes() for hashes in (*distinct, near)]
    documents = spark.createDataFrame(list(enumerate(sketches)), "rank long, sketch binary")
    members = spark.createDataFrame(
        [(bucket, rank) for bucket in (7, 8) for rank in range(5)], "bucket long, rank long"
    )
    found = greedy_duplicates(
        members,
        documents,
        Verification("sketch", 512, 0.8),
        first_undecided=0,
        bucket_limit=64,
        max_iterations=20,
        local_limit=0,
        checkpoint=checkpoint,
        name="trap",
    )
    ((rank, best, similarity),) = found.collect()
    assert (rank, best) == (4, 3)
    assert similarity == pytest.approx(95 / 105)


@pytest.mark.slow
def test_hot_buckets_change_nothing_but_the_plan(
    spark: SparkSession, tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With buckets hot from three members on, they are listed, and the same documents go."""
    monkeypatch.setattr(survivors, "HOT_BUCKET", 3)
    rows = corpus(60, 1)
    config = DedupConfig(minhash=MinHashConfig(scope="all", local_documents=0, local_limit=0))
    found = evidence(deduplicate(frame(spark, rows), config, checkpoint))
    assert {name: row["reason"] for name, row in found.items()} == expected_reasons(rows, config)
    listed = spark.read.parquet(str(tmp_path / "near-0-1-hot")).collect()
    assert listed
    assert min(row["members"] for row in listed) >= 3


def test_a_bucket_limit_of_one_still_removes_only_what_is_similar(
    spark: SparkSession, checkpoint: Checkpoint
) -> None:
    """With the limit at its lowest every removal is still verified against a kept document."""
    rows = corpus(80, 4)
    config = only_minhash(bucket_limit=1)
    found = evidence(deduplicate(frame(spark, rows), config, checkpoint))
    assert found
    by_id = {row["id"]: row for row in rows}
    for name, row in found.items():
        assert row["jaccard"] == jaccard(by_id[name], by_id[row["kept_id"]])
        assert row["jaccard"] >= np.float32(config.minhash.threshold)


def test_empty_input(spark: SparkSession, checkpoint: Checkpoint) -> None:
    """No documents give no duplicates."""
    nothing = frame(spark, []).where(F.lit(False))
    assert evidence(deduplicate(nothing, DedupConfig(), checkpoint)) == {}


def test_duplicates_have_the_declared_schema(whole_run: DataFrame) -> None:
    """The evidence has the columns and types of `schemas.DUPLICATES`."""
    declared = schemas.spark_schema(schemas.DUPLICATES)
    found = whole_run.schema
    assert [(f.name, f.dataType) for f in found] == [(f.name, f.dataType) for f in declared]
