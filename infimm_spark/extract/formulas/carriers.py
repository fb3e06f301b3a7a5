"""Every way in which pages carry formulas: one record a carrier, from which all else is derived.

The dispatch of elements, the evidence of formulas in a page's bytes, quick text, and what counts as
rendered mathematics are all read from `CARRIERS`. A new carrier is one record here and one reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.readers import (
    attributes,
    equation_images,
    generators,
    katex,
    mathjax,
    mathjye,
    mathml_elements,
    omml,
    platforms,
    script_elements,
)
from infimm_spark.extract.formulas.sources import Attributes, PageState

Reader = Callable[[LexborNode, Attributes, PageState], str | None]
"""Returns the text that replaces the element (a formula's mark, or ``""`` for a duplicate of one
that stands elsewhere), or None if the element bears no formula and is walked like any other."""


@dataclass(frozen=True, slots=True)
class Carrier:
    r"""One way in which pages carry formulas.

    `reader` reads elements with one of these `tags`, `classes` or `attributes`; None for what is read
    elsewhere (images by `images.py`, delimiters in text by `delimiters.py`). `example` is the smallest
    HTML that it reads. `signs` are RE2 patterns that find it in a page's bytes, beside those that
    follow from its names; `hides` says that its formulas leave nothing in the visible text. `quick` gives
    the TeX of such an element for quick text, cheaply; it is asked for elements of the carrier's tags.

    Elements that ordinary pages use (`ORDINARY`) say nothing by their names alone: a carrier that has
    no other name must bring signs. Raises ValueError for a carrier that nothing in the bytes shows.
    """

    name: str
    example: str
    reader: Reader | None = None
    tags: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    signs: tuple[bytes, ...] = ()
    hides: bool = False
    quick: Callable[[LexborNode], str | None] | None = None

    def __post_init__(self) -> None:
        telling = [tag for tag in self.tags if tag not in ORDINARY]
        if not (telling or self.classes or self.attributes or self.signs):
            raise ValueError(
                f"carrier {self.name!r}: expected signs that find it in a page's bytes"
            )


ORDINARY = frozenset({"code", "div", "img", "pre", "script", "span", "table", "var"})
"""Tags that say nothing of mathematics by themselves."""

# The TeX commands that tell a formula from a Windows path or an escape.
TELLING_COMMAND = (
    rb"(?:d?frac|sqrt|sum|prod|int|lim|math[a-z]|left|leq?|geq?|neq|in|to|infty|alpha|beta|theta"
    rb"|lambda|pi|sigma|mu|times|cdot|ldots|partial|nabla|text|begin\{|over)(?:[^a-z]|$)"
)

# A custom element named after mathematics: `math-renderer`, `tex-inline`, `d-math`, `i-math`.
CUSTOM_TAG = (
    r"[a-z0-9]*-?(?:[a-z0-9]+-)*(?:maths?|mathml|mathjax|i?tex|latex|katex|asciimath|equations?|eqn?|formulas?)"
    r"(?:-[a-z0-9]+)*"
)

CARRIERS: tuple[Carrier, ...] = (
    Carrier(
        "omml",
        "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>",
        omml.read_omml,
        tags=("m:omath", "m:omathpara"),
    ),
    Carrier(
        "mathml",
        "<math><mi>x</mi></math>",
        mathml_elements.read_math,
        tags=("math",),
        signs=(rb"<[A-Za-z]{1,8}:math",),
    ),
    Carrier(
        "math-script",
        '<script type="math/tex">x^2</script>',
        script_elements.read_script,
        tags=("script",),
        signs=(rb"math/(?:tex|latex|x-(?:la)?tex|asciimath|mml|mathml)",),
        hides=True,
        quick=script_elements.quick_source,
    ),
    Carrier(
        "mathjax-container",
        '<mjx-container data-latex="x^2"><mjx-math></mjx-math></mjx-container>',
        mathjax.read_container,
        tags=(rendered.MATHJAX_CONTAINER,),
    ),
    Carrier(
        "assistive-mathml",
        "<mjx-assistive-mml><math><mi>x</mi></math></mjx-assistive-mml>",
        mathml_elements.read_wrapper,
        tags=(rendered.ASSISTIVE_TAG,),
        classes=(rendered.ASSISTIVE_CLASS,),
    ),
    Carrier(
        "mathjax-output",
        '<span class="MathJax" data-mathml="<math><mi>x</mi></math>"></span>',
        mathjax.read_output,
        classes=rendered.MATHJAX_CLASSES,
    ),
    Carrier(
        "mathjax-preview",
        '<span class="MathJax_Preview">x</span><script type="math/tex">x^2</script>',
        mathjax.read_preview,
        classes=("MathJax_Preview",),
    ),
    Carrier(
        "katex",
        '<span class="katex"><math><mi>x</mi></math></span>',
        katex.read_katex,
        classes=rendered.KATEX_CLASSES,
    ),
    Carrier(
        "katex-display",
        '<span class="katex-display"><span class="katex"><math><mi>x</mi></math></span></span>',
        katex.read_display,
        classes=rendered.KATEX_DISPLAY_CLASSES,
    ),
    Carrier(
        "katex-error",
        '<span class="katex-error">x^2</span>',
        katex.read_error,
        classes=("katex-error",),
    ),
    Carrier(
        "wikimedia",
        '<span class="mwe-math-element"><math><mi>x</mi></math></span>',
        mathml_elements.read_wikimedia,
        classes=(rendered.WIKIMEDIA_CLASS,),
    ),
    Carrier(
        "html-math",
        '<span class="texhtml"><i>x</i><sup>2</sup></span>',
        platforms.read_html_math,
        classes=("texhtml",),
    ),
    Carrier(
        "math-tags",
        "<eq>x^2</eq>",
        platforms.read_raw,
        tags=("eq",),
    ),
    Carrier(
        "custom-elements",
        "<tex-inline>x^2</tex-inline>",
        attributes.read_custom,
        tags=(
            *("tex", "latex", "katex", "formula", "equation", "asciimath"),
            *("dmath", "imath", "inlinemath", "displaymath", "texmath", "mathtex"),
        ),
        signs=(rb"<(?i:" + CUSTOM_TAG.encode() + rb")[\s/>]",),
    ),
    Carrier(
        "math-classes",
        '<span class="math-container">x^2</span>',
        platforms.read_raw,
        classes=(
            "math-container",
            "math-tex",
            "mathjax-tex",
            "arithmatex",
            "process-math",
            "MathTex",
            "kdmath",
            "katex-eq",
            "js-render-math",
            "js-inline-math",
            "js-display-math",
            "code-math",
            "language-math",
            "mathquill-embedded-latex",
            "mq-selectable",
            "latex-inline",
            "latex-block",
            "latex-display",
            "tex-inline",
            "tex-display",
            "tex-block",
        ),
    ),
    Carrier(
        "ambiguous-classes",
        r'<span class="tex">\frac12</span>',
        platforms.read_ambiguous,
        classes=(
            "tex",
            "latex",
            "formula",
            "equation",
            "math-inline",
            "math-display",
            "math-block",
            "inline-math",
            "display-math",
            "inline-equation",
            "display-equation",
            "math-equation",
            "math-formula",
            "mathquill",
        ),
    ),
    Carrier(
        "pandoc",
        '<span class="math inline">x</span>',
        generators.read_math_class,
        classes=("math",),
    ),
    Carrier(
        "latex2html",
        '<span class="MATH"><i>x</i></span>',
        generators.read_latex2html,
        classes=("MATH", "mathdisplay", "displaymath"),
    ),
    Carrier(
        "latexml-group",
        '<table class="ltx_equationgroup"><tr class="ltx_eqn_row"><td><math alttext="x"></math></td>'
        '<td><math alttext="=y"></math></td></tr></table>',
        generators.read_latexml_group,
        classes=("ltx_equationgroup",),
    ),
    Carrier(
        "mathjax-element",
        "<mathjax>$x$</mathjax>",
        platforms.read_mixed,
        tags=("mathjax",),
    ),
    Carrier(
        "math-code",
        '<code class="language-math">x^2</code>',
        platforms.read_code,
        tags=("code",),
        signs=(rb"khan-exercise", rb"math-code", rb"data-math-style"),
    ),
    Carrier(
        "math-pre",
        '<pre class="math">x^2</pre>',
        platforms.read_pre,
        tags=("pre",),
        signs=(rb"lang=[\"']?math\b", rb"latex-math"),
    ),
    Carrier(
        "contest-variable",
        r"<var>1 \leq N</var>",
        platforms.read_var,
        tags=("var",),
        signs=(rb"<(?:var|VAR)>",),
    ),
    Carrier(
        "r-help",
        '<code class="reqn">n</code>',
        platforms.read_reqn,
        classes=("reqn",),
    ),
    Carrier(
        "stacked-fraction",
        '<span class="intbl"><em>1</em><strong>2</strong></span>',
        platforms.read_stacked,
        classes=("intbl",),
    ),
    Carrier(
        "asciimath-element",
        '<span class="asciimath">x^2</span>',
        platforms.read_asciimath,
        classes=("asciimath", "AM"),
    ),
    Carrier(
        "quill",
        r'<span class="ql-formula" data-value="\pi"></span>',
        attributes.read_value,
        classes=("ql-formula",),
        hides=True,
    ),
    Carrier(
        "substack",
        '<div class="latex-rendered" data-attrs="{&quot;persistentExpression&quot;:&quot;x^2&quot;}">'
        "</div>",
        attributes.read_substack,
        classes=("latex-rendered",),
        hides=True,
    ),
    Carrier(
        "tex-attribute",
        r'<span data-tex="\pi"></span>',
        attributes.read_attribute,
        attributes=(
            *attributes.CERTAIN,
            *attributes.LIKELY,
            attributes.LEXICAL,
            "data-asciimath",
        ),
    ),
    Carrier(
        "tex-attribute-with-commands",
        r'<span data-formula="\frac{1}{2}"></span>',
        signs=(rb"\sdata-[a-z-]{2,24}=[\"'][^\"'<>]{0,200}\\" + TELLING_COMMAND,),
        hides=True,
    ),
    Carrier(
        "mathml-attribute",
        '<span data-mathml="<math><mi>x</mi></math>"></span>',
        attributes.read_mathml_attribute,
        attributes=("data-mathml",),
        hides=True,
    ),
    Carrier(
        "mathjye",
        '<table class="MathJye"><tr><td>1</td></tr><tr><td>2</td></tr></table>',
        mathjye.read_mathjye,
        classes=("MathJye",),
        attributes=("mathtag",),
        hides=True,
    ),
    Carrier(
        "mathjye-table",
        '<table cellpadding="-1" cellspacing="-1"><tr><td style="border-bottom:1px solid">1</td></tr>'
        "<tr><td>2</td></tr></table>",
        mathjye.read_table,
        tags=("table",),
        signs=(rb"cell(?:padding|spacing)=[\"']?-1",),
        hides=True,
    ),
    Carrier(
        "katex-call",
        '<span id="a"></span><script>katex.render("x^2", document.getElementById("a"))</script>',
        signs=(rb"katex\.render\(",),
    ),
    Carrier(
        "equation-image",
        '<p><img src="https://latex.codecogs.com/gif.latex?x^2"></p>',
        tags=("img",),
        signs=(
            rb"math/render/",
            rb"codecogs[.]com/",
            rb"latex[.]php",
            rb"mimetex",
            rb"mathtex",
            rb"quicklatex",
            rb"equation[?]tex=",
            rb"cht=tx",
            rb"filter/tex/",
            rb"img/math/",
            rb"images/equations/",
            rb"/flx/math/",
            # an address that holds TeX, plain or encoded once or twice
            rb"(?i:src)=[\"']?[^\"'<>\s]*[^\"'<>\s\\](?:\\|%5[Cc]|%255[Cc])(?:frac|sqrt|sum|int|begin|left|math[a-z]"
            rb"|alpha|beta|gamma|delta|theta|lambda|mu|pi|sigma|phi|omega|infty|cdot|times|le|ge|ne|in|to|text)",
            rb"(?i:src)=[\"']?[^\"'<>\s]*[?&](?i:tex|latex|formula|equation|math|eq)=",
            rb"data-equation-content=",
            rb"[$](?:inline|display)[$]",
        ),
        hides=True,
    ),
    Carrier(
        "image-alt",
        r'<p><img src="a.png" alt="$x$" class="tex"></p>',
        tags=("img",),
        signs=(rb"(?:alt|ALT)=[\"']?\s*[$\\]",),
        quick=equation_images.quick_source,
    ),
    Carrier(
        "environments",
        r"<p>\begin{equation}x^2\end{equation}</p>",
        signs=(rb"\\begin\s*\{",),
    ),
    Carrier(
        "forum-tags",
        "<p>[tex]x^2[/tex]</p>",
        signs=(rb"\[(?:(?i:i?tex|latex|i?math|mathjaxinline|mathjax)\](?:[^/]|$)|;)", rb"\{eq\}"),
    ),
)

QUICK_SOURCES = {one.tags[0]: one.quick for one in CARRIERS if one.quick is not None}
"""Tag → the TeX that quick text takes from an element of that tag, or None."""
