"""The page view of one HTML file as a file of its own: what `infimm page FILE --open` shows."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from infimm_spark.browse import original, views
from infimm_spark.browse.policies import FRAME_POLICY
from infimm_spark.browse.record import Score, scores_of
from infimm_spark.config import BuildConfig
from infimm_spark.errors import InfimmError
from infimm_spark.extract.document import Formula
from infimm_spark.report.documents import document_html

_CSS = Path(__file__).parent / "static" / "browse.css"


def write_page_view(
    body: bytes, report: Mapping[str, Any], config: BuildConfig, content_type: str | None
) -> Path:
    """Write the view of a page to a new temporary file; its path.

    `report` is what `inspect_page` found out. The file needs no server and asks nothing of the
    network: the original is in a frame without rights, scripts are forbidden altogether.
    """
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="infimm-page-", suffix=".html", delete=False
    ) as file:
        file.write(page_view(body, report, config, content_type))
    return Path(file.name)


def page_view(
    body: bytes, report: Mapping[str, Any], config: BuildConfig, content_type: str | None
) -> str:
    """The view as one HTML document."""
    try:
        frame = original.harmless(body, content_type)
    except InfimmError as error:
        frame = views.render("gone.html", message=str(error))
    policy = FRAME_POLICY.removeprefix("sandbox; ").replace("; frame-ancestors 'self'", "")
    frame = frame.replace(
        '<meta charset="utf-8">',
        f'<meta charset="utf-8"><meta http-equiv="content-security-policy" content="{policy}">',
        1,
    )
    formulas = [Formula(**formula) for formula in report.get("formulas", [])]
    segments = report.get("segments", [])
    shown = document_html(segments)
    recovered = iter(range(len(formulas)))
    numbers = [None if f.outcome == "failed" else next(recovered) for f in formulas]
    data = base64.b64encode(frame.encode("utf-8", "replace")).decode()
    return views.render(
        "file.html",
        report=report,
        shown=shown,
        style=Markup(views.STYLE.read_text(encoding="utf-8") + _CSS.read_text(encoding="utf-8")),
        frame=data,
        rows=views.formula_rows(formulas, numbers),
        formulas=len(formulas),
        scores=_scores(report, config),
    )


def _scores(report: Mapping[str, Any], config: BuildConfig) -> list[Score]:
    length = sum(len(segment.get("text") or "") for segment in report.get("segments", []))
    return scores_of({**report["scores"], "text_length": length}, config)
