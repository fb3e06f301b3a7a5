"""Signs of formulas in a page's source: what shows one, and what only looks like one."""

from __future__ import annotations

import pytest

from infimm_spark.classify.evidence import Evidence


@pytest.mark.parametrize(
    "source",
    [
        r"<p>\(\frac{1}{2}\)",
        r"$\pi$",
        "<math><mi>x</mi></math>",
        "<mml:math>",
        '<span class="math inline">x</span>',
        "x<sup>2</sup>",
        "a^2 + b^2",
        "&int; f",
        "∑ und ∫",
        "the angle θ",
        "Solve {eq}x{/eq}",
        '<code class="reqn">n</code>',
        '<IMG ALT="$ x $" SRC="img1.gif">',
        "[tex]x[/tex]",
        "<script src=MathJax.js></script> so $x+y$ is",
        r"<script src=katex.js></script> so \(x\) is",
        r"the angle \pi",
        "<script src=katex.js></script>$x$",
    ],
)
def test_formulas_are_seen(source: str) -> None:
    """TeX, MathML, raised letters, entities, symbols, and delimiters where a library reads them."""
    assert Evidence(source.encode()).shows_formulas


def test_a_page_of_two_byte_units_is_not_judged() -> None:
    """No sign of ASCII is found in UTF-16: such a page meets the lower floor."""
    assert Evidence("<p>news".encode("utf-16")).shows_formulas


@pytest.mark.parametrize(
    "source",
    [
        "<p>It costs $5 and $10.",
        '<div class="text-center">News</div>',
        "<a><sup>&reg;</sup></a>",
        r"""MathJax = {tex: {inlineMath: [["$", "$"], ['\\(', '\\)']]}}""",
        r"C:\inbox\new",
        "公式大全，欢迎下载",
    ],
)
def test_what_only_looks_like_a_formula_is_none(source: str) -> None:
    """Prices, class names, trade marks, a library's configuration, paths."""
    assert not Evidence(source.encode()).shows_formulas


@pytest.mark.parametrize(
    "source",
    [
        '<script type="math/tex">x</script>',
        '<script type="math/asciimath">x</script>',
        '<img src="https://latex.codecogs.com/gif.latex?x">',
        '<img src="https://s0.wp.com/latex.php?latex=x">',
        '<img src="/cgi-bin/mimetex.cgi?x">',
        '<img src="/cgi-bin/mathtex.cgi?x">',
        '<img src="//quicklatex.com/cache3/1.png">',
        '<img src="https://www.zhihu.com/equation?tex=x">',
        '<img src="https://chart.googleapis.com/chart?cht=tx&chl=x">',
        '<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/1">',
        '<img src="/filter/tex/pix.php/1.gif">',
        '<img src="_images/img/math/1.png">',
        '<img src="/images/equations/Circle/Inline1.svg" class="inlineformula" alt="pi">',
        '<span class="MathJye" mathtag="math">',
    ],
)
def test_formulas_in_images_and_scripts_are_hidden(source: str) -> None:
    """What leaves nothing in the visible text."""
    assert Evidence(f"<p>A page: {source}".encode()).hides_formulas


def test_a_page_that_hides_nothing() -> None:
    """Words of the signs alone are none, nor is a chart of another kind."""
    for source in ("math tex codecogs", "latex-php", "cht=p3", "<a href=/math/>", "equation?text="):
        assert not Evidence(source.encode()).hides_formulas


FILLING = "<p>" + "The mayor opened the new market hall on Monday. " * 200


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "big5"])
@pytest.mark.parametrize("text", ["導數 定理 矩陣 微分", "导数 定理 矩阵 微分"])
def test_words_of_mathematics_are_found_in_every_charset(text: str, charset: str) -> None:
    """Chinese terms in both scripts, as far as the charset has their characters."""
    page = Evidence((FILLING + text).encode(charset, "ignore"))
    words = page.words_below(9)
    assert words == (2 if charset == "big5" and "导" in text else 4)


@pytest.mark.parametrize("escaped", ["&#{};", "&#x{:x};", "\\u{:04x}"])
def test_escaped_words_are_found(escaped: str) -> None:
    """Old sites write Chinese as character references, JSON with backslashes."""
    text = " ".join("".join(escaped.format(ord(c)) for c in term) for term in ("导数", "矩阵"))
    assert Evidence((FILLING + text).encode()).words_below(9) == 2


def test_a_word_counts_once_and_where_it_begins() -> None:
    """Of a tag or a longer name it is no part; ordinary words say nothing."""
    page = "<b>Theorem</b> theorem, theorem\ntheorem <i>lemma</i> my-polynomial function matrix"
    assert Evidence((FILLING + page).encode()).words_below(9) == 2


@pytest.mark.parametrize(
    "source",
    [
        "<p>theorem",
        FILLING + "<p>theorem lemma polynomial",
        FILLING + "<sup>2</sup>",
        FILLING + "<script src=/katex.min.js></script>",
        FILLING + "<p>theorem" * 1_000,
        FILLING + '<img src="/cgi-bin/mimetex.cgi?x">',
    ],
)
def test_what_is_worth_parsing(source: str) -> None:
    """A short page, words enough, a sign of a formula, a library."""
    assert Evidence(source.encode()).words_below(3) is None


def test_words_are_not_looked_for_without_a_floor_or_in_two_byte_units() -> None:
    """0 switches the floor off; UTF-16 hides words as it hides signs."""
    assert Evidence(FILLING.encode()).words_below(0) is None
    assert Evidence(FILLING.encode("utf-16")).words_below(3) is None
    assert Evidence(FILLING.encode()).words_below(3) == 0
