"""Tables as grids and numbered lists: every cell in its column, every item with its own number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract import extract_page


def text_of(body: str) -> str:
    html = f"<!doctype html><html><head><meta charset=utf-8></head><body>{body}</body></html>"
    return extract_page(html.encode(), url="https://example.org/").text


def rows_of(body: str) -> list[list[str]]:
    lines = [line for line in text_of(body).split("\n") if line.startswith("|")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines
        if "---" not in line
    ]


def test_spans_keep_their_columns() -> None:
    """A cell that spans rows or columns leaves the others where they belong."""
    assert rows_of(
        "<table><tr><th>Shelf<th>Tool<th>Pieces<tr><td rowspan=2>Left<td>File<td>14<tr><td>Saw<td>9"
        "<tr><td colspan=2>Both<td>23</table>"
    ) == [["Shelf", "Tool", "Pieces"], ["Left", "File", "14"], ["", "Saw", "9"], ["Both", "", "23"]]
    assert rows_of(
        "<table><tr><th rowspan=2>Plan<th colspan=2>Week<th>Trip<tr><th>A<th>B<th>C"
        "<tr><td>s<td>1<td>2<td>3</table>"
    ) == [["Plan", "Week", "", "Trip"], ["", "A", "B", "C"], ["s", "1", "2", "3"]]


def test_a_row_span_ends_with_its_group() -> None:
    """`rowspan=0` and spans that are too long reach to the end of their group, not into the
    next."""
    body = (
        "<table><thead><tr><th rowspan=9>h<th>i</thead><tbody><tr><td rowspan=0>a<td>b<tr><td>c</tbody>"
        "<tbody><tr><td>d<td>e</tbody></table>"
    )
    assert rows_of(body)[:2] == [["h", "i"], ["a", "b"]]
    assert rows_of(body)[-2:] == [["", "c"], ["d", "e"]]


def test_places_that_a_row_span_covers_are_columns() -> None:
    """A table without head whose first cell spans all rows is one of data."""
    body = "<table><tr><td rowspan=3>a<td>b<tr><td>c;<tr><td>d</table>"
    assert rows_of(body) == [["a", "b"], ["", "c;"], ["", "d"]]


def test_the_foot_comes_last_and_the_caption_first() -> None:
    """`<tfoot>` stands last wherever it is written; a caption is a line of its own before the
    table."""
    body = (
        "<table><caption>Values of <i>n</i>!</caption><tfoot><tr><td>sum<td>3</tfoot>"
        "<thead><tr><th>n<th>n!</thead><tr><td>1<td>1<tr><td>2<td>2</table>"
    )
    assert text_of(body) == (
        "Values of n!\n\n| n | n! |\n| --- | --- |\n| 1 | 1 |\n| 2 | 2 |\n| sum | 3 |"
    )


def test_lists_and_code_in_cells_stay_in_the_table() -> None:
    """A cell's list is parted by semicolons, a line of code in it is a span; formulas stay."""
    body = (
        "<table><tr><th>f<th>notes<th>code<tr><td><script type='math/tex'>|x|</script>"
        "<td><ul><li>short<li>left</ul><td><pre>a || b</pre></table>"
    )
    assert text_of(body).split("\n")[2] == "| $|x|$ | short; left | `a || b` |"


def test_a_layout_table_only_places_things() -> None:
    """Headings, forms, long texts and `role=presentation` tell a layout table: no pipes."""
    long = "Words that run on in a sentence. " * 40
    for body in (
        f"<table><tr><td><h2>Title</h2><p>{long}</p><td>menu</table>",
        "<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>",
        "<table><tr><td>Only<td>one row</table>",
        "<table><tr><td>one</td></tr><tr><td>column</td></tr></table>",
    ):
        assert "|" not in text_of(body)


def test_a_table_in_a_layout_table_is_a_table() -> None:
    """The outer table goes, the inner one with its rows stays."""
    inner = "<table><tr><th>x<th>y<tr><td>1<td>2</table>"
    assert rows_of(f"<table><tr><td>menu<td><h2>Data</h2>{inner}</table>") == [
        ["x", "y"],
        ["1", "2"],
    ]


def test_a_fraction_set_in_a_table() -> None:
    """Numerator and denominator on both sides of a rule are a fraction."""
    assert text_of("<table><tr><td>x = <td>a + b<hr>2c</table>") == "x = (a + b)/(2c)"


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4),
        min_size=2,
        max_size=5,
    )
)
def test_every_cell_of_any_table_stands_once(spans: list[list[tuple[int, int]]]) -> None:
    """Whatever spans there are: all rows have one length, and each cell stands once, in order."""
    number = 0
    body = "<table><tr><th>a</th><th>b</th></tr>"
    for row in spans:
        body += "<tr>"
        for down, across in row:
            body += f"<td rowspan={down} colspan={across}>w{number}</td>"
            number += 1
        body += "</tr>"
    body += "</table>"
    rows = rows_of(body)
    if rows:
        assert len({len(row) for row in rows}) == 1
        assert [cell for row in rows[1:] for cell in row if cell] == [
            f"w{n}" for n in range(number)
        ]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<ol start=7><li>a<li>b</ol>", "7. a\n8. b"),
        ("<ol><li value=12>a<li>b</ol>", "12. a\n13. b"),
        ("<ol reversed><li>a<li>b<li>c</ol>", "3. a\n2. b\n1. c"),
        ("<ol reversed start=10><li>a<li>b</ol>", "10. a\n9. b"),
        ("<ol type=a><li>a<li>b</ol>", "a. a\nb. b"),
        ("<ol type=I start=4><li>a<li>b</ol>", "IV. a\nV. b"),
        ("<ol style='list-style-type: lower-roman'><li>a<li>b</ol>", "i. a\nii. b"),
        ("<ol type=A start=27><li>a</ol>", "AA. a"),
        ("<ol start=x><li>a</ol><ol start=-1><li>b<li>c</ol>", "1. a\n\n-1. b\n0. c"),
        ("<ol><li>a<ol start=5><li>b</ol><li>c</ol>", "1. a\n   5. b\n2. c"),
        ('<ol class="loweralpha simple"><li>x</li><li>y</li></ol>', "a. x\nb. y"),
        ('<ol class="upper-roman"><li>x</li></ol>', "I. x"),
        ("<ol><div><li>x</li></div><div><li>y</li></div></ol>", "1. x\n2. y"),
    ],
)
def test_numbers_of_lists(markup: str, text: str) -> None:
    """Items bear the numbers or letters that the page shows."""
    assert text_of(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<pre><code class="language-python">x = 1</code></pre>', "```python\nx = 1\n```"),
        ('<div class="highlight-ipython3"><div><pre>x</pre></div></div>', "```python\nx\n```"),
        ('<pre class="brush: java; gutter: false">int a;</pre>', "```java\nint a;\n```"),
        ('<pre class="sourceCode r"><code>x</code></pre>', "```r\nx\n```"),
        ('<pre><code class="hljs language-plaintext">x</code></pre>', "```\nx\n```"),
        ("<pre><div>a = 1</div><div>b = 2</div></pre>", "```\na = 1\nb = 2\n```"),
        ("<pre><ol><li>int a;</li><li>int b;</li></ol></pre>", "```\nint a;\nint b;\n```"),
        (
            '<pre><span class="line"><span class="ln">1</span>a\n</span><span class="line">b</span></pre>',
            "```\na\nb\n```",
        ),
        ("<pre>a<button>Copy</button>\n\nb</pre>", "```\na\n\nb\n```"),
    ],
)
def test_blocks_of_code(markup: str, text: str) -> None:
    """Code keeps its language and its lines, without numbers and buttons."""
    assert text_of(markup) == text
