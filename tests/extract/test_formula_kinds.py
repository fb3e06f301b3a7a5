r"""Formulas by kind: delimiters of every make, images by content, custom elements, details of MathML."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document

_PROSE = "<p>A paragraph of plain words stands here, so that the page has a text of its own.</p>"
_MATHJAX = '<script src="https://cdn.example.org/mathjax/tex-chtml.js"></script>'


def _page(body: str, head: str = "") -> Document:
    page = f"<html><head><meta charset=utf-8><title>T</title>{head}</head><body>{_PROSE}{body}</body></html>"
    return extract_page(page.encode(), url="https://example.org/")


def _formulas(body: str, head: str = "") -> list[tuple[str, bool]]:
    document = _page(body, head)
    assert [f.outcome for f in document.formulas] == ["valid"] * len(document.formulas)
    return [(f.tex, f.display) for f in document.formulas]


# --- delimiters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"<p>The number ¥(¥sqrt{2}¥) is real.</p>", [(r"\sqrt{2}", False)]),
        (r"<p>¥[¥frac{1}{2} + ¥alpha¥]</p>", [(r"\frac{1}{2} + \alpha", True)]),
        (r"<p>Inline \\(x^2\\) and \\[y = \frac{1}{2}\\] so.</p>", [("x^2", False), (r"y = \frac{1}{2}", True)]),
        (r"<p>So \\(\\alpha + \\beta\\) holds.</p>", [(r"\alpha + \beta", False)]),
        (r"<p>[ S(X) = \frac{n}{N} ]</p>", [(r"S(X) = \frac{n}{N}", True)]),
        ("<p>The list [a, b] has two items and [3] is a source.</p>", []),
        (r"<p>A row $$\begin{matrix} a \\[2pt] b \end{matrix}$$ is.</p>", [(r"\begin{matrix} a \\[2pt] b \end{matrix}", True)]),
        ("<p>GitLab writes $`x^2`$ so.</p>", [("x^2", False)]),
        (r"<p>It costs 5¥ (or ¥6) in all.</p>", []),
    ],
)  # fmt: skip
def test_damaged_delimiters_are_mended(body: str, expected: list[tuple[str, bool]]) -> None:
    """Yen signs, doubled backslashes and eaten ones become the delimiters that they were."""
    assert _formulas(body, _MATHJAX) == expected


def test_three_dollars_delimit_where_one_formula_proves_it() -> None:
    """`$$$x$$$` is inline and six dollars are displayed; prices of restaurants stay text."""
    assert _formulas(r"<p>For $$$n$$$ and $$$1 \le k$$$:</p><p>$$$$$$\sum_k x_k$$$$$$</p>") == [
        ("n", False),
        (r"1 \le k", False),
        (r"\sum_k x_k", True),
    ]
    assert _formulas("<p>Cafés: $$$ Italian food, $$$ French food, $$ burgers.</p>") == []


@pytest.mark.parametrize("name", ["CD", "xy", "prooftree", "dcases", "psmallmatrix", "IEEEeqnarray", "empheq"])  # fmt: skip
def test_environments_that_a_library_typesets_by_itself(name: str) -> None:
    """An environment of mathematics in the text is one displayed formula."""
    tex = rf"\begin{{{name}}} A_1 & \to B \end{{{name}}}"
    assert _formulas(f"<p>Here {tex} stands.</p>".replace("&", "&amp;"), _MATHJAX) == [(tex, True)]


def test_environments_of_text_are_no_formulas() -> None:
    """Theorems and lists are text, even where a library is loaded; formulas inside are read."""
    body = r"<p>\begin{theorem} Every \(x\) is even. \end{theorem}</p>"
    assert _formulas(body, _MATHJAX) == [("x", False)]


def test_declared_delimiters_may_be_escapes() -> None:
    r"""`\$…\$` is AsciiMath where the configuration says so, and a dollar sign elsewhere."""
    head = (
        '<script type="text/x-mathjax-config">MathJax.Hub.Config({asciimath2jax: '
        r'{delimiters: [["\\$", "\\$"]]}});</script>'
    )
    assert _formulas(r"<p>Take \$sqrt(9) = 3\$ here.</p>", head) == [(r"\sqrt{9}=3", False)]
    assert "costs $3" in _page(r"<p>It costs \$3 and \$4 more.</p>").text.replace("\\", "")


@pytest.mark.parametrize(
    "sentence",
    ["设$n$为整数，$k$为奇数，$m$个询问。", "関数$f$は連続で、$x$と$y$が等しい。", "수 $n$은 $k$보다 크고, $m$도 크다."],
)  # fmt: skip
def test_symbols_among_han_kana_and_hangul(sentence: str) -> None:
    """Single letters between dollars are formulas where the words around use no Latin letters."""
    assert len(_formulas(f"<p>{sentence}</p>")) == 3


@pytest.mark.parametrize("sentence", ["价格是$5和$10，汇率$7。", "变量$HOME和$PATH在这里。"])
def test_prices_and_variables_among_han_stay(sentence: str) -> None:
    """Amounts and shell variables are no formulas in Chinese either."""
    assert _formulas(f"<p>{sentence}</p>") == []


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("#4(k + 2) = 3k#", ["4(k+2)=3k"]),
        ("`sqrt 2`", [r"\sqrt{2}"]),
        ("$x_1$", ["x_1"]),
        (r"\(y\)", ["y"]),
        ("z^2", ["z^2"]),
        ("the root #sqrt(5)# and #t = 1#", [r"\sqrt{5}", "t=1"]),
        ("words only", []),
    ],
)
def test_mathjax_elements_hold_formulas_of_any_make(inside: str, expected: list[str]) -> None:
    """`<mathjax>` with hash signs, backticks, delimiters or bare TeX; its words stay words."""
    assert [tex for tex, _ in _formulas(f"<p>So <mathjax>{inside}</mathjax> here.</p>")] == expected


def test_a_solution_that_opens_later_is_read() -> None:
    """What MathJax ignores only until a reader opens it is text with formulas."""
    head = _MATHJAX + "<script>MathJax={options:{ignoreHtmlClass:'tex2jax_ignore'}}</script>"
    body = r'<div class="{} tex2jax_ignore"><p>There are \(7!\) orders of them.</p></div>'
    assert _formulas(body.format("hidden-content"), head) == [("7!", False)]
    assert _formulas(body.format("listing"), head) == []


# --- images -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "tex"),
    [
        ("https://tex.example.net/?f=x%3D12", "x=12"),
        ("https://a.example.net/any/where?zz=%5Cfrac%7B1%7D%7B2%7D", r"\frac{1}{2}"),
        ("https://a.example.net/draw.php?code=%5Csqrt%7B3%7D&dpi=120", r"\sqrt{3}"),
        ("https://a.example.net/svg/%5Calpha%2B%5Cbeta", r"\alpha+\beta"),
        ("https://a.example.net/eq/%255Csqrt%257B4%257D?scale=1", r"\sqrt{4}"),
        ("https://a.example.net/equation_images/x", "x"),
        ("https://a.example.net/s?eq=a%2Bb", "a+b"),
        ("https://a.example.net/latex/%5Csum_i%20i.png", r"\sum_i i"),
        ("https://a.example.net/render.php/file1.png?s=%5CPsi%20%3D%20J", r"\Psi = J"),
        ("https://a.example.net/svg/XGZyYWN7MX17Mn0=", r"\frac{1}{2}"),
        ("https://www.google.com/chart?cht=tx&amp;chl=%5Cell", r"\ell"),
        ("https://a.example.net/mimetex.cgi?k=\\frac{1}{2}", r"k=\frac{1}{2}"),
    ],
)
def test_an_address_that_decodes_to_tex_is_a_formula(address: str, tex: str) -> None:
    """Parameter or path, encoded once or twice or in Base64, on any host."""
    document = _page(f'<p>Take <img src="{address}"> here.</p>')
    assert [f.tex for f in document.formulas] == [tex]
    assert document.images == []


@pytest.mark.parametrize(
    "image",
    [
        '<img src="/photo.php?f=holiday_2012%5C1.jpg" alt="holiday">',
        '<img src="https://www.google.com/chart?cht=bvs&amp;chd=t:10,20" alt="sales">',
        '<img src="https://math.example.org/logo.png?v=12" alt="Library homepage">',
        '<img src="https://tex.example.org/users/32.png?s=32&amp;d=identicon" alt="">',
        '<img src="https://a.example.org/get?url=https%3A%2F%2Fb.example.org%2Fc.png" alt="">',
        '<img src="/plots/parabola.png" alt="y = x^2 - 4x + 3" width="640" height="480">',
        '<img src="/a/sine.jpg" alt="f(x)=\\sin(x)">',
        '<img src="/graph_of_f.png" alt="y=x^2">',
        '<figure><img src="/p1.png" alt="y = x^2"><figcaption>The parabola</figcaption></figure>',
        '<img src="/a/b.png" class="latexcenter" alt="[asy] draw((0,0)--(1,0)); dot(\\omega); [/asy]">',
        '<img src="/inline.png" data-tex="inline" alt="A house">',
    ],
)
def test_pictures_stay_pictures(image: str) -> None:
    """Files, charts, plots and photographs, whatever their alternative text or address
    resembles."""
    document = _page(f"<p>See {image} here.</p>")
    assert [f.tex for f in document.formulas] == []
    assert len(document.images) == 1


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ('<img src="a.svg" alt="$inline$\\alpha$inline$" data-tex="inline">', (r"\alpha", False)),
        ('<p><img src="a.svg" alt="$display$\\int t$display$" data-tex="display"></p>', (r"\int t", True)),
        ('<img class="formula inline" source="M = \\frac{b}{4}" src="a.svg" alt="">', (r"M = \frac{b}{4}", False)),
        ('<img class="equation_image" src="/b" data-equation-content="x+1">', ("x+1", False)),
        ('<img src="/eq/12.gif" alt="y = x^2 - 4x + 3" width="110" height="18">', ("y = x^2 - 4x + 3", False)),
    ],
)  # fmt: skip
def test_the_formula_of_an_image_is_never_a_word(image: str, expected: tuple[str, bool]) -> None:
    """`inline` in an attribute says how, not what."""
    document = _page(f"<div>So {image} then.</div>")
    assert [(f.tex, f.display) for f in document.formulas] == [expected]


@pytest.mark.parametrize(
    "twins",
    [
        '<img class="tex" src="a.gif" alt="$x^2$"><span class="sr-only"><math><msup><mi>x</mi><mn>2</mn></msup></math></span>',
        '<img class="tex" src="a.gif" alt="$x^2$"> <span class="hidden-readable">\\(x^2\\)</span>',
        '<span class="visually-hidden">\\(x^2\\)</span><span class="katex"><math><msup><mi>x</mi><mn>2</mn></msup></math></span>',
        '<span class="math-tex">x^2</span><script type="math/tex">x^2</script>',
        '<img src="eq.png" alt=""><span class="sr-only">\\(x^2\\)</span>',
    ],
)  # fmt: skip
def test_hidden_twins_are_one_formula(twins: str) -> None:
    """A formula that a page holds twice, once for the eye and once for a screen reader, comes out
    once."""
    assert [tex for tex, _ in _formulas(f"<p>Take {twins} here.</p>")] == ["x^2"]


# --- custom elements --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "display"),
    [
        ("<la-tex>u^2</la-tex>", False),
        ("<tex-inline>u^2</tex-inline>", False),
        ("<i-math>u^2</i-math>", False),
        ("<d-math>u^2</d-math>", False),
        ("<d-math block>u^2</d-math>", True),
        ('<anki-mathjax block="true">u^2</anki-mathjax>', True),
        ("<katex-block>u^2</katex-block>", True),
        ("<math-display>u^2</math-display>", True),
        ("<latex>u^2</latex>", False),
        ('<x-equation latex="u^2"></x-equation>', False),
        ('<span data-lexical-equation="dV4y" data-lexical-inline="true"></span>', False),
        ('<span data-lexical-equation="dV4y" data-lexical-inline="false"></span>', False),
        ('<span class="latex-inline">u^2</span>', False),
        ('<span data-latex-source="u^2"></span>', False),
        ('<span data-type="inline-math" data-latex="u^2"></span>', False),
        ('<amp-mathml data-formula="\\[u^2\\]"></amp-mathml>', True),
    ],
)
def test_elements_named_after_mathematics(element: str, display: bool) -> None:
    """Custom tags and editors' attributes hold one formula, inline unless they say otherwise."""
    assert _formulas(f"<p>Say {element} here.</p>") == [("u^2", display)]


@pytest.mark.parametrize("tag", ["x-term", "math-word", "tex-note", "glossary-item"])
def test_words_in_custom_elements_stay_in_their_sentence(tag: str) -> None:
    """A custom element without blocks is a part of its sentence; words in it are no formula."""
    document = _page(f"<p>The <{tag}>kernel</{tag}> of a map is a subspace.</p>")
    assert "The kernel of a map is a subspace." in document.text
    assert document.formulas == []


# --- MathML and TeX ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ('<mo>(</mo><mstyle linethickness="0"><mfrac><mi>n</mi><mi>k</mi></mfrac></mstyle><mo>)</mo>', r"\binom{n}{k}"),
        ('<mstyle linethickness="0px"><mrow><mo>(</mo><mfrac><mi>n</mi><mi>k</mi></mfrac><mo>)</mo></mrow></mstyle>', r"\binom{n}{k}"),
        ('<mstyle linethickness="0"><mfrac linethickness="1"><mi>n</mi><mi>k</mi></mfrac></mstyle>', r"\frac{n}{k}"),
        ('<mi mathvariant="bold ">v</mi>', r"\mathbf{v}"),
        ("<msup><msup><mi>f</mi><mo>′</mo></msup><mo>′</mo></msup>", "f''"),
        ("<mi>f′</mi><mo>=</mo><mi>y″</mi>", "f'=y''"),
        ("<msup><mi>f</mi><mtext>''</mtext></msup>", "f''"),
        ("<mi>a</mi><mo>⩽\u0338</mo><mi>b</mi>", r"a\nleqslant b"),
        ("<mi>a</mi><mo>=\u0338</mo><mi>b</mi>", r"a\ne b"),
        ("<mi>a</mi><mo>∈\u0338</mo><mi>b</mi>", r"a\notin b"),
        ("<mtable><mlabeledtr><mtd><mtext>(</mtext><mo>⋆</mo><mtext>)</mtext></mtd><mtd><mi>f</mi></mtd></mlabeledtr></mtable>", r"f \tag{\(\star\)}"),
        ("<mtable><mlabeledtr><mtd><mtext>(3.1)</mtext></mtd><mtd><mi>f</mi></mtd></mlabeledtr></mtable>", r"f \tag{3.1}"),
        ("<mstack><mn>512</mn><msrow><mo>+</mo><mn>46</mn></msrow><msline/><mn>558</mn></mstack>", r"\begin{array}{r} 512 \\ +46 \\ \hline 558 \end{array}"),
        ("<mlongdiv><mn>4</mn><mn>216</mn><mn>864</mn></mlongdiv>", r"\begin{array}{r} 216 \\ 4\overline{)864} \end{array}"),
    ],
)  # fmt: skip
def test_details_of_mathml_keep_their_meaning(mathml: str, tex: str) -> None:
    """Binomials, undefined macros, primes, negations, tags and columns of numbers."""
    assert _formulas(f"<p>Here <math>{mathml}</math> stands.</p>") == [(tex, False)]


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<mtext mathcolor='red'>\\bs</mtext><mi>w</mi>", r"\bs w"),
        ("<merror><mtext>\\foo_1 + x</mtext></merror>", r"\foo_1 + x"),
    ],
)
def test_macros_that_a_renderer_did_not_know_are_macros_again(mathml: str, tex: str) -> None:
    """Red names and sources in errors are TeX, though nothing says what the macro means."""
    formula = _page(f"<p>Here <math>{mathml}</math> stands.</p>").formulas[0]
    assert (formula.tex, formula.outcome) == (tex, "invalid")


def test_asciimath_in_an_attribute_of_amp() -> None:
    """`<amp-mathml>` holds TeX or, between backticks, AsciiMath."""
    element = '<amp-mathml inline data-formula="`sqrt x`"></amp-mathml>'
    assert _formulas(f"<p>Say {element} here.</p>") == [(r"\sqrt{x}", False)]


def test_what_is_not_read_is_recorded_as_failed() -> None:
    """An error message is no formula, nor are carries; their numbers stay apart in the text."""
    document = _page(
        "<p>A <math><mstack><mn>51</mn><mscarries><mn>1</mn></mscarries><mn>46</mn></mstack></math> B "
        '<math><merror data-mjx-error="Missing close brace"><mtext>Missing close brace</mtext></merror></math></p>'
    )
    assert [f.outcome for f in document.formulas] == ["failed", "failed"]
    assert "5146" not in document.text
    assert "51146" not in document.text


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("f’(x) = 3 – x", "f'(x) = 3 - x"),
        ("g’’ + h″", "g'' + h''"),
        ("a … b", r"a \ldots b"),
        (r"x \text{ it’s 2–3}", r"x \text{ it’s 2–3}"),
        ("x &amp;ne; y", "x ≠ y"),
        ("p &amp;lt; q", "p < q"),
        ("p &amp;amp;lt; q", "p < q"),
        ("a\u200b+\u202ab\u202c\u2066c\u2069", "a+bc"),
        ("\\al\u00adpha", r"\alpha"),
        (r"\SI{286}{\kilo\joule\per\mole}", r"\SI{286}{\kilo\joule\per\mole}"),
        (r"\unit{\micro\ohm}", r"\unit{\micro\ohm}"),
        (r"\ce{2H2 + O2 -> 2H2O}", r"\ce{2H2 + O2 -> 2H2O}"),
    ],
)
def test_tex_is_cleaned_of_what_editors_put_in(source: str, tex: str) -> None:
    """Curly primes, dashes, entities escaped twice and invisible characters go; units are known."""
    assert _formulas(f"<p>So \\({source}\\) holds.</p>", _MATHJAX) == [(tex, False)]
