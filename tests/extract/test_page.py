"""`extract_page`: what becomes of text, formulas and structure."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.errors import PageRejectedError
from infimm_spark.extract import extract_page, parse_page
from infimm_spark.extract.document import Document
from infimm_spark.extract.tags import COMMENT, NAMES, TEXT
from infimm_spark.extract.text import formulas_in

MATHJAX = '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-mml-chtml.js"></script>'
DOLLARS = (
    "<script>MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']]}};</script>" + MATHJAX
)


def extracted(body: str, head: str = "") -> Document:
    html = f"<!doctype html><html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"
    return extract_page(html.encode(), url="https://example.org/dir/page.html")


def formulas(body: str, head: str = "") -> list[tuple[str, bool, str]]:
    return [(f.tex, f.display, f.encoding) for f in extracted(body, head).formulas]


# --- formulas borne by elements -----------------------------------------------------------------


def test_math_scripts_keep_their_mode() -> None:
    """MathJax 2's scripts are formulas, displayed where their type says so."""
    body = (
        '<p>Let <script type="math/tex">x^2</script> and</p>'
        '<script type="math/tex; mode=display">y = 1</script>'
    )
    assert formulas(body) == [("x^2", False, "tex-script"), ("y = 1", True, "tex-script")]


def test_mathjax_2_leftovers_are_one_formula() -> None:
    """Preview, rendered frame and script of one formula give that formula once."""
    body = (
        '<p>So <span class="MathJax_Preview">x2</span><span class="MathJax" '
        'id="MathJax-Element-1-Frame" data-mathml="&lt;math&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;">'
        '<nobr>x2</nobr></span><script type="math/tex" id="MathJax-Element-1">x^2</script> holds.</p>'
    )
    document = extracted(body)
    assert document.text == "So $x^2$ holds."
    assert [f.encoding for f in document.formulas] == ["tex-script"]


def test_mathjax_2_without_its_script_is_read_from_mathml() -> None:
    """`data-mathml` is used where the script has been removed."""
    body = (
        '<p>So <span class="MathJax" data-mathml="&lt;math&gt;&lt;msup&gt;&lt;mi&gt;x&lt;/mi&gt;'
        '&lt;mn&gt;2&lt;/mn&gt;&lt;/msup&gt;&lt;/math&gt;"><nobr>x2</nobr></span> holds.</p>'
    )
    assert extracted(body).text == "So $x^2$ holds."


def test_mjx_container_with_assistive_mathml() -> None:
    """MathJax 3's hidden MathML is the source of a rendered container, once."""
    body = (
        '<p>a <mjx-container display="true"><mjx-math><mjx-mi><mjx-c class="mjx-c1D465"></mjx-c>'
        "</mjx-mi></mjx-math><mjx-assistive-mml><math display='block'><mi>x</mi></math>"
        "</mjx-assistive-mml></mjx-container> b</p>"
    )
    assert formulas(body) == [("x", True, "mathjax-mathml")]


def test_katex_annotation_wins_over_its_html() -> None:
    """KaTeX's MathML and HTML of one formula give its TeX annotation once."""
    inner = (
        '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>x</mi></mrow>'
        '<annotation encoding="application/x-tex">\\alpha + x</annotation></semantics></math></span>'
        '<span class="katex-html" aria-hidden="true"><span class="mord">x</span></span></span>'
    )
    body = f'<p>a {inner} b</p><p><span class="katex-display">{inner}</span></p>'
    assert formulas(body) == [
        (r"\alpha + x", False, "katex-annotation"),
        (r"\alpha + x", True, "katex-annotation"),
    ]


@pytest.mark.parametrize("prefix", ["", "mml:", "m:"])
def test_mathml_with_any_prefix(prefix: str) -> None:
    """`<math>`, `<mml:math>` and `<m:math>` are the same, self-closing elements included."""
    p = prefix
    body = f"<p>is <{p}math><{p}mi>x</{p}mi><{p}mspace/><{p}mo>+</{p}mo><{p}mn>1</{p}mn></{p}math> so</p>"
    document = extracted(body)
    assert [f.tex.replace(" ", "") for f in document.formulas] == ["x+1"]
    assert document.text.startswith("is $")
    assert document.text.endswith("$ so")


@pytest.mark.parametrize(
    "encoding", ["application/x-tex", "TeX", "LaTeX", "text/x-latex", "application/x-latex"]
)
def test_annotations_in_every_spelling_of_tex(encoding: str) -> None:
    """The annotation is the source, whatever its encoding is called."""
    body = (
        "<p><math><semantics><mi>x</mi>"
        f'<annotation encoding="{encoding}">\\xi</annotation></semantics></math></p>'
    )
    assert [f[0] for f in formulas(body)] == [r"\xi"]


def test_words_for_a_screen_reader_are_no_tex() -> None:
    """An alttext in words is passed over for the MathML itself."""
    body = '<p><math alttext="x squared"><msup><mi>x</mi><mn>2</mn></msup></math></p>'
    assert formulas(body) == [("x^2", False, "mathml")]


def test_wikimedia_element_is_one_formula() -> None:
    """MathML and fallback image of a Wikimedia formula give one formula and no picture."""
    body = (
        '<p><span class="mwe-math-element"><span style="display: none;"><math><semantics><mi>x</mi>'
        '<annotation encoding="application/x-tex">{\\displaystyle x}</annotation></semantics></math>'
        '</span><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/87" '
        'class="mwe-math-fallback-image-inline" alt="{\\displaystyle x}"></span> is</p>'
    )
    document = extracted(body)
    assert document.text == "$x$ is"
    assert document.images == []


@pytest.mark.parametrize(
    ("markup", "tex"),
    [
        ('<img src="https://latex.codecogs.com/gif.latex?%5Cdpi%7B150%7D%20x%5E2" alt="">', "x^2"),
        ('<img src="/latex.php?latex=%5Cfrac%7Ba%7D%7Bb%7D&bg=ffffff&fg=000000">', r"\frac{a}{b}"),
        ('<img src="https://chart.googleapis.com/chart?cht=tx&chl=x%2By">', "x+y"),
        ('<img src="https://www.zhihu.com/equation?tex=%5Calpha" eeimg="1">', r"\alpha"),
        ('<img src="/cgi-bin/mimetex.cgi?\\sqrt{x}">', r"\sqrt{x}"),
        ('<img src="img12.png" width="20" alt="$x^2$">', "x^2"),
        ('<img class="formulaInl" src="form_0.png" alt="$ \\lambda $">', r"\lambda"),
        ('<img class="math" src="_images/math/8a.png" alt="\\sum_i x_i">', r"\sum_i x_i"),
        ('<img src="https://cdn.nlark.com/yuque/__latex/3e.svg#card=math&code=x%5E2&id=a">', "x^2"),
        ('<img src="https://math.vercel.app/?from=x%5E2">', "x^2"),
        (
            '<img src="/images/equations/A/Inline1.svg" class="inlineformula" alt="z^_">',
            r"\overline{z}",
        ),
        (
            '<img src="/images/equations/A/Inline2.svg" class="inlineformula" alt="(n; k)">',
            r"\binom{n}{k}",
        ),
        (
            '<img src="/images/equations/A/Inline3.svg" class="inlineformula" alt="sum_(n=1)^inftyx^n">',
            r"\sum_{n=1}^{\infty}x^{n}",
        ),
        ('<img src="eq1.png" alt="equation" title="\\frac{a}{b}">', r"\frac{a}{b}"),
    ],
)
def test_equation_images_become_formulas(markup: str, tex: str) -> None:
    """Pictures of equations are formulas and leave the image list."""
    document = extracted(f"<p>where {markup} holds for everything in the sentence</p>")
    assert [f.tex for f in document.formulas] == [tex]
    assert document.images == []
    assert document.text == f"where ${tex}$ holds for everything in the sentence"


def test_an_equation_image_in_words_stays_an_image() -> None:
    """MathWorld describes what AsciiMath cannot say in English: no formula is made of that."""
    document = extracted(
        '<p>so <img src="/images/equations/A/Inline4.svg" class="inlineformula" alt="A intersection B"> is</p>'
    )
    assert document.formulas == []
    assert [image.alt for image in document.images] == ["A intersection B"]


def test_containers_and_attributes() -> None:
    """`.math-container`, pandoc's spans, `data-tex` and `katex.render` each give their formula."""
    body = (
        '<p>a <span class="math-container">$$x+1$$</span> b <span class="math inline">\\(y\\)</span> '
        'c <span data-tex="\\beta">β</span> d <span id="k"></span> e</p>'
        '<script>katex.render("\\\\gamma", document.getElementById("k"));</script>'
    )
    assert [f[:2] for f in formulas(body)] == [
        ("x+1", True),
        ("y", False),
        (r"\beta", False),
        (r"\gamma", False),
    ]


def test_a_conversion_that_fails_is_recorded() -> None:
    """A formula that cannot be read counts as failed, with its reason, and its words stay."""
    document = extracted('<p>then <script type="math/mml">not a formula</script> follows</p>')
    assert [(f.outcome, f.tex) for f in document.formulas] == [("failed", "")]
    assert document.formulas[0].reason
    fault = (document.formulas[0].encoding, "failed", document.formulas[0].reason)
    assert document.formula_faults() == {fault: 1}


# --- delimiters ---------------------------------------------------------------------------------


def test_configured_dollars() -> None:
    """Dollars are delimiters on a page whose MathJax configuration says so."""
    assert [f[:2] for f in formulas("<p>If $a+b$ then $$c$$</p>", DOLLARS)] == [
        ("a+b", False),
        ("c", True),
    ]


def test_dollars_without_a_library_must_prove_themselves() -> None:
    """Without MathJax or KaTeX only what can be nothing else is read between dollars."""
    assert formulas("<p>between $a$ and $b$</p>") == []
    assert [f[0] for f in formulas(r"<p>the sum $\sum_{i} x_i$ is</p>")] == [r"\sum_{i} x_i"]


def test_one_proof_is_enough_where_a_library_is_loaded() -> None:
    """The configuration may stand in another file: one formula that can be nothing else decides."""
    assert formulas("<p>between $a$ and $b$</p>", MATHJAX) == []
    assert [f[0] for f in formulas("<p>令 $x$ 为 $y=x^2$，价格 $5。</p>", MATHJAX)] == [
        "x",
        "y=x^2",
    ]


def test_mathjax_element_declares_dollars() -> None:
    """`<mathjax>` says that what stands between dollars is mathematics."""
    assert [f[0] for f in formulas("<p><mathjax>if $a+b$ then</mathjax></p>")] == ["a+b"]


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 to enter and $10 to leave.",
        "Set echo $HOME and $PATH first.",
        "between $5 million and $10 million",
        "from US$20 to US$30, or $1,200.50 and $3",
        "价格从 $5 到 $10 不等",
    ],
)
def test_currency_and_shell_are_never_mathematics(text: str) -> None:
    """Amounts and variables stay text, even where dollars are declared as delimiters."""
    document = extracted(f"<p>{text}</p>", DOLLARS)
    assert document.formulas == []
    assert document.text == text.replace("$", "\\$")


def test_environments_and_brackets() -> None:
    r"""`\[…\]` and environments are display formulas; an environment keeps its name."""
    body = r"<p>\[ x \] and \begin{align*} a &= b \\ c &= d \end{align*}</p>"
    assert [f[:2] for f in formulas(body)] == [
        ("x", True),
        (r"\begin{align*} a &= b \\ c &= d \end{align*}", True),
    ]


def test_code_is_never_mathematics() -> None:
    """Dollars and brackets in code are code."""
    document = extracted("<p>run <code>$x^2$</code></p><pre>\\(y\\) $z_1$</pre>", DOLLARS)
    assert document.formulas == []
    assert document.text == "run `$x^2$`\n\n```\n\\(y\\) $z_1$\n```"


def test_ignored_class_is_left_alone() -> None:
    """`ignoreClass` of the page's configuration is honoured."""
    head = (
        "<script>MathJax = {tex: {inlineMath: [['$','$']]}, options: {ignoreHtmlClass: 'no-tex'}}"
        "</script>" + MATHJAX
    )
    document = extracted('<p class="no-tex">not $x$</p><p>but $y$ is one</p>', head)
    assert [(f.tex, f.display, f.encoding) for f in document.formulas] == [("y", False, "dollar")]
    assert formulas_in(document.text) == [("y", False)]


def test_a_formula_broken_over_lines_and_emphasis_is_whole() -> None:
    """`<br>` inside delimiters is a blank; Markdown's emphasis gives back its underscores."""
    body = "<p>so $a<em>1 +<br> b</em>2$ is</p>"
    assert [f[0] for f in formulas(body, DOLLARS)] == ["a_1 + b_2"]


def test_macros_of_the_page_are_expanded() -> None:
    """Configured and written definitions are expanded; the definition itself is no formula."""
    head = "<script>MathJax = {tex: {macros: {RR: '\\\\mathbb{R}'}}}</script>" + MATHJAX
    body = r"<p>\(\newcommand{\half}{\frac12} % a comment\)</p><p>in \(\RR\) is \(\half\)</p>"
    assert [f[0] for f in formulas(body, head)] == [r"\mathbb{R}", r"\frac12"]


def test_asciimath_between_backticks() -> None:
    """Backticks delimit AsciiMath on a page that loads it."""
    head = '<script src="ASCIIMathML.js"></script>'
    found = formulas("<p>the root `sqrt(x)` is</p>", head)
    assert [f[2] for f in found] == ["asciimath"]
    assert "sqrt" in found[0][0]


# --- text ---------------------------------------------------------------------------------------


def test_structure_becomes_markdown() -> None:
    """Headings, lists, tables and quotations keep their form and their formulas."""
    body = (
        "<h2>On <script type='math/tex'>x</script></h2><ol><li>one<ul><li>inner</li></ul></li>"
        "<li>two</li></ol><table><tr><th>a<th>b<tr><td>1<td><script type='math/tex'>y</script>"
        "</table><blockquote><p>said</p></blockquote>"
    )
    assert extracted(body).text == (
        "## On $x$\n\n1. one\n   - inner\n2. two\n\n| a | b |\n| --- | --- |\n| 1 | $y$ |\n\n> said"
    )


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("x<sup>2</sup> + y<sub>i</sub>", "x^{2} + y_{i}"),
        ("the 1<sup>st</sup> of 2<sup>nd</sup>", "the 1st of 2nd"),
        ("Brand<sup>™</sup>", "Brand™"),
        ('word<sup><a href="#fn1">3</a></sup> next', "word[3] next"),
        ("H<sub>2</sub>O", "H_{2}O"),
        ("2<sup>1</sup>⁄<sub>3</sub> cups", "2 1⁄3 cups"),
        ("<sup>22</sup>/<sub>7</sub>", "22/7"),
    ],
)
def test_raised_and_lowered_text(markup: str, text: str) -> None:
    """Scripts with meaning are written `^{}` and `_{}`; ordinals and footnotes are not."""
    assert extracted(f"<p>{markup}</p>").text == text


def test_boilerplate_goes_and_formulas_stay() -> None:
    """Navigation, sidebars and footers go; a sidebar's formula block does not."""
    prose = "<p>" + "This is the body of the page, with words enough to be one. " * 8 + "</p>"
    body = (
        '<nav><a href="/">Home</a> <a href="/b">Blog</a></nav>'
        f'<div class="sidebar"><p>Recent posts</p></div><main>{prose}</main>'
        '<div class="sidebar"><p>Euler: <script type="math/tex">e^{i\\pi}</script></p></div>'
        "<footer>Copyright somebody</footer>"
    )
    text = extracted(body).text
    assert "Home" not in text
    assert "Recent posts" not in text
    assert "Copyright" not in text
    assert r"Euler: $e^{i\pi}$" in text


def test_comments_with_formulas_stay() -> None:
    """Dollars count as formulas too when boilerplate is judged, where a library is loaded."""
    prose = "<p>" + "This is the body of the page, with words enough to be one. " * 8 + "</p>"
    body = (
        f"<main>{prose}</main><div class='comments'><p>It falls off as $1/r^2$.</p></div>"
        "<div class='comments'><p>Nice post!</p></div>"
    )
    text = extracted(body, DOLLARS).text
    assert "It falls off as $1/r^2$." in text
    assert "Nice post" not in text


def test_hidden_text_goes() -> None:
    """What the page hides is not text, nor are links for those who do not see it."""
    assert (
        extracted('<p>seen</p><p style="display:none">unseen</p><p hidden>nor</p>').text == "seen"
    )
    for name in ("assistive", "skip-link", "skipnav", "skip-to-content"):
        link = f'<a class="{name}" href="#content">Skip to content</a>'
        assert extracted(link + "<p>seen</p>").text == "seen"


def test_reserved_characters_of_the_page_do_no_harm() -> None:
    """Private-use characters on a page cannot be taken for marks."""
    document = extracted("<p>icon \ue0007\ue003 and &#xE000;0&#57347; end $x$</p>", DOLLARS)
    assert document.text == "icon 7 and 0 end $x$"


def test_title() -> None:
    """Open Graph's title is preferred to `<title>`, which is preferred to a heading."""
    assert extracted("<h1>Heading</h1>").title == "Heading"
    head = "<title> The   title | Site </title>"
    assert extracted("<h1>Heading</h1>", head).title == "The title | Site"
    assert extracted("", head + '<meta property="og:title" content="Better">').title == "Better"


def test_consent_signals_are_collected() -> None:
    """Robots directives in the markup end up in the document."""
    document = extracted("<p>x</p>", '<meta name="robots" content="noai, noimageai">')
    assert "robots:noai" in document.consent


def test_quick_text_leaves_the_tree_alone() -> None:
    """Reading the quick text first changes nothing in the document."""
    html = b"<nav><a href=/>menu</a></nav><p>Some prose about <script type='math/tex'>x</script> here.</p>"
    page = parse_page(html, url="https://example.org/")
    quick = page.quick_text(1_000)
    assert "Some prose about" in quick
    assert "menu" not in quick
    assert page.document() == extract_page(html, url="https://example.org/")


def test_quick_text_is_bounded() -> None:
    """No more characters than asked for."""
    page = parse_page(b"<p>" + b"word " * 5_000, url="https://example.org/")
    assert len(page.quick_text(300)) == 300


def test_not_html_is_refused() -> None:
    """Other media types and binary files are refused with a reason."""
    with pytest.raises(PageRejectedError) as refusal:
        extract_page(b"%PDF-1.7 ...", url="https://example.org/")
    assert refusal.value.reason == "not_html"
    with pytest.raises(PageRejectedError) as refusal:
        extract_page(b"<p>x", url="https://example.org/", content_type="image/png")
    assert refusal.value.reason == "not_html"


def test_empty_page() -> None:
    """Nothing in, nothing out."""
    document = extract_page(b"", url="https://example.org/")
    assert document.segments == []
    assert document.formulas == []


def test_numbers_stand_for_the_tags_they_are_taken_for() -> None:
    """Every number that quick text and the walk know is that of its tag in any other page."""
    for number, name in NAMES.items():
        parser = LexborHTMLParser(f"<body><p>{name} in another page</p>")
        assert parser.create_node(name).tag_id == number
        assert parser.create_node(name).tag == name
    body = LexborHTMLParser("<body>a<!-- b -->").body
    assert body is not None
    assert [node.tag_id for node in body.iter(include_text=True)] == [TEXT, COMMENT]


@pytest.mark.parametrize(
    "body",
    [
        "\ufeff<p>Größe</p>".encode(),  # a byte-order mark
        "<p>Grö\0ße</p>".encode(),
        "<p>Größe</p>".encode("utf-16"),
        "<meta charset=latin1><p>Größe</p>".encode("latin-1"),
        "<p>Gr\ue000öße</p>".encode(),  # a character that marks use
        "<p>Größe</p>".encode(),
    ],
)
def test_the_parser_gets_the_page_as_it_is_decoded(body: bytes) -> None:
    """Bytes are parsed as they are only where they are the decoded text."""
    assert extract_page(body, url="https://example.org/").text == "Größe"


def test_broken_bytes_are_replaced_before_the_parser_sees_them() -> None:
    """A cut character at the end of a page does not reach the parser as a byte."""
    broken = "<p>Größe, Länge, Höhe, Fläche: ä ö ü ß Ä Ö Ü é".encode() + b"\xc3"
    assert extract_page(broken, url="https://example.org/").text.endswith("é\ufffd")
