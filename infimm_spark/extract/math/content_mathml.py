"""Content MathML rewritten as presentation MathML."""

from __future__ import annotations

from infimm_spark.extract.math.element import Element

MARKERS = frozenset({"apply", "ci", "cn", "csymbol", "reln"})
"""Elements that occur in content markup only."""


def to_presentation(root: Element) -> None:
    """Rewrites content elements in place."""
