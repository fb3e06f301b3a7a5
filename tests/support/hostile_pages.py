"""Random hostile HTML by structure, and a child process with limits that extracts it.

python tests/support/hostile_pages.py FIRST COUNT   prints the seed of each page before it is tried
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import time

from infimm_spark.errors import PageRejectedError
from infimm_spark.extract import extract_page, marks
from infimm_spark.extract.text import formulas_in

SECONDS = 10
"""Processor time that one page may take, on a busy machine."""
MEMORY = 3 << 30

_TAGS = (
    "p div span a b i em s del sup sub ul ol li dl dt dd table caption thead tbody tfoot tr td th "
    "pre code tt "
    "h1 h2 h6 blockquote figure figcaption img br hr section article aside nav footer form label "
    "q ruby rt rp "
    "font svg foreignObject title style math noscript template details summary select option x-y "
    "d-math "
    "mjx-container center textarea button iframe frameset body html plaintext xmp"
)
TAGS = _TAGS.split()
ATTRIBUTES = (
    *(
        'class="katex"',
        'class="katex-html"',
        'class="MathJax"',
        'class="math inline"',
        'class="math"',
    ),
    *(
        'class="formula"',
        'class="texhtml"',
        'class="MathJye"',
        'class="mwe-math-element"',
        'class="ltx_note"',
    ),
    *('class="footnote"', 'class="lineno"', 'class="line"', 'class="language-py"', 'class="intbl"'),
    *('mathtag="math"', 'data-tex="x_1"', "data-formula='\\frac{'", 'display="true"', "hidden"),
    *('style="vertical-align:super"', 'style="display:none"', 'style="text-decoration:overline"'),
    *(
        'style="font-family:Symbol"',
        'face="symbol"',
        'rowspan="3"',
        'colspan="0"',
        'rowspan="99999"',
    ),
    *(
        'start="7"',
        'value="-3"',
        "reversed",
        'type="I"',
        'role="presentation"',
        'href="#a"',
        'href="/b"',
    ),
    *(
        'src="a.png"',
        'src="/latex.php?tex=x%5E2"',
        'alt="\\alpha_{"',
        'id="comments"',
        'title="&#xe000;0"',
    ),
    *(
        'a="</div>"',
        "b='>'",
        'c="',
        "d",
        "=",
        "e=&#57344;1",
        'width="1e9"',
        'data-mathml="&lt;math&gt;"',
    ),
)
TEXTS = (
    *(
        "words of a sentence that goes on ",
        "x",
        "2",
        " ",
        "\n",
        "数学的公式",
        "\u00ad",
        "\u202e",
        "\x00",
        "\ufffd",
    ),
    *(
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\begin{align}",
        "\\end{align}",
        "$x^2$",
        "\\(a_1\\)",
        "`",
        "```",
    ),
    *(
        "\\",
        "{",
        "}",
        "\\frac",
        "\\left(",
        "\\sqrt[3]{x",
        "^",
        "_",
        "&",
        "%",
        "#",
        "|",
        "\\|",
        "~~",
        "\\text{$",
    ),
    *(
        "\\newcommand{\\f}[1]{#1#1}",
        "\\f{\\f{\\f{x}}}",
        "\\def\\g{\\g\\g}",
        "\\g",
        "{" * 40,
        "\\over" * 5,
        "^{" * 9,
    ),
    *(
        "\ue0000\ue003",
        "&#xe000;0&#xe003;",
        "&#&#57344;57344;",
        "&amp;#xe001;0",
        "\ue005",
        "\ue007",
        "\ue009",
    ),
    *(
        "&lt;",
        "&amp;lt;",
        "&nosuch;",
        "&#x110000;",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml",
        "<!DOCTYPE",
        "</",
    ),
    *("1. ", "- ", "> ", "# ", "---", "[tex]x[/tex]", "[1]", "$latex x$", "{eq}y{/eq}"),
)
PIECES = (
    '<script type="math/tex">x^{2}</script>',
    '<script type="math/tex; mode=display">\\frac{a}{b</script>',
    '<script type="math/mml"><math><mi>x</mi></math></script>',
    "<script>MathJax = {tex: {inlineMath: [['$','$']], macros: {f: ['#1', 1]}}};</script>",
    "<script>katex.render('\\\\ue000', document.getElementById('k'));</script>",
    "<math><mfrac linethickness=0><mn>1</mn><mi>x</mi></mfrac><msup><mi>a</mi></msup></math>",
    "<math><mtable><mtr><mtd><mn>1</mn><mtd><mn>2</mn></mtable><mstack>12</mstack></math>",
    "<math><semantics><mi>x</mi><annotation "
    "encoding='application/x-tex'>\\xi$</annotation></semantics>",
    '<span class="katex"><span class="katex-mathml"><math><mi>x</mi></math></span>'
    '<span class="katex-html"><span class="base"><span class="mord">x</span></span></span></span>',
    '<mjx-container jax="CHTML"><mjx-math><mjx-mfrac><mjx-c class="mjx-c1D465"></mjx-c></mjx-mfrac></mjx-math>',
    "<table><caption>c</caption><tr><th rowspan=2>a<th "
    "colspan=3>b<tr><td>1<td><ul><li>x<li>y</ul></table>",
    "<pre><code>a<sup>2</sup><br>b</code></pre>",
    "<textarea># Slide\n---\n$x$</textarea>",
    "<style>.c{vertical-align:super}</style><span class=c>2</span>",
    '<figure><img src="data:image/png;base64,AAAA"><img src=b.jpg><figcaption>$x$</figcaption></figure>',
)
CHARSETS = (
    "utf-8",
    "utf-8",
    "utf-8",
    "gb18030",
    "utf-16",
    "shift_jis",
    "big5",
    "latin-1",
    "euc-kr",
)


def hostile_page(seed: int) -> tuple[bytes, str | None]:
    """A page and its Content-Type, the same for the same seed."""
    choose = random.Random(seed)
    source = choose.choice(("", "<!doctype html>", "<html xmlns='http://www.w3.org/1999/xhtml'>"))
    charset = choose.choice(CHARSETS)
    if choose.random() < 0.4:
        source += f'<meta charset="{choose.choice((charset, charset, "x", "utf-7"))}">'
    if choose.random() < 0.4:
        source += PIECES[3]
    if choose.random() < 0.7:
        source += "<p>Words enough to be the text of a page, and a few more for its readers.</p>"
    source += _nodes(choose, choose.randint(1, 60))
    if choose.random() < 0.15:  # one piece again and again, inside itself
        piece = _nodes(choose, choose.randint(1, 3))
        source += piece * choose.randint(2, max(2, 20_000 // max(1, len(piece))))
    body = source.encode(charset, "replace")
    for _ in range(choose.choice((0, 0, 1, 5))):
        at, size = choose.randrange(len(body) + 1), choose.randint(1, 60)
        cut = choose.choice((b"", b"", bytes([choose.randrange(256)]), body[:size]))
        body = body[:at] + cut + body[at + size :]
    kind = choose.choice(
        (None, None, "text/html", f"text/html; charset={charset}", "text/html;charset=\x00")
    )
    return body, kind


def _nodes(choose: random.Random, count: int) -> str:
    pieces: list[str] = []
    open_tags: list[str] = []
    for _ in range(count):
        draw = choose.random()
        if draw < 0.4:
            tag = choose.choice(TAGS)
            attributes = "".join(
                " " + choose.choice(ATTRIBUTES) for _ in range(choose.choice((0, 0, 1, 2)))
            )
            pieces.append(f"<{tag}{attributes}{choose.choice(('>', '>', '>', '/>', ''))}")
            open_tags.append(tag)
        elif draw < 0.55 and open_tags:
            at = -1 if choose.random() < 0.8 else choose.randrange(len(open_tags))
            pieces.append(f"</{open_tags.pop(at)}>")
        elif draw < 0.7:
            pieces.append(choose.choice(PIECES))
        else:
            pieces.append(choose.choice(TEXTS))
    return "".join(pieces)


def check(seed: int) -> None:
    """Extract one page; AssertionError where what comes out does not agree with itself."""
    body, kind = hostile_page(seed)
    started = time.process_time()
    try:
        document = extract_page(body, url="https://example.org/a/b.html", content_type=kind)
    except PageRejectedError:
        return
    took = time.process_time() - started
    assert took < SECONDS, f"{took:.1f} s of processor time"
    text = document.text
    assert not marks.has_reserved(text), "a reserved character in the text"
    written = [(f.tex, f.display) for f in document.formulas if f.outcome != "failed"]
    read = [
        pair for segment in document.segments if segment.text for pair in formulas_in(segment.text)
    ]
    assert read == written, f"read {read} where {written} were written"
    for formula in document.formulas:
        assert formula.outcome in ("valid", "invalid", "failed")
        assert formula.reason or formula.outcome == "valid", "an outcome without its reason"
        assert not marks.has_reserved(formula.tex)
    for image in document.images:
        assert image.url.startswith(("http://", "https://"))


def main() -> None:
    first, count = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(first, first + count):
        print(seed, flush=True)
        signal.alarm(SECONDS * 6)  # a hang in C ends the child, and the last seed names the page
        check(seed)
    print("done", flush=True)


if __name__ == "__main__":
    main()
