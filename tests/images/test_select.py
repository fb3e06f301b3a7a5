"""Images are selected by the paper's rules and ours; each that is left out has a named reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.config import ImagesConfig
from infimm_spark.images.select import RULES, Occurrence, refused_by

CONFIG = ImagesConfig()
PLOT = "https://example.org/figures/plot-3.png"


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Occurrence(PLOT), None),
        (Occurrence(PLOT, width=640, height=480, uses=10, document_images=100), None),
        (Occurrence(PLOT, uses=11), "repeated_url"),
        (Occurrence(PLOT, document_images=101), "crowded_document"),
        (Occurrence("http://example.org/figures/plot-3.png"), "not_https"),
        (Occurrence("https://example.org/assets/Logo_small.png"), "url_word"),
        (Occurrence("https://icons.example.org/a.png"), "url_word"),
        (Occurrence(PLOT, width=31, height=400), "small"),
        (Occurrence(PLOT, height=16), "small"),
        (Occurrence(PLOT, width=1200, height=100), "aspect"),
        (Occurrence("https://example.org/figures/plot.SVG?v=3"), "extension"),
        (Occurrence("https://example.org/figures/plot%2Esvg"), "extension"),
        (Occurrence("https://example.org/svg/plot.png"), None),
        (Occurrence("https://stats.example.org/hit?id=3"), "tracker"),
        (Occurrence("https://example.org/statistics/normal.png"), None),
        (Occurrence("https://example.org/counter.php?page=3"), "tracker"),
        (Occurrence("https://example.org/counterexample.png"), None),
        (Occurrence("https://example.org/render?tex=%5Cfrac%7B1%7D%7B2%7D"), "formula"),
        (Occurrence(PLOT, consent=["robots:noimageai"]), "refused:robots:noimageai"),
        (Occurrence(PLOT, consent=["gptbot:noai"]), "refused:gptbot:noai"),
        (Occurrence(PLOT, consent=["robots:noarchive"]), None),
    ],
)
def test_an_image_goes_for_the_first_rule_it_breaks(image: Occurrence, reason: str | None) -> None:
    """What the page and the address say decides, by name."""
    assert refused_by(image, CONFIG) == reason


def test_each_rule_can_be_turned_off() -> None:
    """With its setting null, false or empty a rule drops nothing."""
    off = ImagesConfig(
        max_uses=None,
        max_document_images=None,
        https_only=False,
        url_words=[],
        min_side=None,
        max_aspect=None,
        refused_extensions=[],
        drop_trackers=False,
        drop_formulas=False,
        refuse_signals=[],
    )
    worst = Occurrence(
        "http://stats.example.org/logo/pixel.svg?tex=%5Cfrac%7B1%7D%7B2%7D",
        width=900,
        height=3,
        consent=["robots:noimageai"],
        uses=99,
        document_images=500,
    )
    assert refused_by(worst, off) is None
    assert refused_by(worst, CONFIG) == "refused:robots:noimageai"


@given(
    url=st.text(max_size=60),
    width=st.none() | st.integers(0, 9_999),
    height=st.none() | st.integers(0, 9_999),
)
def test_any_address_is_judged(url: str, width: int | None, height: int | None) -> None:
    """No address, however broken, stops the stage."""
    reason = refused_by(Occurrence(f"https://{url}", width=width, height=height), CONFIG)
    assert reason is None or reason in {name for name, _ in RULES}
