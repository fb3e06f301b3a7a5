"""`infimm compare-judges`: documents of a run in, figures, a table and plots out."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from infimm_spark import store
from infimm_spark.errors import InputError, StageError
from infimm_spark.report.judges.judges import Judged, graded, grades_of, judge_of
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.stages.refine import REFINED
from infimm_spark.stages.segments import document_texts

logger = logging.getLogger(__name__)

FOLDER = "judges"
"""Below the run's report folder."""

_MIN_JUDGES = 2


def compare_judges(
    layout: RunLayout,
    judges: Sequence[str],
    *,
    grades: str | None = None,
    keep: Sequence[float] = (),
    sample: int = 2_000,
) -> tuple[dict[str, Any], str]:
    """Write ``report/judges/comparison.json``, ``comparison.txt`` and ``comparison.png``; gives the
    figures and the text.

    Judged are documents that passed the rules, at most `sample` of them, drawn by a hash of the id,
    graded ones first. `keep` are the shares that each judge keeps; none given, the share that the
    run keeps, and a quarter and a half. Raises `StageError` for a run without the stage refine,
    `InputError` for a judge that is not known or scores no document.
    """
    # It needs the extra `train`; the report of every build reads here what was written.
    from infimm_spark.report.judges.figures import comparison

    if len(judges) < _MIN_JUDGES:
        raise InputError(f"{len(judges)} judge given; expected at least two after --judges")
    known = [judge_of(spec) for spec in judges]
    names = [judge.name for judge in known]
    if len(set(names)) < len(names):
        raise InputError(
            f"judges {', '.join(names)}: two of one name; expected NAME=JUDGE for one of them"
        )
    for rate in keep:
        if not 0.0 < rate < 1.0:
            raise InputError(f"--keep {rate:g}: expected a share between 0 and 1")
    by_key = {} if grades is None else grades_of(grades)
    documents, share = _documents(layout, by_key, sample)
    scores: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}
    seconds: dict[str, float] = {}
    found: dict[str, list[float | None]] = {}
    for judge in known:
        start = time.process_time()
        found[judge.name] = judge.score(documents)
        seconds[judge.name] = round((time.process_time() - start) / len(documents), 6)
        if all(score is None for score in found[judge.name]):
            raise InputError(f"judge {judge.name} has a score for none of the run's documents")
    rows = [i for i in range(len(documents)) if all(of[i] is not None for of in found.values())]
    if not rows:
        raise InputError("no document of the run has a score of every judge")
    scores = {name: np.array([of[i] for i in rows], dtype=float) for name, of in found.items()}
    compared = [documents[i] for i in rows]
    rates = list(keep) or sorted({round(share, 4), 0.25, 0.5} - {0.0, 1.0})
    figures = {
        "judges": [
            {"name": judge.name, "judge": spec.rpartition("/")[2], "seconds": seconds[judge.name]}
            for judge, spec in zip(known, judges, strict=True)
        ],
        "drawn": len(documents),
        **comparison(compared, scores, [graded(d, by_key) for d in compared], rates),
    }
    text = text_of(figures)
    target = f"{layout.report}/{FOLDER}"
    serialised = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    store.write_bytes(f"{target}/comparison.json", serialised.encode())
    store.write_bytes(f"{target}/comparison.txt", text.encode())
    store.write_bytes(f"{target}/comparison.png", _plots(figures))
    return figures, text


def read_comparison(layout: RunLayout) -> dict[str, Any] | None:
    """The figures of an earlier comparison; None where there is none."""
    location = f"{layout.report}/{FOLDER}/comparison.json"
    if not store.exists(location):
        return None
    found: dict[str, Any] = json.loads(store.read_bytes(location))
    return found


def text_of(figures: dict[str, Any]) -> str:
    """The tables for people."""
    lines = [
        f"{figures['documents']:,} documents that every judge scores, "
        f"{figures['graded']:,} graded, {figures['good']:,} of them good (6 and more); mean length "
        f"{figures['length']['mean_length'] or 0:,.0f} characters",
        "",
        *(
            f"  {judge['name']:<24}{judge['seconds'] * 1e3:>10,.2f} ms a document"
            for judge in figures["judges"]
        ),
    ]
    for rate in figures["rates"]:
        lines += [
            "",
            f"keeping {rate['rate']:.1%} ({rate['documents']:,} documents)",
            f"  {'judge':<24}{'precision':>10}{'recall':>8}{'mean length':>13}{'deviation':>11}"
            f"{'median':>9}{'threshold':>11}",
        ]
        for row in rate["judges"]:
            lines.append(
                f"  {row['judge']:<24}{_share(row['precision']):>10}{_share(row['recall']):>8}"
                f"{row['mean_length'] or 0:>13,.0f}{row['length_deviation'] or 0:>11,.0f}"
                f"{row['median_length'] or 0:>9,.0f}{row['threshold'] or 0:>11.4g}"
            )
        lines += ["", f"  {'agreement of':<40}{'verdicts':>9}{'overlap':>9}{'kappa':>8}"]
        for pair in rate["pairs"]:
            lines.append(
                f"  {' and '.join(pair['judges']):<40}{_share(pair['agreement']):>9}"
                f"{_share(pair['overlap']):>9}{_share(pair['kappa']):>8}"
            )
        for kind, members in rate["slices"].items():
            head = "".join(f"{judge['name'][:21]:>22}" for judge in figures["judges"])
            lines += ["", f"  {kind:<28}{'documents':>10}{head}"]
            for member in members:
                cells = "".join(
                    f"{_share(of['kept_share']) + ' ' + _marks(of):>22}"
                    for of in member["judges"].values()
                )
                lines.append(f"  {member['name'][:27]:<28}{member['documents']:>10,}{cells}")
        lines.append("  (share kept; of graded ones precision/recall)")
    lines += ["", "rank correlation with the length of the text"]
    for judge in figures["judges"]:
        value = figures["rank_correlation"][judge["name"]]["text length"]
        lines.append(f"  {judge['name']:<24}{_share(value):>8}")
    return "\n".join(lines) + "\n"


def _documents(
    layout: RunLayout, grades: dict[str, float], sample: int
) -> tuple[list[Judged], float]:
    """The documents to judge, and the share of all such documents that the run keeps."""
    table = tables.dataset(tables.locations(layout, "refine", "scored"), REFINED)
    if table is None:
        raise StageError(f"{layout.root}: stage refine is not complete, there is nothing to judge")
    plain = table.to_table(columns=["id", "url", "drop_stage"]).to_pylist()
    passed = [row for row in plain if row["drop_stage"] != "rules"]
    if not passed:
        raise StageError(f"{layout.root}: no document passed the rules, there is nothing to judge")
    kept = sum(row["drop_stage"] is None for row in passed) / len(passed)
    # Ids are hashes: their order is as good as a draw.
    passed.sort(key=lambda row: (not (row["id"] in grades or row["url"] in grades), row["id"]))
    wanted = {row["id"] for row in passed[:sample]}
    if len(passed) > sample:
        logger.info("judging %d of %d documents (--sample)", sample, len(passed))
    found: list[Judged] = []
    columns = ["id", "url", "language", "text_length", "quality_prob", "segments"]
    for batch in table.to_batches(columns=columns):
        chosen = pa.array([identity in wanted for identity in batch.column("id").to_pylist()])
        part = batch.filter(chosen)
        texts = document_texts(part.column("segments"))
        for row, text in zip(part.drop_columns(["segments"]).to_pylist(), texts, strict=True):
            found.append(
                Judged(
                    row["id"], row["url"] or "", row["language"] or "", text,
                    row["text_length"] or len(text), row["quality_prob"],
                )
            )  # fmt: skip
    return sorted(found, key=lambda document: document.id), kept


def _plots(figures: dict[str, Any]) -> bytes:
    """Precision and recall of each judge by keep rate, and the length of what it keeps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), dpi=110, layout="constrained")
    axes = figure.subplots(1, 3)
    rates = [rate["rate"] for rate in figures["rates"]]
    for axis, (key, title) in zip(
        axes,
        (
            ("precision", "precision of graded pages"),
            ("recall", "recall of good pages"),
            ("mean_length", "mean length kept, characters"),
        ),
        strict=True,
    ):
        for number, judge in enumerate(figures["judges"]):
            values = [rate["judges"][number][key] for rate in figures["rates"]]
            points = [(r, v) for r, v in zip(rates, values, strict=True) if v is not None]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", label=judge["name"])
        if key == "mean_length" and figures["length"]["mean_length"] is not None:
            axis.axhline(figures["length"]["mean_length"], color="0.6", ls=":", label="all")
        axis.set(xlabel="share kept", title=title)
        axis.grid(alpha=0.3)
    axes[-1].legend(fontsize="small")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _marks(of: dict[str, Any]) -> str:
    if of["precision"] is None:
        return ""
    return f"({_share(of['precision'])}/{_share(of['recall'])})"
