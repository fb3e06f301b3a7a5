"""Whether what stands between delimiters is mathematics: money, shell variables and prose are
not."""

from __future__ import annotations

import re

from infimm_spark.extract import marks
from infimm_spark.extract.latex.symbols import FUNCTIONS, OPERATOR_NAMES

_EVIDENCE = re.compile(r"\\[a-zA-Z]+|\\[{},;:!|]|[\w)}\]|']\s*[\^_]\s*[\w{\\+\-*'(]|[\^_]\{")
_STRONG = re.compile(r"\\[a-zA-Z]{2,}|[\w)}\]|']\^[\w{\\+\-*]|[a-zA-Z)}]_(?:\{|\w\b|\\)")
_FORMULA_SIGN = re.compile(r"[\\^{}=]")
_TEXT_GROUP = re.compile(
    r"\\(?:text\w*|mbox|hbox|mathrm|mathit|mathsf|mathtt|mathbf|operatorname\*?|label|tag\*?|ref|eqref|begin|end)\s*\{[^{}]*\}"
    r"|\\[a-zA-Z]+"
)
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}(?![A-Za-z])")
# Words that stand in formulas beside the names of functions.
_FORMULA_WORDS = FUNCTIONS | OPERATOR_NAMES | {"and", "for", "otherwise"}
_PROSE = re.compile(
    r"(?<![^\s(,;])(?:and|or|to|the|for|is|are|of|in|with|per|from|by|at|on|that|this|you|was|it|million|billion"
    r"|thousand|each|off|USD|dollars?)(?![^\s),.;:!?])"
)
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MONEY = re.compile(r"\s*\d[\d,.]*\s*(?:[-–—/+~,;.:)]|k|K|M|m|B|bn)?\s*")
_NUMBER = re.compile(r"\s*\d+(?:[.,]\d+)*\s*")
# `10$, 20$` and `$HOME/bin:$PATH`: what stands between two prices, and before a variable
_PRICE_BEFORE = re.compile(r"[,;.]\s")
_PATH_END = re.compile(r"[/:.,;=\"']$")
_OPERATOR = re.compile(r"[=+*^_<>]|\\_")
_SIDE_BY_SIDE = re.compile(r"[A-Za-z]{2,}[ \t\n]+[A-Za-z]{2,}")
_CODE_LIKE = re.compile(r"^\s*[({\[]?\s*[\"'#.]|[;]\s*$|=>|&&|\|\||^\{|</|\$\{|^_[A-Z]+\[")


def acceptable(raw: str, trust: int, after: str, closing: str) -> bool:
    """Whether the source before a closing delimiter is a formula; `after` is the character behind
    it.

    `trust` is 2 for delimiters that mean mathematics by the page's word or by their nature, 1 where
    plausible content is needed, 0 where the content must prove it.
    """
    if not raw.strip() or marks.IMAGE in raw or marks.FORMULA in raw or marks.CODE in raw:
        return False
    if trust == 2:
        return True
    evidence = _EVIDENCE.search(raw) is not None
    if closing == "$" and after.isalpha() and raw[-1].isspace() and not _FORMULA_SIGN.search(raw):
        return False  # `$foo_bar and $baz`
    if closing == "$" and not evidence:
        # `$5 and $10`, `$HOME and $PATH`: the next dollar sign opens another amount or name
        if raw[-1].isspace() and (after.isalnum() or raw[0].isdigit()):
            return False
        if after.isdigit() or (_MONEY.fullmatch(raw) and not _NUMBER.fullmatch(raw)):
            return False
        if "{{" in raw or "}}" in raw:
            return False  # `{{ $value }} … {{ $other }}` of a template
        if _PRICE_BEFORE.match(raw) or (after.isalpha() and _PATH_END.search(raw)):
            return False
    if closing in ("$", "$$") and trust == 0 and not _proves(raw, closing):
        return False
    if not evidence and (_CJK.search(raw) or _PROSE.search(raw) or _CODE_LIKE.search(raw)):
        return False
    outside = _TEXT_GROUP.sub(" ", raw) if "\\" in raw else raw
    words = [word for word in _WORD.findall(outside) if word not in _FORMULA_WORDS]
    most = 4 + raw.count("\\") * 2 + len(raw) // 60 if evidence else 2
    # `fraction(A, B) = level(x)`: the words of a formula stand apart, those of a sentence side by
    # side
    return len(words) <= most or (
        _OPERATOR.search(raw) is not None and _SIDE_BY_SIDE.search(outside) is None
    )


def _proves(raw: str, closing: str) -> bool:
    return (
        _STRONG.search(raw) is not None
        and (closing == "$$" or not (raw[0].isspace() or raw[-1].isspace()))
        and _PROSE.search(_TEXT_GROUP.sub(" ", raw)) is None
        and _CODE_LIKE.search(raw) is None
    )


_DOLLAR_SPAN = re.compile(r"(?<![\\$])\$(?![\s$])([^$\n]{1,200})(?<!\s)\$(?!\d)")
# `设$n$为整数`: Latin letters and operators that touch Han, kana, hangul or their punctuation outside
_WIDE = "\u3001-\u3003\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff01-\uff0f\uff1a-\uff1f"
_SYMBOLS_AMONG_HAN = re.compile(
    rf"(?:[{_WIDE}]\s?\$([A-Za-z0-9+\-*/=<>(){{}}\[\]|,.'!^_ ]{{1,40}})\$(?![A-Za-z0-9])"
    rf"|(?<![A-Za-z0-9$\\])\$([A-Za-z0-9+\-*/=<>(){{}}\[\]|,.'!^_ ]{{1,40}})\$\s?[{_WIDE}])"
)
_TRIPLE = re.compile(r"(?<!\$)\$\$\$(?!\$)([^$]{1,300})\$\$\$(?!\$)")
_SIX = re.compile(r"(?<!\$)\${6}[^$]{1,300}\${6}(?!\$)")
_SHORT_SYMBOLS = re.compile(r"[^A-Za-z]*(?:[A-Za-z]{1,2}[^A-Za-z]+)*(?:[A-Za-z]{1,2})?")


def dollars_proven(texts: list[str], needed: int) -> bool:
    """Whether a page's texts hold enough dollar spans that can only be TeX: one where a library is
    loaded (its configuration may stand in a file of its own), else three, or two with commands.

    Single symbols prove as much where they stand among Han characters, which use no dollar
    signs."""
    proofs = 0
    for text in texts:
        for span in _DOLLAR_SPAN.finditer(text):
            if _STRONG.search(span[1]) and _proves(span[1], "$"):
                proofs += 2 if "\\" in span[1] else 1
                if proofs >= needed:
                    return True
        if _CJK.search(text):
            for span in _SYMBOLS_AMONG_HAN.finditer(text):
                source = span[1] or span[2]
                if _SHORT_SYMBOLS.fullmatch(source) and re.search(r"[A-Za-z]", source):
                    proofs += 1
                    if proofs >= needed:
                        return True
    return False


def triples_proven(texts: list[str], library: bool) -> bool:
    """Whether runs of three dollars delimit formulas here: `$$$` alone grades prices.

    One span that can only be TeX proves it, or two (one where a library is loaded) of short
    symbols.
    """
    short = 0
    for text in texts:
        if "$$$" not in text:
            continue
        if _SIX.search(text):
            return True
        for span in _TRIPLE.finditer(text):
            source = span[1].strip()
            if _STRONG.search(source) and _proves(source, "$$"):
                return True
            short += source != "" and _SHORT_SYMBOLS.fullmatch(source) is not None
    return short >= (1 if library else 2)
