"""Plots as inline SVG: no script, no font, no network; colours come from the style sheet.

Every function gives a whole `<svg>` whose text is escaped and whose `aria-label` says what it
shows. Drawings are 440 units wide, so that their text is readable on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from markupsafe import Markup

_WIDTH, _HEIGHT = 440.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 12.0, 34.0
LINES = ("", "b", "c", "d")
"""Classes of the lines of a plot, in order."""


def histogram(
    parts: Mapping[str, Sequence[int]],
    label: str,
    *,
    low: float = 0.0,
    high: float = 1.0,
    threshold: float | None = None,
    axis: str = "",
) -> Markup:
    """Stacked bars between `low` and `high`; `parts` are counts by class (kept, dropped, plain).

    The mark of `threshold` has the class `threshold`.
    """
    totals = [sum(column) for column in zip(*parts.values(), strict=True)]
    most = _rounded_up(max(totals, default=0))
    bar = (_WIDTH - _LEFT - _RIGHT) / max(1, len(totals))
    shapes = [_frame(most, [(low, f"{low:g}"), (high, f"{high:g}")], low, high, axis)]
    for i, total in enumerate(totals):
        bottom = 0.0
        for name, counts in parts.items():
            if not counts[i]:
                continue
            height = _scaled(counts[i], most)
            y = _HEIGHT - _BOTTOM - bottom - height
            shapes.append(
                f'<rect class="{name}" x="{_LEFT + i * bar:.1f}" y="{y:.1f}" '
                f'width="{max(0.5, bar - 0.8):.1f}" height="{max(height, 0.6):.1f}">'
                f"<title>{_range(i, len(totals), low, high)}: {counts[i]:,} {name} of {total:,}"
                "</title></rect>"
            )
            bottom += height
    if threshold is not None:
        x = _LEFT + (threshold - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)
        shapes.append(
            f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" '
            f'y2="{_HEIGHT - _BOTTOM}"/>'
        )
    return _svg(shapes, label)


def bars(values: Sequence[tuple[str, int]], label: str, axis: str = "") -> Markup:
    """One bar for each (name, count), names below as far as there is room."""
    most = _rounded_up(max((n for _, n in values), default=0))
    width = (_WIDTH - _LEFT - _RIGHT) / max(1, len(values))
    every = max(1, math.ceil(len(values) / 9))
    shapes = [_frame(most, [], 0, 1, axis)]
    for i, (name, count) in enumerate(values):
        height = _scaled(count, most)
        x = _LEFT + i * width
        shapes.append(
            f'<rect class="plain" x="{x + width * 0.1:.1f}" y="{_HEIGHT - _BOTTOM - height:.1f}" '
            f'width="{width * 0.8:.1f}" height="{height:.1f}">'
            f"<title>{escape(name)}: {count:,}</title></rect>"
        )
        if i % every == 0:
            shapes.append(
                f'<text class="faint" text-anchor="middle" x="{x + width / 2:.1f}" '
                f'y="{_HEIGHT - _BOTTOM + 15}">{escape(name)}</text>'
            )
    return _svg(shapes, label)


def lines(
    series: Sequence[Sequence[tuple[float, float]]],
    label: str,
    *,
    x_axis: str,
    y_axis: str,
    low: float = 0.0,
    high: float = 1.0,
) -> Markup:
    """Curves of (x, y) points, x from `low` to `high` and y from 0 to 1, classes as `LINES`."""
    shapes = [_frame(1.0, [(low, f"{low:g}"), (high, f"{high:g}")], low, high, x_axis, y_axis)]
    for i, points in enumerate(series):
        path = " ".join(
            f"{_LEFT + (x - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT):.1f},"
            f"{_HEIGHT - _BOTTOM - _scaled(y, 1.0):.1f}"
            for x, y in points
        )
        name = LINES[i % len(LINES)]
        shapes.append(f'<polyline class="line {name}" points="{path}"/>')
    return _svg(shapes, label)


def trapezoid(above: float, below: float) -> Markup:
    """What a stage lets through: `above` and `below` are widths, 0 to 1, of what enters and
    leaves."""
    a, b = 50 * above, 50 * below
    points = f"{50 - a:.2f},0 {50 + a:.2f},0 {50 + b:.2f},40 {50 - b:.2f},40"
    return Markup(
        '<svg class="chart" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">'
        f'<polygon class="flow" points="{points}"/></svg>'
    )


def log_share(count: int, largest: int) -> float:
    """Width of `count` beside `largest` on a logarithmic scale, 0 to 1."""
    return math.log10(count + 1) / math.log10(largest + 1) if largest > 0 else 0.0


def _scaled(value: float, most: float) -> float:
    return value / most * (_HEIGHT - _TOP - _BOTTOM) if most else 0.0


def _range(i: int, n: int, low: float, high: float) -> str:
    step = (high - low) / n
    return f"{low + i * step:.2f}–{low + (i + 1) * step:.2f}"


def _rounded_up(value: float) -> float:
    """The next number of one or two digits that divides into two well: 1, 2, 4, 6, 8, 10, 20 …"""
    if value <= 0:
        return 1.0
    unit = 10 ** math.floor(math.log10(value))
    for factor in (1, 2, 4, 6, 8, 10):
        if value <= factor * unit:
            return float(factor * unit)
    return float(value)


def _short(value: float) -> str:
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{suffix}"
    return f"{value:g}"


def _frame(
    most: float,
    ticks: Sequence[tuple[float, str]],
    low: float,
    high: float,
    axis: str,
    y_axis: str = "",
) -> str:
    """Axes, their ends and middle, and names."""
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    out = [f'<path class="axis" d="M{_LEFT},{_TOP}V{bottom}H{right}"/>', '<g class="faint">']
    for value in (0.0, most / 2, most):
        y = bottom - _scaled(value, most)
        out.append(
            f'<text text-anchor="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{_short(value)}</text>'
        )
    if ticks:
        middle = (low + high) / 2
        for value, text in [*ticks, (middle, f"{middle:g}")]:
            x = _LEFT + (value - low) / (high - low) * (right - _LEFT)
            out.append(f'<text text-anchor="middle" x="{x:.1f}" y="{bottom + 15}">{text}</text>')
    if axis:
        x = (_LEFT + right) / 2
        out.append(f'<text text-anchor="middle" x="{x}" y="{_HEIGHT - 4}">{escape(axis)}</text>')
    if y_axis:
        out.append(f'<text x="{_LEFT + 6}" y="{_TOP + 4}">{escape(y_axis)}</text>')
    out.append("</g>")
    return "".join(out)


def _svg(shapes: Sequence[str], label: str) -> Markup:
    return Markup(
        f'<svg class="chart" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-label="{escape(label)}">{"".join(shapes)}</svg>'
    )
