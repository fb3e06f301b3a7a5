"""HTML pages from the templates beside this module: one self-contained file each.

Everything that is put into a template is escaped unless it is `Markup`. A page carries its style
and script, and a policy by which the browser loads nothing and runs no script but that one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from infimm_spark.packaged import packaged_folder
from infimm_spark.version import __version__


def page(template: str, script: str | None = None, **values: Any) -> str:
    """The page of a template, with the style sheet and the script of that name."""
    code = _text(script) if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    if script:
        policy += f"; script-src 'sha256-{digest}'"
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(_text("style.css")),
            script=Markup(code),
            policy=policy,
            version=__version__,
            **values,
        )
    )


def data_block(name: str, value: Any) -> Markup:
    """`value` as JSON in a block that no browser runs, for a script to read by its id."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/json" id="{name}">{safe}</script>')


def _folder() -> Path:
    return packaged_folder(__file__, "templates")


def _text(name: str) -> str:
    return (_folder() / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda value: "–" if value is None else f"{value:,}"
    environment.filters["share"] = _share
    environment.filters["size"] = _size
    environment.filters["duration"] = _duration
    environment.filters["score"] = lambda value: "–" if value is None else f"{value:.3f}"
    return environment


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _size(value: float) -> str:
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{value / limit:.1f} {unit}"
    return f"{value:.0f} bytes"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
