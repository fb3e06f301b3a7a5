"""The linear screen: what would make the parser slow is refused, ordinary pages pass."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.errors import PageRejectedError
from infimm_spark.extract.screen import ScreenLimits, TagReader, screen

LIMITS = ScreenLimits()


def refusal(body: bytes) -> str | None:
    try:
        screen(body, LIMITS)
    except PageRejectedError as error:
        return error.reason
    return None


@pytest.mark.parametrize("tag", [b"div", b"mrow", b"b", b"font", b"svg", b"DIV", b"x-y", b"table"])
def test_deep_nesting_is_refused(tag: bytes) -> None:
    """100,000 elements inside each other never reach the parser."""
    assert refusal(b"<math><" + b"><".join([tag] * 100_000) + b">") == "too_deep"


def test_deep_nesting_that_closes_again_is_refused() -> None:
    """As many end tags as start tags do not hide the depth between them."""
    assert refusal(b"<div>" * 5_000 + b"x" + b"</div>" * 5_000) == "too_deep"


def test_stray_end_tags_do_not_hide_depth() -> None:
    """End tags before the start tags take nothing from the depth."""
    assert refusal(b"</p>" * 50_000 + b"<div>" * 3_000) == "too_deep"


def test_many_tags_at_moderate_depth_are_refused() -> None:
    """Each tag walks the open elements: the product is what costs."""
    assert refusal(b"<div>" * 1_900 + b"<li></li>" * 200_000) == "too_deep"


def test_attributes_are_counted_outside_quotes() -> None:
    """100,000 attributes are refused; a long quoted value is one attribute."""
    many = b" ".join(b"a%d=1" % number for number in range(100_000))
    assert refusal(b"<div " + many + b">") == "too_many_attributes"
    assert refusal(b'<img src="data:image/png;base64,' + b"A / B\n" * 50_000 + b'">') is None
    assert refusal(b'<a title="never closed ' + b"a=b " * 50_000) is None


def test_repeated_roots_are_refused() -> None:
    """Each further `<html>` tag compares its attributes with those there are."""
    assert refusal(b"".join(b"<html a%d=1>" % number for number in range(5_000))) == (
        "too_many_attributes"
    )


def test_options_are_counted() -> None:
    """Tens of thousands of options in one select are quadratic in the parser."""
    assert refusal(b"<select>" + b"<option>x" * 40_000) == "too_many_options"


def test_size() -> None:
    """A page above the limit is refused by its length alone."""
    assert refusal(b"x" * (LIMITS.max_bytes + 1)) == "page_too_large"


def test_markup_inside_scripts_and_comments_is_no_depth() -> None:
    """Tags in scripts and comments nest nothing."""
    inside = b"<div>" * 5_000
    assert refusal(b"<script>" + inside + b"</script><p>x") is None
    assert refusal(b"<!--" + inside + b"--><p>x") is None


def test_unclosed_paragraphs_and_items_are_ordinary() -> None:
    """Elements that their successors close may be many."""
    assert refusal(b"<ul>" + b"<li>x<br>" * 20_000 + b"</ul>" + b"<p>y" * 20_000) is None


def test_real_pages_pass(shared_data: Path) -> None:
    """No real page with formulas is refused."""
    pages = sorted((shared_data / "gold" / "formulas" / "ccmath").glob("*.html"))
    assert pages
    assert [page.name for page in pages if refusal(page.read_bytes())] == []


def test_markup_in_a_drawing_is_counted() -> None:
    """`<title>` and `<style>` inside `<svg>` hold markup, which no later comment or quote hides."""
    for name in (b"title", b"style", b"textarea"):
        assert refusal(b"<svg><" + name + b">" + b"<div>" * 5_000) == "too_deep"
        assert (
            refusal(b"<svg><p><" + name + b"><!--</" + name + b">" + b"<b>" * 5_000) == "too_deep"
        )
    icons = b"<svg class=a><title>An icon</title><path d='M0 0'/></svg><br>" * 5_000
    assert refusal(icons) is None
    script = b"<script>if (a<b) x='<i " + b"y " * 5_000 + b"'</script>"
    assert refusal(icons[:80] + script) is None, "what follows an icon is read as always"


def test_shapes_closed_in_themselves_nest_nothing() -> None:
    """A chart of thousands of shapes passes; a `/` that belongs to a value, or tags of a drawing
    that the parser has left, still nest."""
    chart = b"<svg>" + b"<path d='M0 0'/><g><text x=\"1\">a</text></g>" * 5_000 + b"</svg>"
    assert refusal(chart) is None
    assert refusal(b"<svg>" + b"<path d=a/>" * 5_000) == "too_deep"
    assert refusal(b"<svg>" + b"<path d=a'/>" * 5_000) == "too_deep"
    assert refusal(b"<svg><p>" + b"<path d='a'/>" * 5_000) == "too_deep"
    assert refusal(b"<svg></p>" + b"<path d='a'/>" * 5_000) == "too_deep"


def test_what_quotes_and_comments_hide_is_no_tag() -> None:
    """End tags in quoted values and comments close nothing, and `>` in a value ends no tag."""
    assert refusal(b'<div title="</div>">' * 5_000) == "too_deep"
    assert refusal(b"<div><!--</div>-->" * 5_000) == "too_deep"
    many = b" ".join(b'a%d=">"' % number for number in range(20_000))
    assert refusal(b"<div " + many + b">") == "too_many_attributes"
    assert refusal(b"<p></div " + many.replace(b'">"', b"1") + b">") == "too_many_attributes"
    assert refusal(b'<div a=">" ' + many.replace(b">", b"1") + b">") == "too_many_attributes"
    assert refusal(b"<div a='>' " + many.replace(b'">"', b"1") + b">") == "too_many_attributes"
    quoted = b"".join(b'<a href="%d" title="x">' % number + b"y</a>" for number in range(10_000))
    assert refusal(quoted) is None


UNITS = [
    *[b"<div>", b"<", b"<!--", b"<a ", b'<a b="', b"</", b"<script>", b"x", b"<a<b", b">", b"<a/"],
    *[
        b"<svg><title>",
        b"<svg><p><style><!--",
        b"</a b=c ",
        b"<a b='<!--",
        b'<a b="c"d=\'e',
        b'<a ="',
    ],
    *[b"<svg/><style></style>", b"<math><title><a b='", b"--><!--", b"<textarea></textarea "],
]


@pytest.mark.parametrize("unit", UNITS)
def test_each_byte_is_read_a_few_times_at_most(unit: bytes) -> None:
    """No page makes the reader of tags go back: five looks at a byte at most."""
    for size in (10, 1_000, 100_000):
        body = (unit * (size // len(unit) + 1))[:size]
        reader = TagReader(body, LIMITS.max_attributes)
        with suppress(PageRejectedError):
            assert sum(1 for _ in reader) <= size // 2
        assert reader.read <= 5 * size


@given(st.lists(st.sampled_from([*UNITS, b'"', b"'", b"</svg>", b"-->", b"</title>"]), max_size=60))
def test_any_tags_are_read_in_linear_time(units: list[bytes]) -> None:
    """The bound holds for every mixture."""
    body = b"".join(units)
    reader = TagReader(body, 5)
    with suppress(PageRejectedError):
        for _ in reader:
            pass
    assert reader.read <= 5 * len(body)


@pytest.mark.parametrize("text_before", [0, 1, 1_999, 2_000, 3_999, 4_000, 4_001, 10_000])
def test_many_attributes_are_found_wherever_the_tag_stands(text_before: int) -> None:
    """A tag of 3,000 attributes is refused behind text of any length, and with tags about it."""
    many = b"<p " + b" ".join(b"a%d" % number for number in range(3_000)) + b">"
    text = b"x" * text_before
    assert refusal(text + many) == "too_many_attributes"
    assert refusal(b"<b>" + text + many + text + b"</b>") == "too_many_attributes"
    assert refusal(b"<b></b>" * 5_000 + text + many + b"<b></b>" * 5_000) == "too_many_attributes"


def test_a_page_may_end_or_begin_anywhere() -> None:
    """No bytes, a lone `<`, an end tag first: all of them reach the parser."""
    for body in (b"", b"<", b"</", b"</p>", b"x<", b"<p>" * 600 + b"<", b"</p>" * 3_000 + b"<"):
        assert refusal(body) is None
