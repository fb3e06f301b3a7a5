r"""Mathematics as well-known sites write it, in small pages of our own: each comes out once, in its mode."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document

MATHJAX = '<script src="https://cdn.example.org/mathjax/MathJax.js?config=TeX-AMS_HTML"></script>'
DOLLARS = (
    "<script type='text/x-mathjax-config'>MathJax.Hub.Config({tex2jax: {inlineMath: [['$','$'], ['\\\\(','\\\\)']], "
    "processEscapes: true}});</script>" + MATHJAX
)
PROSE = (
    "<p>" + "Some prose of the page that surrounds the formula, so that it is a page. " * 4 + "</p>"
)


def extracted(body: str, head: str = "") -> Document:
    page = f"<!DOCTYPE html><html><head>{head}</head><body>{PROSE}{body}</body></html>"
    return extract_page(page.encode(), url="https://example.org/a/page.html")


def formulas(body: str, head: str = "") -> list[tuple[str, bool]]:
    return [(f.tex, f.display) for f in extracted(body, head).formulas if f.outcome != "failed"]


INLINE = [("x^2", False)]
DISPLAY = [("x^2", True)]

PLATFORMS = {
    "KaTeX 0.10, without a source": (
        '<p><span class="katex"><span class="katex-html"><span class="base"><span class="mord"><span class="mord '
        'mathdefault">x</span><span class="msupsub"><span class="vlist-t"><span class="vlist-r"><span class="vlist">'
        '<span style="top:-3.063em;"><span class="pstrut" style="height:2.7em;"></span><span class="sizing">'
        '<span class="mord mtight">2</span></span></span></span></span></span></span></span></span></span></span></p>',
        "",
        INLINE,
    ),
    "GitHub, dollars and backticks": (
        '<p><math-renderer class="js-inline-math">$`x^2`$</math-renderer></p>',
        "",
        INLINE,
    ),
    "WordPress, its source in an element": ('<p><span class="latex">$latex x^2$</span></p>', "", INLINE),
    "Quill, not rendered": (
        '<p><span data-value="x^2" class="ql-formula"><span contenteditable="false">x2</span></span></p>',
        "",
        INLINE,
    ),
    "CSDN, KaTeX with its source": (
        '<p>若<span class="katex--inline"><span class="katex"><span class="katex-mathml"><math><semantics><mrow>'
        "<msup><mi>x</mi><mn>2</mn></msup></mrow><annotation encoding='application/x-tex'>x^2</annotation>"
        '</semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base">x2</span></span>'
        "</span></span>成立</p>",
        "",
        INLINE,
    ),
    "CSDN, KaTeX source as text": (
        '<p><span class="katex--display"><span class="katex-display"><span class="katex"><span class="katex-mathml">'
        'x 2 x^2 </span><span class="katex-html"><span class="base"><span class="mord"><span class="mord mathnormal">x'
        '</span><span class="msupsub"><span class="vlist-t"><span class="vlist-r"><span class="vlist">'
        '<span style="top:-3.063em;"><span class="pstrut" style="height:2.7em;"></span><span class="sizing">'
        '<span class="mord mtight">2</span></span></span></span></span></span></span></span></span></span></span>'
        "</span></span></p>",
        "",
        DISPLAY,
    ),
    "Zhihu, image": (
        '<p>由 <img src="https://www.zhihu.com/equation?tex=x%5E2" alt="x^2" eeimg="1"> 可知</p>',
        "",
        INLINE,
    ),
    "Zhihu, ztext": (
        '<p>由 <span class="ztext-math" data-eeimg="1" data-tex="x^2">x^2</span> 可知</p>',
        "",
        INLINE,
    ),
    "Zhihu, ztext of its own line": (
        '<p><span class="ztext-math" data-eeimg="1" data-tex="x^2\\\\">x^2</span></p>',
        "",
        DISPLAY,
    ),
    "cnblogs, rendered beside its script": (
        '<p>设 <span class="math inline"><span class="MathJax_Preview"></span><span class="MathJax" id="MathJax-Element-1-Frame">'
        '<nobr><span class="math"><span class="mi">x</span><span class="mn">2</span></span></nobr></span>'
        '<script type="math/tex" id="MathJax-Element-1">x^2</script></span> 为</p>',
        MATHJAX,
        INLINE,
    ),
    "cnblogs, span with delimiters": ('<p><span class="math display">\\[x^2\\]</span></p>', MATHJAX, DISPLAY),
    "Jianshu": (
        '<p>其中 <img class="math-inline" src="https://math.jianshu.com/math?formula=x%5E2" alt="x^2" mathimg="1"></p>',
        "",
        INLINE,
    ),
    "Jianshu, block": (
        '<p><img class="math-block" src="https://math.jianshu.com/math?formula=x%5E2" alt="x^2" mathimg="1"></p>',
        "",
        DISPLAY,
    ),
    "LibreTexts": (
        "<p>\\( \\newcommand{\\vecs}[1]{\\overset{\\rightharpoonup}{\\mathbf{#1}}}\\)</p>"
        '<p>We see \\(x^2\\).</p><p class="mt-section">Let \\[x^2 \\nonumber\\]</p>',
        MATHJAX,
        [("x^2", False), ("x^2 \\nonumber", True)],
    ),
    "ProofWiki": ("<p>Let $x^2$ be.</p><dl><dd>$\\displaystyle x^2$</dd></dl>", DOLLARS, None),
    "nLab": (
        '<p>so <math xmlns="http://www.w3.org/1998/Math/MathML" class="maruku-mathml" display="inline"><semantics><mrow>'
        '<msup><mi>x</mi> <mn>2</mn></msup></mrow><annotation encoding="application/x-tex">x^2</annotation>'
        "</semantics></math> is</p>",
        "",
        INLINE,
    ),
    "PlanetMath": (
        '<p>so <math id="p1.m1" class="ltx_Math" alttext="x^{2}" display="inline"><msup><mi>x</mi><mn>2</mn></msup>'
        "</math> is</p>",
        "",
        [("x^{2}", False)],
    ),
    "physicsforums, tags": ("<p>so [itex]x^2[/itex] and [tex]x^2[/tex]</p>", MATHJAX, [("x^2", False), ("x^2", True)]),
    "physicsforums, hashes": (
        "<p>so ##x^2## and</p><p>$$x^2$$</p>",
        "<script>MathJax = {tex: {inlineMath: [['##','##']], displayMath: [['$$','$$']]}}</script>" + MATHJAX,
        [("x^2", False), ("x^2", True)],
    ),
    "ar5iv": (
        '<table class="ltx_equation ltx_eqn_table"><tbody><tr class="ltx_eqn_row"><td class="ltx_eqn_cell">'
        '<math class="ltx_Math" alttext="x^{2}" display="block"><semantics><msup><mi>x</mi><mn>2</mn></msup>'
        '<annotation-xml encoding="MathML-Content"><apply><csymbol cd="x">superscript</csymbol></apply></annotation-xml>'
        '<annotation encoding="application/x-tex">x^{2}</annotation></semantics></math></td>'
        '<td class="ltx_eqn_eqno">(1)</td></tr></tbody></table>',
        "",
        [("x^{2}", True)],
    ),
    "PreTeXt": (
        '<div class="para">so <span class="process-math">\\(x^2\\)</span> is <div class="displaymath process-math">'
        "\\begin{equation*} x^2 \\end{equation*}</div></div>",
        MATHJAX,
        [("x^2", False), ("x^2", True)],
    ),
    "Discourse": ('<p>so <span class="math">x^2</span></p><div class="math">\nx^2\n</div>', "", [("x^2", False), ("x^2", True)]),
    "GitHub": (
        '<p>so <math-renderer class="js-inline-math" style="display: inline-block">$x^2$</math-renderer></p>'
        '<math-renderer class="js-display-math" style="display: block">$$x^2$$</math-renderer>',
        "",
        [("x^2", False), ("x^2", True)],
    ),
    "GitHub, old images": (
        '<p>so <img src="https://render.githubusercontent.com/render/math?math=x%5E2"></p>', "", INLINE,
    ),
    "GitLab": (
        '<p>so <code data-math-style="inline" class="code math js-render-math">x^2</code></p>'
        '<pre lang="math" data-math-style="display" class="js-render-math code math"><code>x^2</code></pre>',
        "",
        [("x^2", False), ("x^2", True)],
    ),
    "Khan exercise": (
        '<div class="exercise"><div class="problems"><p class="question">Solve <code>x^2</code></p></div></div>',
        '<script src="../khan-exercise.js"></script>',
        INLINE,
    ),
    "Wikipedia": (
        '<p>so <span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;">'
        '<math alttext="{\\displaystyle x^{2}}"><semantics><msup><mi>x</mi><mn>2</mn></msup>'
        '<annotation encoding="application/x-tex">{\\displaystyle x^{2}}</annotation></semantics></math></span>'
        '<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/abc" class="mwe-math-fallback-image-inline" '
        'alt="{\\displaystyle x^{2}}"></span> is</p>',
        "",
        [("x^{2}", False)],
    ),
    "StackExchange": (
        '<p>so <span class="math-container">$x^2$</span></p><p><span class="math-container">$$x^2$$</span></p>',
        MATHJAX,
        [("x^2", False), ("x^2", True)],
    ),
    "WordPress": (
        '<p>so <img src="https://s0.wp.com/latex.php?latex=x%5E2&#038;bg=ffffff&#038;fg=000&#038;s=0" alt="x^2" '
        'class="latex"> is</p>',
        "",
        INLINE,
    ),
    "codecogs with sizes": (
        '<p>so <img src="https://latex.codecogs.com/gif.latex?\\dpi{150}&space;\\bg_white&space;x^2"> is</p>', "", INLINE,
    ),
    "Google chart": ('<p>so <img src="https://chart.googleapis.com/chart?cht=tx&chl=x%5E2"> is</p>', "", INLINE),
    "QuickLaTeX": (
        '<p>so <img src="https://quicklatex.com/cache3/a/ql_a_l3.png" class="ql-img-inline-formula" alt="x^2" title="Rendered by QuickLaTeX.com"> is</p>',
        "",
        INLINE,
    ),
    "Moodle": (
        '<p>so <img class="texrender" src="https://m.example.org/filter/tex/pix.php/a.gif" alt="x^2" title="x^2"> is</p>', "", INLINE,
    ),
    "WIRIS": (
        '<p>so <img class="Wirisformula" src="a.png" alt="x squared" data-mathml="«math»«msup»«mi»x«/mi»«mn»2«/mn»«/msup»«/math»"> is</p>',
        "",
        [("x^{2}", False)],
    ),
    "LaTeX2HTML": (
        '<p>so <!-- MATH\n $x^2$\n -->\n<span class="MATH"><i>x</i><sup>2</sup></span> is</p>', "", INLINE,
    ),
    "Jupyter": ("<div class='text_cell_render'><p>so $x^2$ is</p>$$x^2$$</div>", DOLLARS, [("x^2", False), ("x^2", True)]),
    "CK-12": (
        '<p>so <img class="x-ck12-math" src="/flx/math/inline/x%5E2"> is</p>'
        '<p><img class="x-ck12-block-math" src="/flx/math/block/x%5E2" alt="x^2"></p>',
        "",
        [("x^2", False), ("x^2", True)],
    ),
    "TeX the World": ("<p>so [;x^2;] is</p>", "", INLINE),
    "bilibili": ('<p>so <img src="//api.example.com/x/mathjax/tex?formula=x%5E2"> is</p>', "", INLINE),
    "study.com": ("<p>so {eq}x^2 {/eq} is</p>", "", INLINE),
    "GeeksforGeeks": ("<p>so [Tex]x^2[/Tex] is</p>", "", INLINE),
    "edX": (
        "<p>so [mathjaxinline]x^2[/mathjaxinline] is</p><p>[mathjax]x^2[/mathjax]</p>",
        MATHJAX,
        [("x^2", False), ("x^2", True)],
    ),
    "AtCoder": (
        "<p>so <var>x \\leq y</var> with <var>x</var></p><pre><var>x</var></pre>",
        "",
        [("x \\leq y", False), ("x", False)],
    ),
    "R, help": (
        '<p>so <code class="reqn">x^2</code> is</p><p style="text-align: center;"><code class="reqn">x^2</code></p>',
        "",
        [("x^2", False), ("x^2", True)],
    ),
    "R, help rendered": (
        '<p>so <code class="reqn"><span class="katex"><span class="katex-mathml"><math><semantics><mi>x</mi>'
        '<annotation encoding="application/x-tex">x^2</annotation></semantics></math></span></span></code></p>',
        "",
        INLINE,
    ),
    "Math is Fun": (
        '<p>x = <span class="intbl"><em>x<sup>2</sup></em><strong>2</strong></span></p>',
        "",
        [("\\frac{x^2}{2}", False)],
    ),
    "Kattis": (
        "<p class='tex2jax_ignore'>pays $5 for <span class='tex2jax_process'>$x^2$</span></p>",
        DOLLARS,
        INLINE,
    ),
    "Substack": (
        '<p>so</p><div class="latex-rendered" data-attrs="{&quot;persistentExpression&quot;:&quot;x^2&quot;,&quot;id&quot;:&quot;A&quot;}">'
        "</div>",
        "",
        [("x^2", True)],
    ),
    "MathLive": ("<p>so <math-span>x^2</math-span></p><math-div>x^2</math-div>", "", [("x^2", False), ("x^2", True)]),
    "WordPress, KaTeX": (
        '<p>so <span class="katex-eq" data-katex-display="false">x^2</span></p>'
        '<span class="katex-eq" data-katex-display="true">x^2</span>',
        "",
        [("x^2", False), ("x^2", True)],
    ),
    "Quora": (
        '<p>so <span class="mathjax_ignore"><span class="MathJax" id="MathJax-Element-1-Frame"></span>'
        '<script type="math/tex" id="MathJax-Element-1">x^2</script> and $5</span></p>',
        "",
        [("x^2", False)],
    ),
    "reveal and Docusaurus": (
        '<p>so <span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
        '<semantics><mrow/><annotation encoding="application/x-tex">x^2</annotation></semantics></math></span></span></p>',
        "",
        DISPLAY,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "attrs", ["", "x", "[1]", "7", '{"persistentExpression": 7}', "[" * 100_000]
)
def test_substack_without_a_formula(attrs: str) -> None:
    """Whatever stands in the attribute, the page is read."""
    assert formulas(f"<p>so</p><div class='latex-rendered' data-attrs='{attrs}'></div>", "") == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_formulas_of_a_platform(name: str) -> None:
    """The formula comes out, once, as the site means it."""
    body, head, expected = PLATFORMS[name]
    if expected is None:
        expected = [("x^2", False), ("\\displaystyle x^2", False)]
    found = formulas(body, head)
    assert [(tex.replace("x^{2}", "x^2").strip(), mode) for tex, mode in found] == [
        (tex.replace("x^{2}", "x^2"), mode) for tex, mode in expected
    ] or _without_environment(found) == expected


def _without_environment(found: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    return [
        (tex.replace("\\begin{equation*}", "").replace("\\end{equation*}", "").strip(), mode)
        for tex, mode in found
    ]


CONFIGURED = {
    "MathJax 4 adds delimiters": (
        "<script>MathJax = {tex: {inlineMath: {'[+]': [['$', '$']]}}}</script>" + MATHJAX,
        "<p>a $n$ and \\(m\\)</p>",
        [("n", False), ("m", False)],
    ),
    "MathJax's own ignored class": (DOLLARS, "<p>$x$</p><p class='tex2jax_ignore'>$y$</p>", [("x", False)]),
    "MyST, which marks the whole document": (
        DOLLARS, "<section class='tex2jax_ignore mathjax_ignore'><p>设$x_1$为</p></section>", [("x_1", False)],
    ),
    "ignored, and processed inside": (
        DOLLARS,
        "<div class='mathjax_ignore'><p>$y$</p><p class='mathjax_process'>$x$</p></div>",
        [("x", False)],
    ),
    "KaTeX's ignored classes": (
        "<script>renderMathInElement(document.body, {ignoredClasses: ['nomath', \"raw\"], "
        "delimiters: [{left: '$', right: '$', display: false}]})</script>",
        "<p>$x$ <span class='nomath'>$y$</span></p><div class='raw'>$z$</div>",
        [("x", False)],
    ),
    "KaTeX auto-render, delimiters of its own": (
        "<script>renderMathInElement(document.body, {delimiters: [{left: '@@', right: '@@', display: true}, "
        "{display: false, right: '%%', left: '%%'}]})</script>",
        "<p>a %%x^2%% b @@y^2@@</p>",
        [("x^2", False), ("y^2", True)],
    ),
    "AsciiMath loaded by MathJax 3": (
        "<script>MathJax = {loader: {load: ['input/asciimath', 'output/chtml']}}</script>",
        "<p>so `sqrt x` is</p>",
        [("\\sqrt{x}", False)],
    ),
    "katex.render by id": (
        "",
        "<p><span id=a></span></p><script>katex.render(\"x^2\", a);</script>",
        [("x^2", False)],
    ),
    "katex.render by selector, raw": (
        "",
        "<p><span id=a></span></p><script>katex.render(String.raw`\\frac{a}{b}`, document.querySelector('#a'), "
        "{throwOnError: false, 'displayMode': !0});</script>",
        [("\\frac{a}{b}", True)],
    ),
    "macros of the page over those of packages": (
        "<script>MathJax = {tex: {macros: {R: '\\\\mathbb{R}', abs: ['\\\\lvert #1\\\\rvert', 1], P: '\\\\mathbb{P}'}}}"
        "</script>" + MATHJAX,
        "<p>\\(\\R\\), \\(\\abs{x}\\), \\(\\P(A)\\)</p>",
        [("\\mathbb{R}", False), ("\\lvert x\\rvert", False), ("\\mathbb{P}(A)", False)],
    ),
    "macros in a hidden formula between dollars": (
        DOLLARS,
        "<div style='display:none'>$\\newcommand{\\R}{\\mathbb R}\\def\\eps{\\varepsilon}$</div><p>$\\R\\eps$</p>",
        [("\\mathbb R\\varepsilon", False)],
    ),
    "numbers and names between dollars": (
        DOLLARS,
        "<p>values $0.5$, $1,000$, $(1, 2)$ and $A_{level(x)}^{rank(x)} = level(A) + rank(A)$, the $n$th</p>",
        [
            *[("0.5", False), ("1,000", False), ("(1, 2)", False)],
            *[("A_{level(x)}^{rank(x)} = level(A) + rank(A)", False), ("n", False)],
        ],
    ),
    "imath beside math": ("", "<p>[imath]x^2[/imath] and [math]y^2[/math]</p>", [("x^2", False), ("y^2", True)]),
    "WordPress between dollars": (
        "",
        "<p>so $latex x^2 $ and $latex y_1&s=2&fg=ff0000$ cost $5</p>",
        [("x^2", False), ("y_1", False)],
    ),
    "GitHub's backticks": ("", "<p><math-renderer>$`x^2`$</math-renderer></p>", [("x^2", False)]),
    "GitLab by style": (
        "",
        "<p>so <code data-math-style='inline'>a^2</code></p><pre data-math-style='display'><code>b^2</code></pre>",
        [("a^2", False), ("b^2", True)],
    ),
    "a fenced block of mathematics": (
        "", "<pre><code class='language-math'>x^2\n</code></pre>", [("x^2", True)],
    ),
    "Zhihu, on a line of its own": (
        "", "<p><img src='https://www.zhihu.com/equation?tex=x%5E2' alt='x^2\\\\' eeimg='1'></p>", [("x^2", True)],
    ),
    "Zhihu, a short paragraph": (
        "", "<p><img src='https://www.zhihu.com/equation?tex=x%5E2' alt='x^2' eeimg='1'></p>", [("x^2", False)],
    ),
    "Zhihu, lazy beside noscript": (
        "",
        "<p>so <noscript><img src='https://www.zhihu.com/equation?tex=x%5E2' alt='x^2'></noscript><img alt='x^2' "
        "src='data:image/svg+xml,x' data-actualsrc='https://www.zhihu.com/equation?tex=x%5E2'> is</p>",
        [("x^2", False)],
    ),
    "Jianshu, inline alone": (
        "",
        "<p><img class='math-inline' src='https://math.jianshu.com/math?formula=x%5E2' alt='x^2' mathimg='1'></p>",
        [("x^2", False)],
    ),
    "CSDN, image": ("", "<p>so <img src='https://latex.csdn.net/eq?x%5E%7B2%7D'> is</p>", [("x^{2}", False)]),
    "CSDN, KaTeX displayed by the outer class": (
        "",
        "<span class='katex--display'><span class='katex'><span class='katex-mathml'><math><semantics><mrow/>"
        "<annotation encoding='application/x-tex'>x</annotation></semantics></math></span></span></span>",
        [("x", True)],
    ),
    "a placeholder before the formula's address": (
        "", "<p>so <img src='/blank.gif' data-original='https://latex.codecogs.com/gif.latex?x^2'> is</p>", [("x^2", False)],
    ),
    "Sphinx, numbered picture": (
        "", "<div class='math'><p><span class='eqno'>(1)</span><img src='m.png' alt='x^2'/></p></div>", [("x^2", True)],
    ),
    "Quill": ("", "<p><span class='ql-formula' data-value='x^2'>x2</span></p>", [("x^2", False)]),
    "kramdown": ("", "<p><span class='kdmath'>$x^2$</span></p><div class='kdmath'>$$y$$</div>", [("x^2", False), ("y", True)]),
    "a field of MathLive": ("", "<p><math-field>x^2</math-field></p>", [("x^2", False)]),
    "a soft hyphen": (MATHJAX, "<p>\\(x\u00ad + y\\)</p>", [("x + y", False)]),
    "attributes without quotes, upper case": (
        "", "<P>so <SCRIPT TYPE=math/tex;mode=display>x^2</SCRIPT><IMG CLASS=latex ALT=y^2 SRC=y.png> is</P>",
        [("x^2", True), ("y^2", False)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGURED)
def test_formulas_as_the_page_declares_them(name: str) -> None:
    """Configuration, editors and picture services in the spellings that are met."""
    head, body, expected = CONFIGURED[name]
    document = extracted(body, head)
    assert [(f.tex.strip(), f.display) for f in document.formulas] == expected
    assert document.images == []


TRAPS = {
    "currency": "<p>It costs $5 now and $10 later, between $1.5 million and $2 million.</p>",
    "currency with words": "<p>A $100 bill, or US$200, gives a $50-$75 range ($3/day = $90).</p>",
    "shell": "<p>Set $HOME and $PATH, then run ${VAR} or $(pwd) and $1 or $2.</p>",
    "template": "<p>Hello ${user.name}, you owe ${amount} and {{ price | currency }}.</p>",
    "code": "<p>Use <code>$a^2$</code> or <code>\\(b\\)</code>.</p><pre>x = $c_1$ \\[d\\]</pre>",
    "script and style": "<script>var a = '$x^2$', b = '\\\\(y\\\\)';</script><style>.a{content:'$z^2$'}</style>",
    "e-mail": '<p>Write to <a class="__cf_email__" data-cfemail="a1b2">[email&#160;protected]</a> for $20 or $30_000.</p>',
    "PHP": "<p>In PHP $foo_bar and $baz_qux are variables; $this->x is one too.</p>",
    "jQuery": "<p>Call $('#id') or $.ajax, then $(this).</p>",
    "stock tickers": "<p>Buy $AAPL and $GOOG_L today.</p>",
    "textarea": "<textarea>$x^2$ \\(y\\)</textarea>",
    "prices in a table": "<table><tr><td>Item</td><td>$4.99</td></tr><tr><td>Other</td><td>$14.99</td></tr></table>",
    "prices with the sign behind": "<p>It cost 10$, 20$ or 30$ in all, 1,000$ at most.</p>",
    "paths": "<p>Set $HOME/bin:$PATH or $A;$B first.</p>",
    "handlebars": "<p>{{ $value }} {{$x}} and {{ $other }}</p>",
    "regular expression": "<p>It matches ^[a-z]+$ and (foo|bar)$ at the end.</p>",
}


@pytest.mark.parametrize("head", ["", MATHJAX, DOLLARS], ids=["plain", "library", "declared"])
@pytest.mark.parametrize("name", TRAPS)
def test_what_is_never_mathematics(name: str, head: str) -> None:
    """Amounts, variables, templates and code yield no formula, even where dollars are declared."""
    document = extracted(TRAPS[name], head)
    assert document.formulas == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>\\[ a +</p><p> b \\]</p>", [("a + b", True)]),
        ("<p>$$ a<br>= b<br />$$</p>", [("a\n= b", True)]),
        ("<p>\\begin{align} a &amp;= b \\\\<br> c &amp;= d \\end{align}</p>", None),
        ("<p>\\(a <b>+</b> b\\)</p>", [("a + b", False)]),
        ('<p>\\(a + <span class="ad" hidden>x</span>b\\)</p>', [("a + b", False)]),
        ("<div>$$</div><div>a+b</div><div>$$</div>", [("a+b", True)]),
    ],
)
def test_a_formula_is_never_split(body: str, expected: list[tuple[str, bool]] | None) -> None:
    """Paragraphs, line breaks, emphasis and hidden elements inside delimiters do not break a
    formula."""
    found = formulas(body, DOLLARS)
    if expected is None:
        assert len(found) == 1
        assert found[0][0].count("\\\\") == 1
    else:
        assert [(" ".join(tex.split()), mode) for tex, mode in found] == [
            (" ".join(tex.split()), mode) for tex, mode in expected
        ]


def test_skipped_tags_are_left_alone() -> None:
    """`skipTags`/`skipHtmlTags` of the page's configuration is honoured."""
    head = (
        "<script>MathJax = {tex: {inlineMath: [['$','$']]}, options: {skipHtmlTags: "
        "['script', 'blockquote', 'pre']}}</script>" + MATHJAX
    )
    assert formulas("<blockquote><p>not $x_1$</p></blockquote><p>but $y_1$</p>", head) == [
        ("y_1", False)
    ]


def test_three_forms_of_one_formula_are_one() -> None:
    """Rendered HTML, MathML and script of a formula yield it once."""
    body = (
        '<p>so <span class="MathJax_Preview">[math]</span><span class="MathJax_SVG" id="MathJax-Element-1-Frame" '
        'data-mathml="&lt;math&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;"><svg></svg><span class="MJX_Assistive_MathML">'
        '<math><mi>x</mi></math></span></span><script type="math/tex" id="MathJax-Element-1">x</script> is</p>'
    )
    assert formulas(body, MATHJAX) == [("x", False)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("sin<sup>2</sup><em>θ</em> + cos <em>θ</em>", "\\sin ^{2}θ+ \\cos θ"),
        ("max<sub><em>x</em> ∈ <em>X</em></sub><em>f</em>(<em>x</em>)", "\\max_{x ∈ X}f(x)"),
        ("<em>S</em> \\ {0}", "S \\setminus \\{0\\}"),
        ("<em>sin</em> + 3 min", "sin + 3 min"),
    ],
)
def test_upright_names_in_html_are_functions(body: str, expected: str) -> None:
    """Functions, set braces and set differences of formulas written in HTML become TeX."""
    found = formulas(f'<p>so <span class="math inline"><em>a</em>{body}</span> is</p>')
    assert len(found) == 1
    tex = found[0][0].replace("\\theta ", "θ").replace("\\in ", "∈ ")
    assert " ".join(tex.split()).replace("\\theta", "θ") == f"a{expected}"


def test_the_program_of_an_exercise_template_is_no_formula() -> None:
    """What calls functions or names constants of the template is recorded as failed; the formulas
    beside it, and names of points, are formulas."""
    source = (
        "<p>Solve <code>f(<var>x</var>) = 2</code>, <code>m \\angle ABC</code> and <code>"
        "<var>fraction( N, D )</var></code>, <code><var>FUNC.text</var></code>, "
        "<code>\\color{ORANGE}{<var>BEGIN_AMOUNT</var>}</code>.</p>"
    )
    document = extracted(source, '<script src="../khan-exercise.js"></script>')
    assert [f.tex for f in document.formulas if f.outcome == "valid"] == [
        "f(x) = 2",
        r"m \angle ABC",
    ]
    assert [f.reason for f in document.formulas if f.outcome == "failed"] == ["template_code"] * 3
    assert "fraction( N, D )" in document.text
