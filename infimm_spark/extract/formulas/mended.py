r"""Delimiters that a conversion damaged, put right before a text is searched for formulas.

Yen signs for backslashes (`¥(¥sqrt{2}¥)`), delimiters with two backslashes (`\\(x\\)`), and brackets
whose backslashes Markdown took off (a paragraph that is `[ \frac{1}{2} ]`).
"""

from __future__ import annotations

import re

from infimm_spark.extract.latex import is_tex

_YEN_PAIR = re.compile(
    r"([¥￥₩])(?:\(.{1,2000}?\1\)|\[.{1,2000}?\1\]|begin\s*\{.{1,2000}?\1end)", re.S
)
_DOUBLED = re.compile(
    r"(?<!\\)\\\\(?:\((?P<inline>(?:(?!\\\\[()\[\]]).){1,2000}?)(?<!\\)\\\\\)"
    r"|\[(?P<display>(?:(?!\\\\[()\]]).){1,4000}?)(?<!\\)\\\\\])",
    re.S,
)
_DOUBLED_COMMAND = re.compile(r"\\\\(?=[A-Za-z])")
_COMMAND = re.compile(r"(?<!\\)\\[A-Za-z]{2,}")
_BRACKETED = re.compile(r"\s*\[\s*([^$]{3,2000}?)\s*\]\s*\Z", re.S)


def mended(text: str, library: bool) -> str:
    """The text with damaged delimiters as they were; `library` says that the page typesets TeX."""
    if ("¥" in text or "￥" in text or "₩" in text) and (pair := _YEN_PAIR.search(text)):
        text = re.sub(rf"{pair[1]}(?=[A-Za-z()\[\]{{}},;:!|]|{pair[1]})", r"\\", text)
    if "\\\\(" in text or "\\\\[" in text:
        text = _DOUBLED.sub(_single, text)
    if library and "\\" in text and "[" in text[:40]:
        match = _BRACKETED.match(text)
        if match is not None and _is_one_formula(match[1]):
            return f"\\[{match[1]}\\]"
    return text


def _single(match: re.Match[str]) -> str:
    source: str = match["inline"] or match["display"]
    if source.count("\\begin") != source.count("\\end"):
        return match[0]  # the break of a row: `\\[2pt]`
    if _COMMAND.search(source) is None:  # commands were doubled as well
        source = _DOUBLED_COMMAND.sub(r"\\", source)
    return f"\\({source}\\)" if match["inline"] else f"\\[{source}\\]"


def _is_one_formula(source: str) -> bool:
    if _COMMAND.search(source) is None or "\\(" in source or "\\[" in source:
        return False
    depth = 0
    for char in source:
        depth += (char == "[") - (char == "]")
        if depth < 0:
            return False
    return depth == 0 and is_tex(source)
