"""What a page hides from its readers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.sources import Attributes, PageState, class_of, next_element
from infimm_spark.extract.names import PLAIN, verdict_of_classes, verdict_of_id

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
MATH_HINT = re.compile(r"\\\(|\\\[|\$\$|\\begin\{")
"""Signs of a delimited formula in text."""
INVISIBLE_CLASS = re.compile(
    r"(?:^|\s)(?:sr-only|sr_only|screen-?reader-only|hidden-readable|u-visually-hidden|visually-hidden|visuallyhidden|screen-reader-text|mw-editsection|jp-InputPrompt|jp-OutputPrompt|input_prompt|output_prompt|mw-cite-backlink|headerlink|anchor-link|"
    r"assistive|line-numbers-wrapper|lang|skip-?link|skip-?nav|skip-to-(?:main|content|main-content)|line-numbers-rows|lineno|linenos|"
    r"gutter|d-print-only|noprint|headeranchor|haiku-anchor|ltx_note_mark|ltx_tag_note|ltx_note_type|margin-toggle|"
    r"footnote-back(?:ref)?|reversefootnote|input-output-copier|copy-?(?:btn|button)|btn-copy|clipboard-copy)(?:\s|$)"
)
"""Classes of what is for screen readers, for paper or for editors."""
TEMPLATE_CODE = frozenset(
    "vars graphie guess validator-function show-guess show-guess-solution example".split()  # noqa: SIM905
)
"""Classes of JavaScript in Khan exercise templates."""


def is_only_source(node: LexborNode, before: Sequence[object], page: PageState) -> bool:
    """Whether an element for screen readers holds a formula that nothing beside it shows.

    `before` are the children of its block so far.
    """
    if (
        MATH_HINT.search(node.text() or "") is None
        and node.css_first(f"math, {rendered.MATH_SCRIPT}") is None
    ):
        return False
    following = next_element(node)
    return not page.ledger.ends_in_formula(before) and (
        following is None
        or (
            rendered.BEARER_CLASS.search(class_of(following)) is None
            and following.tag not in rendered.BEARER_TAGS
        )
    )


def is_invisible_by_class(node: LexborNode, classes: str) -> bool:
    """Whether one of `INVISIBLE_CLASS` means it here: a gutter that holds words is a page's."""
    if (node.text() or "").strip() in _SLASHES:
        return False  # between the numbers of a fraction
    if classes.strip() == "lang" or classes.startswith("lang "):
        # VitePress shows the name of a code block's language above it.
        return "language-" in class_of(node.parent)
    if "gutter" in classes or "noprint" in classes:
        return _WORD.search((node.text() or "")[:_LEAST_PAGE]) is None
    return True


_SLASHES = ("/", "\u2044")
_WORD = re.compile(r"[^\W\d_]{2}")
_LEAST_PAGE = 500
"""Characters that are a page's text, hidden only until a script has run."""


def is_hidden(
    attrs: Attributes, node: LexborNode, page: PageState, before: Sequence[object]
) -> bool:
    """Hidden by markup, and no mathematics inside (definitions of macros are read all the same).

    `before` are the children of its block so far: the source of the formula right before is hidden.
    """
    if "hidden" not in attrs or attrs["hidden"] == "until-found":
        style = attrs.get("style")
        if style is None or _HIDDEN.search(style) is None:
            return False
    if _is_answer(attrs) or (node.tag == "section" and _is_slide(node)):
        return False
    text = node.text() or ""
    if (
        len(text) >= _LEAST_PAGE
        and node.css_first("main, article, h1") is not None
        and not _is_window(attrs)
    ):
        return False  # the page itself, which a script shows as soon as it is ready
    if _ONE_FORMULA.fullmatch(text) is not None and page.ledger.ends_in_formula(before):
        return True
    return not (
        MATH_HINT.search(text)
        or "\\newcommand" in text
        or (page.traits.khan and text)
        or node.css_first(rendered.SELECTOR) is not None
    )


_ONE_FORMULA = re.compile(
    r"\s*(?:\\\((?:(?!\\\)).){1,500}\\\)|\\\[(?:(?!\\\]).){1,500}\\\])\s*", re.S
)


def _is_window(attrs: Attributes) -> bool:
    """A cookie banner, a dialog, a menu."""
    return (
        attrs.get("role") in ("dialog", "alertdialog", "menu")
        or "aria-modal" in attrs
        or verdict_of_classes(attrs.get("class") or "") != PLAIN
        or verdict_of_id(attrs.get("id") or "") != PLAIN
    )


_SLIDE = re.compile(r"(?:^|\s)(?:past|future|present|slide|slides)(?:\s|$)")


def _is_slide(section: LexborNode) -> bool:
    """A slide before or after the one that was shown as the page was saved."""
    return (
        _SLIDE.search(class_of(section)) is not None
        or _SLIDE.search(class_of(section.parent)) is not None
    )


_ANSWER = re.compile(
    r"(?:^|[\s_-])(?:soln|solutions?|answers?|hints?|proofs?|spoilers?|explanations?|collapsible|unfolded|accordion|loesung|lösung|jawaban|corrige)(?:$|[\s_\d-])",
    re.I,
)


def _is_answer(attrs: Attributes) -> bool:
    """Whether a hidden element is what a reader opens: the solution of an exercise, a hint, a
    proof."""
    names = f"{attrs.get('class') or ''} {attrs.get('id') or ''}"
    return _ANSWER.search(names) is not None and _AT_EDGE.search(names) is None


_AT_EDGE = re.compile(r"banner|cookie|menu|nav(?![a-z])|navigation|sidebar|filter", re.I)
"""What opens at the edge of a page with the same parts: an authority's banner, a menu."""
