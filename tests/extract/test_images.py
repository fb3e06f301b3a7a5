"""Image records: addresses, captions, sizes, and what is no picture."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Image
from infimm_spark.extract.images import best_candidate, resolve

PROSE = "<p>" + "Words before and after a picture make the body of a page. " * 4 + "</p>"


def images(markup: str, head: str = "") -> list[Image]:
    html = f"<html><head>{head}</head><body>{PROSE}{markup}{PROSE}</body></html>"
    return extract_page(html.encode(), url="https://example.org/dir/page.html").images


def test_record() -> None:
    """Address, alternative text, title, caption and declared size are kept."""
    markup = (
        '<figure><img src="../a b.png" alt="A  graph" title="T" width="640px" height="480">'
        "<figcaption>Figure 1: the <i>graph</i> of <script type='math/tex'>f</script></figcaption></figure>"
    )
    assert images(markup) == [
        Image(
            "https://example.org/a%20b.png", "A graph", "T", "Figure 1: the graph of $f$", 640, 480
        )
    ]


def test_a_caption_formula_counts_once() -> None:
    """The caption stands in the text and in the record, its formula once in the ledger."""
    markup = "<figure><img src=a.png><figcaption><script type='math/tex'>f</script> drawn</figcaption></figure>"
    html = f"<body>{PROSE}{markup}</body>"
    document = extract_page(html.encode(), url="https://example.org/")
    assert len(document.formulas) == 1
    assert "$f$ drawn" in document.text


def test_base_element() -> None:
    """Relative addresses are resolved against `<base>`."""
    assert (
        images('<img src="x.png">', '<base href="/other/">')[0].url
        == "https://example.org/other/x.png"
    )


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="small.png" srcset="small.png 320w, large.png 1280w">',
        '<img src="data:image/gif;base64,R0lGOD" data-src="large.png">',
        '<img src="/img/blank.gif" data-original="large.png">',
        '<img data-lazy-src="large.png">',
        '<img data-srcset="small.png 1x, large.png 2x">',
        '<picture><source srcset="small.png 1x, large.png 2x"><img src="small.png"></picture>',
    ],
)
def test_the_best_candidate_is_taken(markup: str) -> None:
    """Lazy-load attributes, `srcset` and `<picture>` give the picture that a browser would show."""
    assert [image.url for image in images(markup)] == ["https://example.org/dir/large.png"]


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="data:image/png;base64,AAAA">',
        '<img src="https://stats.example.org/pixel.gif" width="1" height="1">',
        '<img src="/images/spacer.gif">',
        "<img>",
        '<img src="javascript:alert(1)">',
        '<img src="http://[broken">',
    ],
)
def test_no_pictures(markup: str) -> None:
    """Data URIs, tracking pixels, spacers and broken addresses are left out."""
    assert images(markup) == []


def test_noscript_copy_counts_once() -> None:
    """The copy of a lazy picture in `<noscript>` is the same picture."""
    markup = '<p><img data-src="a.png"><noscript><img src="a.png"></noscript></p>'
    assert [image.url for image in images(markup)] == ["https://example.org/dir/a.png"]


def test_order_of_text_and_images() -> None:
    """Segments alternate as on the page."""
    html = b"<p>First words here.</p><p>left <img src=a.png> right</p><p>Last words.</p>"
    document = extract_page(html, url="https://example.org/")
    assert [s.text or (s.image and s.image.url) for s in document.segments] == [
        "First words here.\n\nleft",
        "https://example.org/a.png",
        "right\n\nLast words.",
    ]


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("g", "http://a/b/c/g"),
        ("../g", "http://a/b/g"),
        ("//h/g", "http://h/g"),
        ("/g", "http://a/g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("data:x", None),
        ("mailto:x@y", None),
    ],
)
def test_resolution_follows_rfc_3986(reference: str, url: str | None) -> None:
    """The examples of RFC 3986, section 5.4, as far as they concern pictures."""
    assert resolve("http://a/b/c/d;p?q", reference) == url


def test_srcset_with_commas_in_addresses() -> None:
    """A comma inside an address does not end the candidate."""
    assert best_candidate("a,b.png 1x, c,w_800.png 2x") == "c,w_800.png"


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        (r"\img\x.jpg", "http://a/img/x.jpg"),
        (r"..\x y.jpg?a\b", r"http://a/x%20y.jpg?a\b"),
        (r"\\cdn.example\x.png", "http://cdn.example/x.png"),
        (r"C:\img\x.jpg", None),
        ("/图/α.png?q=é#ü", "http://a/%E5%9B%BE/%CE%B1.png?q=%C3%A9#%C3%BC"),
        ("http://bücher.example/x.png", "http://xn--bcher-kva.example/x.png"),
        ("/100%25/%E5%9B%BE.png", "http://a/100%25/%E5%9B%BE.png"),
    ],
)
def test_addresses_are_written_as_a_browser_asks_for_them(reference: str, url: str | None) -> None:
    """Backslashes in a path are slashes, and what is outside ASCII is percent-encoded, or IDNA in a
    host."""
    assert resolve("http://a/b/c", reference) == url
