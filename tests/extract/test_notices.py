"""Lines that are no content by their wording, and their neighbours in mathematics that are."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page
from infimm_spark.extract.notices import is_date, is_notice, is_related_heading


@pytest.mark.parametrize(
    "line",
    [
        "Read also: ten proofs",
        "All rights reserved",
        "Follow the Gazette on Twitter",
        "War der Artikel nützlich?",
        "Foto: A. Beispiel",
        "A view of the hall/Getty Images",
        "3 min read",
        "Permalink",
        "相关阅读",
    ],
)
def test_a_notice_is_known_by_its_wording(line: str) -> None:
    """Share bars, credits and hints at other pages are notices."""
    assert is_notice(line)


@pytest.mark.parametrize(
    "line",
    [
        "More on linear algebra",
        "Follow the steps of the proof.",
        "Photon: a particle of light",
        "Figure 10.10",
        "Rate of change is 3.",
        "Cookies are sold in boxes of twelve.",
        "Share this pizza among six friends.",
        "Picture: a square of side four with a circle inside it",
        "Tagged unions are sums.",
        "Source terms vanish.",
    ],
)
def test_mathematics_is_no_notice(line: str) -> None:
    """Sentences that begin alike stay."""
    assert not is_notice(line)


@pytest.mark.parametrize(
    "line", ["23.10.2018", "March 20, 2026", "2021-03-04 12:30", "05. Februar 2020"]
)
def test_a_date_alone_is_a_date(line: str) -> None:
    """Dates in the usual spellings, with or without the time."""
    assert is_date(line)


@pytest.mark.parametrize(
    "line", ["15.32", "12:00", "101.02", "Example 3.9.10.", "2018", "1/2/3", "May"]
)
def test_numbers_are_no_dates(line: str) -> None:
    """Answers of exercises and numbers of theorems are not dates."""
    assert not is_date(line)


def test_a_related_section_at_the_end_goes_with_its_heading() -> None:
    """Only up to a heading of its rank, and not when it holds a formula."""
    prose = "<p>" + "The body of the page has words enough to be one. " * 8 + "</p>"
    page = (
        f"<article><h2>Theorem</h2>{prose}<h3>Related articles</h3><p>Something else entirely.</p>"
        f"<h3>Exercises</h3><p>Show it.</p></article>"
    )
    text = extract_page(page.encode(), url="https://example.org/").text
    assert "Something else" not in text
    assert "Show it." in text
    kept = page.replace("Something else entirely.", "Something \\(x^2\\) else.")
    assert "Something $x^2$ else." in extract_page(kept.encode(), url="https://example.org/").text
    assert is_related_heading("Ähnliche Beiträge")
