"""Opt-out signals of headers and markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark import extract_page
from infimm_spark.extract.consent import signals_from_head, signals_from_headers, signals_from_meta


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Robots-Tag", "noai, noimageai")], ["robots:noai", "robots:noimageai"]),
        ([("x-robots-tag", "NoAI")], ["robots:noai"]),
        (
            [("X-Robots-Tag", "googlebot: noindex, nofollow, noarchive")],
            ["googlebot:noarchive", "googlebot:noindex"],
        ),
        ([("X-Robots-Tag", "*: none")], ["robots:none"]),
        ([("X-Robots-Tag", "unavailable_after: 25 Jun 2030 15:00:00 PST")], []),
        ([("X-Robots-Tag", "max-snippet: 20, noai")], ["robots:noai"]),
        ([("X-Robots-Tag", "all")], []),
        ([("X-Robots-Tag", "noai"), ("X-Robots-Tag", "noai")], ["robots:noai"]),
        ([("TDM-Reservation", "1")], ["tdm-reservation"]),
        ([("tdm-reservation", "0")], []),
        (
            [("tdm-reservation", " 1 "), ("tdm-policy", "https://example.org/policy.json")],
            ["tdm-policy", "tdm-reservation"],
        ),
        ([("Content-Usage", "train-ai=n, search=y")], ["content-usage:train-ai"]),
        ([("Content-Type", "text/html; noai")], []),
    ],
)
def test_headers(headers: list[tuple[str, str]], expected: list[str]) -> None:
    """Response headers yield exactly the refusals they state, for the crawler they name."""
    assert signals_from_headers(headers) == expected


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("robots", "noai,noimageai")], ["robots:noai", "robots:noimageai"]),
        ([("ROBOTS", "index, follow")], []),
        ([("GPTBot", "noindex")], ["gptbot:noindex"]),
        ([("robots", "noindex nofollow")], ["robots:noindex"]),
        ([("tdm-reservation", "1")], ["tdm-reservation"]),
        ([("description", "noai, a story")], []),
        ([("robots", "")], []),
    ],
)
def test_meta(pairs: list[tuple[str, str]], expected: list[str]) -> None:
    """Only meta elements meant for crawlers count, whatever words the others hold."""
    assert signals_from_meta(pairs) == expected


@given(st.lists(st.tuples(st.sampled_from(["X-Robots-Tag", "tdm-policy", "robots"]), st.text())))
def test_any_text_is_survived(pairs: list[tuple[str, str]]) -> None:
    """Arbitrary values never raise, and the answer does not depend on their order."""
    assert signals_from_headers(pairs) == signals_from_headers(list(reversed(pairs)))
    assert signals_from_meta(pairs) == signals_from_meta(list(reversed(pairs)))


def test_headers_that_a_page_states_itself_count() -> None:
    """`http-equiv` carries what a server would send, and what some pages put there instead of
    `name`."""
    headers = [
        ("X-Robots-Tag", "otherbot: noai"),
        ("content-usage", "train-ai=n"),
        ("Robots", "noimageai"),
        ("refresh", "5; noai"),
    ]
    assert signals_from_head([("robots", "noindex")], headers) == [
        "content-usage:train-ai",
        "otherbot:noai",
        "robots:noimageai",
        "robots:noindex",
    ]
    page = "<meta http-equiv='tdm-reservation' content='1'><p>Let x = 1.</p>"
    assert extract_page(page.encode(), url="http://a/").consent == ["tdm-reservation"]
