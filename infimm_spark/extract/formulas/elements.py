"""Which elements bear a formula: dispatch by tag, class and attribute to the family that reads it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers import (
    attributes,
    generators,
    katex,
    mathjax,
    mathjye,
    mathml_elements,
    platforms,
    script_elements,
)
from infimm_spark.extract.formulas.sources import Attributes, Page

Reader = Callable[[LexborNode, Attributes, Page], str | None]
"""Returns the text that replaces the element (a formula's mark, or ``""`` for a duplicate of one that
stands elsewhere), or None if the element bears no formula and is walked like any other."""

TAGS: dict[str, Reader] = {
    "math": mathml_elements.read_math,
    "script": script_elements.read_script,
    "mjx-container": mathjax.read_container,
    "mjx-assistive-mml": mathml_elements.read_wrapper,
    "eq": platforms.read_raw,
    "tex-math": platforms.read_raw,
    "math-renderer": platforms.read_raw,
    "math-field": platforms.read_raw,
    "math-span": platforms.read_raw,
    "math-div": platforms.read_raw,
    "mathjax": platforms.read_mixed,
    "code": platforms.read_code,
    "pre": platforms.read_pre,
    "table": mathjye.read_table,
    "var": platforms.read_var,
}

CLASSES: dict[str, Reader] = {
    "katex": katex.read_katex,
    "katex-display": katex.read_display,
    "katex-block": katex.read_display,
    "katex-error": katex.read_error,
    "MathJax_Preview": mathjax.read_preview,
    "MathJax": mathjax.read_output,
    "MathJax_SVG": mathjax.read_output,
    "MathJax_CHTML": mathjax.read_output,
    "MathJax_PHTML": mathjax.read_output,
    "MathJax_PlainSource": mathjax.read_output,
    "MathJax_MathML": mathjax.read_output,
    "mjx-chtml": mathjax.read_output,
    "MathJax_Processing": mathjax.read_output,
    "MathJax_Processed": mathjax.read_output,
    "MathJax_Error": mathjax.read_output,
    "MJX_Assistive_MathML": mathml_elements.read_wrapper,
    "mwe-math-element": mathml_elements.read_wikimedia,
    "texhtml": platforms.read_html_math,
    "math-container": platforms.read_raw,
    "math-tex": platforms.read_raw,
    "mathjax-tex": platforms.read_raw,
    "arithmatex": platforms.read_raw,
    "process-math": platforms.read_raw,
    "MathTex": platforms.read_raw,
    "kdmath": platforms.read_raw,
    "katex-eq": platforms.read_raw,
    "reqn": platforms.read_reqn,
    "intbl": platforms.read_stacked,
    "ql-formula": attributes.read_value,
    "latex-rendered": attributes.read_substack,
    "js-render-math": platforms.read_raw,
    "js-inline-math": platforms.read_raw,
    "js-display-math": platforms.read_raw,
    "code-math": platforms.read_raw,
    "language-math": platforms.read_raw,
    "MATH": generators.read_latex2html,
    "mathdisplay": generators.read_latex2html,
    "displaymath": generators.read_latex2html,
    "ltx_equationgroup": generators.read_latexml_group,
    "math": generators.read_math_class,
    "tex": platforms.read_ambiguous,
    "latex": platforms.read_ambiguous,
    "formula": platforms.read_ambiguous,
    "equation": platforms.read_ambiguous,
    "math-inline": platforms.read_ambiguous,
    "math-display": platforms.read_ambiguous,
    "math-block": platforms.read_ambiguous,
    "inline-math": platforms.read_ambiguous,
    "display-math": platforms.read_ambiguous,
    "inline-equation": platforms.read_ambiguous,
    "display-equation": platforms.read_ambiguous,
    "mathquill": platforms.read_ambiguous,
    "mathquill-embedded-latex": platforms.read_raw,
    "mq-selectable": platforms.read_raw,
    "MathJye": mathjye.read_mathjye,
    "asciimath": platforms.read_asciimath,
    "AM": platforms.read_asciimath,
}

ATTRIBUTES: dict[str, Reader] = {
    "data-tex": attributes.read_attribute,
    "data-latex": attributes.read_attribute,
    "data-katex": attributes.read_attribute,
    "data-expr": attributes.read_attribute,
    "data-equation": attributes.read_attribute,
    "data-formula": attributes.read_attribute,
    "data-math": attributes.read_attribute,
    "data-math-content": attributes.read_attribute,
    "data-value-tex": attributes.read_attribute,
    "data-asciimath": attributes.read_attribute,
    "data-mathml": attributes.read_mathml_attribute,
    "mathtag": mathjye.read_mathjye,
}

_ATTRIBUTE_NAMES = frozenset(ATTRIBUTES)


@lru_cache(maxsize=16_384)
def readers_of(classes: str) -> tuple[Reader, ...]:
    """The readers of a class attribute; cached, since a page repeats few attributes many times."""
    return tuple(CLASSES[name] for name in classes.split() if name in CLASSES)


def read_element(node: LexborNode, tag: str, attrs: Attributes, page: Page) -> str | None:
    """The text that replaces a formula-bearing element, or None for any other element."""
    reader = TAGS.get(tag)
    if reader is not None:
        replacement = reader(node, attrs, page)
        if replacement is not None:
            return replacement
    classes = attrs.get("class")
    if classes:
        for reader in readers_of(classes):
            replacement = reader(node, attrs, page)
            if replacement is not None:
                return replacement
    if not _ATTRIBUTE_NAMES.isdisjoint(attrs):
        for name in attrs:
            reader = ATTRIBUTES.get(name)
            if reader is not None:
                replacement = reader(node, attrs, page)
                if replacement is not None:
                    return replacement
    if page.traits.rendered:
        return attributes.read_rendered(attrs, page)
    return None
