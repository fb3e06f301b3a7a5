"""Plots as inline SVG, and the one style of pages and PNG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.packaged import packaged_folder
from infimm_spark.report import charts
from infimm_spark.training.figures import INK, LINE, MUTED, SERIES

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


def test_a_histogram_stacks_its_parts() -> None:
    """Every count is a bar with its words, and the threshold has a mark."""
    svg = ET.fromstring(
        charts.histogram({"kept": [0, 3], "dropped": [2, 1]}, "scores", threshold=0.5)
    )
    bars = svg.findall("rect")
    assert [bar.get("class") for bar in bars] == ["dropped", "kept", "dropped"]
    assert bars[0].findtext("title") == "0.00–0.50: 2 dropped of 2"
    assert svg.find("line[@class='threshold']") is not None


@given(st.lists(st.tuples(NAMES, st.integers(0, 10**9)), max_size=40), NAMES)
def test_whatever_names_are_the_svg_is_whole(values: list[tuple[str, int]], label: str) -> None:
    """Names and labels are escaped: the drawing is well-formed XML that says them."""
    svg = ET.fromstring(charts.bars(values, label))
    assert svg.get("aria-label") == label
    assert len(svg.findall("rect")) == len(values)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_shares_on_a_logarithmic_scale_lie_between_nothing_and_all(
    count: int, largest: int
) -> None:
    """A part is never wider than the whole."""
    assert 0 <= charts.log_share(min(count, largest), largest) <= 1


def test_png_have_the_colours_of_the_style_sheet() -> None:
    """The plots of train and dedup-report look like the pages."""
    style = (packaged_folder(charts.__file__, "templates") / "style.css").read_text()
    for colour in (INK, MUTED, LINE, *SERIES):
        assert colour in style
