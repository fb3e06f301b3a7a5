"""The dedup report as an HTML page: its figures drawn, in the style of the run's report."""

from __future__ import annotations

from typing import Any

from infimm_spark.report import charts
from infimm_spark.report.pages import page

_BARS = 50


def dedup_page(content: dict[str, Any], candidates: list[float]) -> str:
    """The page for the content of `quality.json` and the Jaccard similarities of the candidates."""
    threshold = content["sample"]["threshold"]
    counts = [0] * _BARS
    for similarity in candidates:
        counts[min(_BARS - 1, int(similarity * _BARS))] += 1
    cut = round(threshold * _BARS)
    curve = content["sample"]["s_curve"]
    return page(
        "dedup.html",
        run_id=content["run_id"],
        content=content,
        sample=content["sample"],
        hosts=[
            {"name": host, "removed": sum(reasons.values()), "reasons": reasons}
            for host, reasons in content["by_host"].items()
        ],
        candidates=charts.histogram(
            {
                "dropped": [n if i >= cut else 0 for i, n in enumerate(counts)],
                "kept": [n if i < cut else 0 for i, n in enumerate(counts)],
            },
            "Proposed pairs by their exact Jaccard similarity",
            threshold=threshold,
            axis="Jaccard similarity",
        ),
        curve=charts.lines(
            [
                [(point["jaccard"], point[name]) for point in curve]
                for name in ("proposed", "theory")
            ],
            "Share of similar pairs that were proposed, by similarity",
            x_axis="Jaccard similarity",
            y_axis="proposed",
        ),
    )
