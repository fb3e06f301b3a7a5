"""What was made of a run's corpus: exports and packs, recorded in the run with their counts."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

from infimm_spark import store
from infimm_spark.errors import StoreError
from infimm_spark.run.layout import RunLayout

log = logging.getLogger(__name__)


def record_use(
    layout: RunLayout, what: str, form: str, output: str, counts: dict[str, int]
) -> None:
    """Record an export or a pack; a later one to the same place replaces it.

    A run that cannot be written to keeps no record, with a warning.
    """
    name = hashlib.sha256(f"{what}|{form}|{output}".encode()).hexdigest()[:16]
    content = {"what": what, "format": form, "output": output, "counts": counts}
    try:
        store.write_bytes(
            f"{layout.report}/uses/{name}.json", (json.dumps(content, indent=2) + "\n").encode()
        )
    except StoreError as error:
        log.warning("the run keeps no record of %s: %s", output, error)


def uses(layout: RunLayout) -> list[dict[str, Any]]:
    """The recorded exports and packs, by kind, format and place."""
    found = []
    for location in store.list_files(f"{layout.report}/uses"):
        if location.endswith(".json"):
            found.append(json.loads(store.read_bytes(location)))
    return sorted(found, key=lambda use: (use["what"], use["format"], use["output"]))


def print_uses(found: list[dict[str, Any]]) -> str:
    """Lines below a funnel: each use with its counts; empty without any."""
    lines = []
    for use in found:
        counts = {name: number for name, number in use["counts"].items() if number}
        shown = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items())
        lines.append(f"  {use['what']} {use['format']:<10} {shown} -> {use['output']}")
    return "\n".join(["made of the corpus", *lines]) if lines else ""
