"""The licence that a page names."""

from __future__ import annotations

import pytest

from infimm_spark import extract_page

BY_SA = "https://creativecommons.org/licenses/by-sa/4.0/"


@pytest.mark.parametrize(
    ("head", "body", "found"),
    [
        ("", "", None),
        ("", '<a href="/about">About</a>', None),
        (
            "",
            '<a rel="license" href="//creativecommons.org/licenses/by-sa/4.0/deed.de">CC</a>',
            BY_SA,
        ),
        ("", '<p>See <a href="http://creativecommons.org/licenses/BY-SA/4.0">this</a>', BY_SA),
        ('<link rel="license" href="/terms">', "", "https://e.org/terms"),
        ('<meta name="DC.rights.license" content="Free for  schools">', "", "Free for schools"),
        (
            "",
            '<a href="https://creativecommons.org/publicdomain/zero/1.0/">CC0</a>',
            "https://creativecommons.org/publicdomain/zero/1.0/",
        ),
        (
            "",
            '<a href="https://creativecommons.org/licenses/by/4.0/">photo</a><a rel="nofollow license" '
            'href="https://creativecommons.org/licenses/by-sa/4.0/">page</a>',
            BY_SA,
        ),
        ("", '<a rel="license" href="http://[broken">x</a>', "http://[broken"),
    ],
)
def test_the_markup_s_licence(head: str, body: str, found: str | None) -> None:
    """A relation before a meta name before a link to Creative Commons, in one spelling."""
    html = f"<html><head>{head}</head><body><p>Text</p>{body}</body></html>"
    assert extract_page(html.encode(), url="https://e.org/page").license == found


def test_text_in_the_place_of_bytes() -> None:
    """The message says what was expected."""
    with pytest.raises(TypeError, match=r"extract_page\(\) got str; expected bytes"):
        extract_page("<p>x</p>", url="https://e.org/")  # type: ignore[arg-type]
