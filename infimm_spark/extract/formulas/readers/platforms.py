"""Conventions of sites and generators: classes, tags and templates that hold TeX or HTML
mathematics."""

from __future__ import annotations

import re
import string

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.sources import (
    Attributes,
    PageState,
    children_of,
    class_of,
    plain_source,
    text_of,
    undelimited,
)
from infimm_spark.extract.latex import is_tex
from infimm_spark.extract.latex.check import is_formula, is_word
from infimm_spark.extract.latex.symbols import FUNCTIONS, PLAIN_TEX


def read_raw(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    r"""An element whose whole text is one formula, delimited or not (`.math-container`, `<eq>`).

    Left alone when it holds rendered mathematics, which has its own reader, or several formulas.
    """
    source = plain_source(node, page)
    if source is None:
        return None
    tex, display = undelimited(source)
    if not tex.strip() or is_word(tex):
        return None
    if display is None:
        if _DELIMITER.search(source):
            return None
        display = mode_of.of_element(node, attrs)
    return page.ledger.add(tex, display, "math-element")


def read_ambiguous(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """Classes such as `math` or `equation`, which sites also use for whole sections."""
    source = plain_source(node, page)
    if source is None or len(source) > 10_000:
        return None
    tex, display = undelimited(source)
    if display is None:
        if _DELIMITER.search(source):
            return None
        if node.css_first("sup, sub") is not None or not (
            is_tex(source) or _SINGLE.fullmatch(source.strip())
        ):
            return _read_html_formula(node, attrs, page, source)
        display = mode_of.of_element(node, attrs)
    return page.ledger.add(tex, display, "math-element")


def _read_html_formula(
    node: LexborNode, attrs: Attributes, page: PageState, source: str
) -> str | None:
    """`<p class="math">4.7 yr &rarr; T<sub>(min)</sub></p>`: a formula in plain HTML."""
    text = source.strip()
    if (
        "math" not in (attrs.get("class") or "").split()
        or len(text) > 200
        or _RELATION.search(text) is None
        or len(_PROSE.findall(text)) > 2
    ):
        return None
    return page.ledger.add(html_to_latex(node), mode_of.of_element(node, attrs), "html-math")


def read_mixed(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    r"""`<mathjax>`: TeX, delimited or bare, AsciiMath between hash signs or backticks, or prose whose
    delimited formulas are mathematics by declaration."""
    page.traits.library = True
    source = plain_source(node, page)
    if source is not None and ("#" in source or "`" in source) and "\\" not in source:
        replaced, count = _HASHED.subn(lambda match: _asciimath(match[1] or match[2], page), source)
        if count:
            return replaced
    if source is not None and _DELIMITER.search(source) is None and is_formula(source):
        return page.ledger.add(source, mode_of.of_element(node, attrs), "math-element")
    if page.traits.inline is None:
        page.traits.inline = [("$", "$"), ("\\(", "\\)")]
    return None


_HASHED = re.compile(r"#([^#]+)#|`([^`]+)`")


def _asciimath(source: str, page: PageState) -> str:
    try:
        return page.ledger.add(asciimath_to_latex(source), False, "asciimath")
    except ConversionError as error:
        return page.ledger.fail(str(error), False, "asciimath") + source


def read_asciimath(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`span.AM`, `.asciimath`: AsciiMath, between backticks or bare."""
    source = plain_source(node, page)
    if source is None:
        return None
    source = source.strip().strip("`").strip()
    if not source or len(source) > 2_000:
        return None
    return _asciimath(source, page)


# Groups that hold words or the name of a colour, and commands.
_TEX_WORD = re.compile(r"\\(?:color|text\w*|mathrm|mbox)\s*\{[^{}]*\}|\\[A-Za-z]+")
# In the template of an exercise: a call, a property, a string, a comparison, a constant. What a
# reader would see in its place only the template's program knows.
_PROGRAM = re.compile(
    r"[A-Za-z_]\w+\(|[A-Za-z_]\w*\.[A-Za-z_]|[\"?]|===?|&&|[A-Z]{5}|[A-Z]{2,}\d?_[A-Z]{2}"
)


def read_code(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`<code>` that is mathematics: Khan templates, and R Markdown's `<code>\\(x\\)</code>`."""
    classes = attrs.get("class") or ""
    if (
        "language-math" in classes
        or "code-math" in classes
        or "js-render-math" in classes
        or attrs.get("data-math-style")
    ):
        return read_raw(node, attrs, page)
    if page.traits.khan:
        source = text_of(node)
        if not source.strip() or class_of(node.parent) == "prettyprint":
            return None
        source = " ".join(source.split())
        if _PROGRAM.search(_TEX_WORD.sub(" ", source)):
            return page.ledger.fail("template_code", False, "khan-code") + source
        # `%` is JavaScript's remainder there, never a comment of TeX
        return page.ledger.add(source.replace("%", "\\%"), False, "khan-code")
    if page.traits.code_is_read:
        source = text_of(node).strip()
        if source.startswith(("\\(", "\\[", "$")):
            tex, display = undelimited(source)
            if display is not None and is_tex(source):
                return page.ledger.add(tex, display, "code")
    return None


def read_var(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`<var>1 \\leq N</var>`: TeX in the problems of programming contests."""
    source = text_of(node).strip() if page.traits.var_is_tex else ""
    return page.ledger.add(source, False, "var") if source else None


def read_reqn(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`<code class="reqn">`: the TeX of R's help pages, rendered or not; displayed where it is
    centred."""
    if node.css_first(".katex, math") is not None:
        rendered = node.css_first("annotation")
        source = rendered.text() if rendered is not None else None
    else:
        source = text_of(node)
    if not source or not source.strip():
        return None
    around = node.parent
    style = around.attributes.get("style") if around is not None and around.tag == "p" else None
    return page.ledger.add(source.strip(), "center" in (style or ""), "code")


def read_stacked(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`span.intbl`, Math is Fun's fraction: `<em>` over `<strong>`."""
    parts = [child for child in children_of(node) if child.tag in ("em", "strong")]
    if [part.tag for part in parts] != ["em", "strong"]:
        return None
    if not all(text_of(part).strip() for part in parts):
        return None
    return page.ledger.add(html_to_latex(node), False, "html-math")


def read_pre(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`<pre>` that is mathematics by its class or language (GitLab, wikis)."""
    classes = (attrs.get("class") or "").split()
    marked = "math" in classes or "js-render-math" in classes or "latex-math" in classes
    if not marked:
        child = node.first_child
        marked = child is not None and child.tag == "code" and "language-math" in class_of(child)
    if marked or attrs.get("lang") == "math" or attrs.get("data-math-style"):
        return page.ledger.add(undelimited(text_of(node))[0], True, "math-element")
    return None


def read_html_math(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`.texhtml`: Wikipedia's formulas in HTML with `<sup>`, `<sub>` and italic letters."""
    tex = html_to_latex(node)
    return page.ledger.add(tex, False, "html-math") if tex and not is_word(tex) else None


_HTML_SYMBOLS = str.maketrans(
    {
        **{
            char: f"{tex} " if tex[0] == "\\" and tex[-1].isalpha() else tex
            for char, tex in PLAIN_TEX.items()
            if len(char) == 1 and tex and not char.isspace()
        },
        **dict.fromkeys("\xa0\u2005\u2009\u200a\u202f", " "),
        **{sign: f"\\{sign}" for sign in "%#&$"},
        **{letter: letter for letter in string.printable if letter not in "%#&$"},
        "√": r"\surd ",
        "′": "'",
    }
)
_ROOT = re.compile(r"\\surd\s*\{")
_FRACTION = frozenset({"sfrac", "frac", "intbl"})


def html_to_latex(root: LexborNode) -> str:
    """LaTeX of HTML mathematics: scripts, Wikipedia's fractions and radicands, symbols."""
    pieces: list[str] = []
    todo: list[LexborNode | str] = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        tag = item.tag
        if tag == "-text":
            pieces.append(_html_text(item))
            continue
        if not item.is_element_node or tag in ("style", "script"):
            continue
        classes = class_of(item).split()
        if "sr-only" in classes or "visualhide" in classes:
            continue
        if tag in ("em", "strong") and "intbl" in class_of(item.parent).split():
            opening, closing = "{", "}"
        else:
            opening, closing = _brackets(tag or "", classes)
        if not opening and "border-top" in (item.attributes.get("style") or ""):
            opening, closing = "{", "}"  # the bar over a radicand
        pieces.append(opening)
        if closing:
            todo.append(closing)
        todo.extend(reversed(list(children_of(item))))
    return _ROOT.sub(r"\\sqrt{", " ".join("".join(pieces).split()))


def _html_text(node: LexborNode) -> str:
    """TeX of a run of text: symbols, set braces, and names of functions where they are upright."""
    text = node.text_content or ""
    if "\\" in text or "{" in text or "}" in text:
        if _TEX_COMMAND.search(text):
            return text.translate(_HTML_SYMBOLS)
        text = _LITERAL.sub(lambda match: _LITERALS[match[0]], text)
    text = text.translate(_HTML_SYMBOLS)
    parent = node.parent
    if parent is None or parent.tag not in ("i", "em", "var"):
        text = _UPRIGHT.sub(r"\\\g<0> ", text)
        following = node.next
        if following is not None and following.tag == "sub":
            text = _WITH_LIMITS.sub(r"\\\1", text)
    return text


_TEX_COMMAND = re.compile(r"\\[A-Za-z]")
# Functions that plain text also has as units and words: minutes, arguments, degrees.
_WORDS_TOO = frozenset(
    {"arg", "deg", "hom", "inf", "lg", "max", "min", "Pr", "sup", "injlim", "projlim"}
)
_LITERAL = re.compile(r"[\\{}]")
_LITERALS = {"\\": r"\setminus ", "{": r"\{", "}": r"\}"}
_UPRIGHT = re.compile(
    r"(?<![\\A-Za-z])(?:"
    + "|".join(sorted(FUNCTIONS - _WORDS_TOO, key=len, reverse=True))
    + r")(?![A-Za-z])"
)
# Without a limit `min` may be minutes.
_WITH_LIMITS = re.compile(r"(?<![\\A-Za-z])(max|min|sup|inf)\s*$")


def _brackets(tag: str, classes: list[str]) -> tuple[str, str]:
    if tag == "sup":
        return "^{", "}"
    if tag == "sub":
        return "_{", "}"
    if tag in ("b", "strong"):
        return r"\mathbf{", "}"
    if not _FRACTION.isdisjoint(classes):
        return r"\frac", ""
    if "num" in classes or "den" in classes:
        return "{", "}"
    if "radicand" in classes:
        return r"\sqrt{", "}"
    return "", ""


_RELATION = re.compile(r"[=<>≤≥≈≅≡→⇒∈±×]")
_PROSE = re.compile(r"[A-Za-z]{4,}")
_DELIMITER = re.compile(r"(?<!\\)\$|\\[(\[]")
_SINGLE = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?|[A-Za-z]\([A-Za-z]\)|[A-Za-z](?:,\s*[A-Za-z])+")
