"""The quality of a run's dedup: measured on a sample of its documents against brute force.

The sample holds the documents whose least shingle hash falls in one of many classes: two documents
of Jaccard similarity s are both in it or both out of it with probability s, so that it is full of
near-duplicates, and that hash is none of the permutations the bands are made of.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from infimm_spark import schemas, store
from infimm_spark.config import DedupConfig, MinHashConfig
from infimm_spark.dedup import bruteforce, shingles
from infimm_spark.dedup.lsh import candidate_probability
from infimm_spark.errors import StageError
from infimm_spark.report.dedup_page import dedup_page
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.training.figures import INK, SERIES, plot
from infimm_spark.urls import site_host

_LEAST = 0.3  # pairs below this Jaccard similarity are not searched for
_BIN = 0.05
_TOP = 20
_CLUSTERS = 10
_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class _Sample:
    """Documents with a signature, of equal texts the one that is left; all lists in step."""

    ids: list[str]
    snapshots: list[str]
    sets: list[npt.NDArray[np.uint32]]
    signatures: npt.NDArray[np.uint32]
    of: int


def write_dedup_report(layout: RunLayout, sample: int = 5_000) -> str:
    """Write `report/dedup/quality.json`, `quality.txt`, `candidates.png` and `index.html`.

    Returns the text.

    `sample` is about how many documents are compared by brute force. Reads the run's tables in one
    process. Raises `StageError` where dedup is not complete.
    """
    manifest = read_manifest(layout.manifest("dedup"))
    if manifest is None:
        raise StageError(f"{layout.root}: stage dedup is not complete, there is nothing to report")
    config = DedupConfig.model_validate(manifest.identity["dedup"])
    duplicates = _table(layout, "duplicates", schemas.DUPLICATES)
    drawn = _draw(layout, duplicates, config, sample)
    quality, candidates = _quality(layout, drawn, duplicates, config)
    content = {
        "run_id": manifest.run_id,
        "documents": drawn.of,
        "removed": duplicates.num_rows,
        "by_reason": _counts(duplicates, "reason"),
        "by_round": _counts(duplicates, "round"),
        "by_host": _by_host(layout, duplicates),
        "sample": quality,
        "largest_clusters": _largest_clusters(layout, duplicates),
    }
    text = _text(content)
    target = f"{layout.report}/dedup"
    serialised = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    store.write_bytes(f"{target}/quality.json", serialised.encode())
    store.write_bytes(f"{target}/quality.txt", text.encode())
    store.write_bytes(f"{target}/candidates.png", _histogram(candidates, config))
    store.write_bytes(f"{target}/index.html", dedup_page(content, candidates.tolist()).encode())
    return text


# -- the sample ----------------------------------------------------------------------------------


def _draw(layout: RunLayout, duplicates: pa.Table, config: DedupConfig, wanted: int) -> _Sample:
    source = tables.dataset(tables.locations(layout, "dedup", "signatures"), schemas.RANKED)
    total = source.count_rows() if source is not None else 0
    classes = max(1, round(total / wanted))
    exact = duplicates.filter(pc.equal(duplicates["reason"], "exact"))["id"]
    rows: list[dict[str, Any]] = []
    if source is not None:
        columns = ["id", "snapshot", "signature", "sketch"]
        for batch in source.to_batches(columns=columns, filter=pc.field("signature").is_valid()):
            chosen = batch.filter(pc.invert(pc.is_in(batch.column("id"), exact)))
            rows += [row for row in chosen.to_pylist() if _least_hash(row) % classes == 0]
    rows.sort(key=lambda row: row["id"])
    texts = _texts(layout, [row["id"] for row in rows])
    sets = [
        _shingles(text, language, config.minhash)
        for text, language in (texts[row["id"]] for row in rows)
    ]
    signatures = np.frombuffer(b"".join(row["signature"] for row in rows), "<u4")
    return _Sample(
        ids=[row["id"] for row in rows],
        snapshots=[row["snapshot"] for row in rows],
        sets=sets,
        signatures=signatures.reshape(len(rows), config.minhash.num_perm),
        of=total,
    )


def _shingles(text: str, language: str, options: MinHashConfig) -> npt.NDArray[np.uint32]:
    return shingles.shingle_hashes(text, shingles.tokens_of(language, options))


def _least_hash(row: dict[str, Any]) -> int:
    """The least mixed shingle hash; of runs without sketches the signature's first value."""
    least = int.from_bytes((row["sketch"] or row["signature"])[:4], "little")
    return least * 0x9E3779B1 % (1 << 32) >> 8  # least values are small: spread them


def _texts(layout: RunLayout, ids: list[str]) -> dict[str, tuple[str, str]]:
    """(text, language) by id."""
    rows = tables.rows(
        layout,
        "extract",
        "documents",
        schemas.DOCUMENTS,
        pc.field("id").isin(ids),
        ["id", "language", "segments"],
    )
    return {
        row["id"]: (
            "\n\n".join(segment["text"] for segment in row["segments"] if segment["text"]),
            row["language"],
        )
        for row in rows
    }


# -- measures ------------------------------------------------------------------------------------


def _quality(
    layout: RunLayout, sample: _Sample, duplicates: pa.Table, config: DedupConfig
) -> tuple[dict[str, Any], npt.NDArray[np.float64]]:
    """Measures, and the exact Jaccard similarities of the proposed pairs."""
    options = config.minhash
    left, right, scores = bruteforce.similar_pairs(sample.sets, _LEAST)
    proposed = bruteforce.proposed_pairs(sample.signatures, options.bands, options.rows)
    is_proposed = np.array([pair in proposed for pair in zip(left, right, strict=True)], bool)
    reasons = dict(zip(*(duplicates[c].to_pylist() for c in ("id", "reason")), strict=True))
    stays = np.array([name not in reasons for name in sample.ids], bool)
    meet = _meet(sample.snapshots, options.scope)
    true = scores >= options.threshold
    missed = {
        int(j)
        for i, j in zip(left[true], right[true], strict=True)
        if stays[i] and stays[j] and meet(i, j)
    }
    verified = _verified(layout, sample, duplicates, options)
    right_ones = int((verified >= options.threshold).sum())
    of_proposed = np.array(
        [bruteforce.jaccard(sample.sets[i], sample.sets[j]) for i, j in sorted(proposed)]
    )
    return {
        "documents": len(sample.ids),
        "threshold": options.threshold,
        "true_pairs": int(true.sum()),
        "true_pairs_proposed": float(is_proposed[true].mean()) if true.any() else None,
        "proposed_pairs": len(proposed),
        "near_removals": len(verified),
        "near_removals_right": right_ones,
        "missed": len(missed),
        "precision": right_ones / len(verified) if len(verified) else None,
        "recall": right_ones / (right_ones + len(missed)) if right_ones + len(missed) else None,
        "s_curve": _s_curve(scores, is_proposed, config),
    }, of_proposed


def _verified(
    layout: RunLayout, sample: _Sample, duplicates: pa.Table, options: MinHashConfig
) -> npt.NDArray[np.float64]:
    """Exact Jaccard similarity of each near removal of the sample and what it was removed for."""
    own = dict(zip(sample.ids, sample.sets, strict=True))
    near = duplicates.filter(
        pc.and_(
            pc.equal(duplicates["reason"], "near"), pc.is_in(duplicates["id"], pa.array(sample.ids))
        )
    )
    pairs = list(zip(*(near[c].to_pylist() for c in ("id", "matched_id")), strict=True))
    others = _texts(layout, [matched for _, matched in pairs])
    found = []
    for name, matched in pairs:
        if matched in others:  # else a document of an earlier run, whose texts are not here
            text, language = others[matched]
            hashes = _shingles(text, language, options)
            found.append(bruteforce.jaccard(own[name], hashes))
    return np.array(found)


def _meet(snapshots: list[str], scope: str) -> Any:
    """Whether the scope lets documents i and j meet."""
    order = {name: place for place, name in enumerate(sorted(set(snapshots)))}
    place = [order[name] for name in snapshots]
    if scope == "all":
        return lambda i, j: True
    if scope == "year":
        return lambda i, j: snapshots[i][:12] == snapshots[j][:12]
    distance = 1 if scope == "pairs" else 0
    return lambda i, j: abs(place[i] - place[j]) <= distance


def _s_curve(
    scores: npt.NDArray[np.float64], proposed: npt.NDArray[np.bool_], config: DedupConfig
) -> list[dict[str, Any]]:
    """By Jaccard similarity: pairs, the share that was proposed, and the share that theory
    expects."""
    bands, rows = config.minhash.bands, config.minhash.rows
    curve = []
    for low in np.arange(_LEAST, 1.0, _BIN):
        within = (scores >= low) & (scores < low + _BIN + (1e-9 if low + _BIN > 0.999 else 0.0))
        if within.any():
            theory = [candidate_probability(s, bands, rows) for s in scores[within].tolist()]
            curve.append(
                {
                    "jaccard": round(float(low), 2),
                    "pairs": int(within.sum()),
                    "proposed": float(proposed[within].mean()),
                    "theory": float(np.mean(theory)),
                }
            )
    return curve


# -- tables --------------------------------------------------------------------------------------


def _table(layout: RunLayout, name: str, schema: pa.Schema) -> pa.Table:
    source = tables.dataset(tables.locations(layout, "dedup", name), schema)
    return source.to_table() if source is not None else schema.empty_table()


def _counts(duplicates: pa.Table, column: str) -> dict[str, int]:
    counted = duplicates.group_by(column).aggregate([([], "count_all")])
    pairs = zip(counted[column].to_pylist(), counted["count_all"].to_pylist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _by_host(layout: RunLayout, duplicates: pa.Table) -> dict[str, dict[str, int]]:
    """The hosts with most removals: their number by reason."""
    reasons = dict(zip(*(duplicates[c].to_pylist() for c in ("id", "reason")), strict=True))
    source = tables.dataset(tables.locations(layout, "extract", "documents"), schemas.DOCUMENTS)
    hosts: dict[str, Counter[str]] = {}
    if source is not None:
        for batch in source.to_batches(columns=["id", "url"]):
            for row in batch.to_pylist():
                if row["id"] in reasons:
                    host = site_host(row["url"] or "")
                    hosts.setdefault(host, Counter())[reasons[row["id"]]] += 1
    most = sorted(hosts.items(), key=lambda item: (-item[1].total(), item[0]))[:_TOP]
    return {host: dict(sorted(counts.items())) for host, counts in most}


def _largest_clusters(layout: RunLayout, duplicates: pa.Table) -> list[dict[str, Any]]:
    """The documents for which most others were removed, with excerpts of them and two of those."""
    sizes = _counts(duplicates, "kept_id")
    largest = list(sizes.items())[:_CLUSTERS]
    members = {
        kept: duplicates.filter(pc.equal(duplicates["kept_id"], kept)).slice(0, 2)["id"].to_pylist()
        for kept, _ in largest
    }
    texts = _texts(layout, [*members, *(name for names in members.values() for name in names)])

    def excerpt(name: str) -> dict[str, str]:
        text = texts[name][0] if name in texts else "(a document of an earlier run)"
        return {"id": name, "excerpt": " ".join(text.split())[:_EXCERPT]}

    return [
        {"removed": size, "kept": excerpt(kept), "among_them": [excerpt(m) for m in members[kept]]}
        for kept, size in largest
    ]


# -- for people ----------------------------------------------------------------------------------


def _text(content: dict[str, Any]) -> str:
    quality = content["sample"]
    lines = [
        f"documents {content['documents']:,}, removed {content['removed']:,}: "
        + ", ".join(f"{reason} {n:,}" for reason, n in content["by_reason"].items()),
        "",
        f"sample of {quality['documents']:,} documents against brute force, "
        f"Jaccard >= {quality['threshold']}",
        f"  recall     {_share(quality['recall'])}  "
        f"({quality['near_removals_right']:,} rightly removed, {quality['missed']:,} missed)",
        f"  precision  {_share(quality['precision'])}  "
        f"({quality['near_removals']:,} near removals compared with what they went for)",
        f"  pairs      {quality['true_pairs']:,}, proposed "
        f"{_share(quality['true_pairs_proposed'])}",
        "",
        f"{'Jaccard':>9}{'pairs':>9}{'proposed':>10}{'theory':>9}",
    ]
    lines += [
        f"{point['jaccard']:>9.2f}{point['pairs']:>9,}{point['proposed']:>10.3f}"
        f"{point['theory']:>9.3f}"
        for point in quality["s_curve"]
    ]
    lines += ["", "round"]
    lines += [f"  {name:<50}{n:>9,}" for name, n in content["by_round"].items()]
    lines += ["", "hosts with most removals"]
    for host, counts in content["by_host"].items():
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in counts.items())
        lines.append(f"  {host:<50}{sum(counts.values()):>9,}  {reasons}")
    lines += ["", "largest clusters"]
    for cluster in content["largest_clusters"]:
        lines.append(f"  {cluster['removed']:,} removed for {cluster['kept']['id']}")
        for member in (cluster["kept"], *cluster["among_them"]):
            lines.append(f"    {member['excerpt'][:110]}")
    return "\n".join(lines) + "\n"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _histogram(candidates: npt.NDArray[np.float64], config: DedupConfig) -> bytes:
    """PNG: proposed pairs by exact Jaccard similarity, with the threshold of verification."""
    figure, axes = plot()
    axes.hist(candidates, bins=[i / 40 for i in range(41)], color=SERIES[0])
    axes.axvline(
        config.minhash.threshold,
        color=INK,
        linestyle="--",
        label=f"removed from {config.minhash.threshold}",
    )
    axes.set_xlabel("Jaccard similarity of the proposed pair")
    axes.set_ylabel("pairs in the sample")
    axes.set_title(
        f"{len(candidates):,} candidates, {config.minhash.bands} × {config.minhash.rows}"
    )
    axes.legend(loc="upper left", frameon=False, labelcolor=INK)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
