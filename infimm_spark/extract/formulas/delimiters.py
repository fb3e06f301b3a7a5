r"""Formulas delimited in text: `\(…\)`, `$…$`, `\begin{align}…`, `[tex]…[/tex]`, and what the page declares.

A page's own configuration says which delimiters count. Where it says nothing, `\(…\)`, `\[…\]` and
environments do, and dollars do only when their content proves it. Currency and shell variables are
text even where dollars are declared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infimm_spark.extract import marks, scripts
from infimm_spark.extract.formulas.ledger import FormulaLedger
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.traits import Traits
from infimm_spark.extract.latex.facts import ENVIRONMENTS
from infimm_spark.extract.latex.symbols import FUNCTIONS, OPERATOR_NAMES


@dataclass(frozen=True, slots=True)
class _Kind:
    end: str
    display: bool
    encoding: str
    trust: int
    """2: delimits mathematics by the page's word or by its nature; 1: plausible content needed;
    0: content must prove it."""


class DelimiterScanner:
    """Replaces delimited formulas in runs of text by their marks."""

    def __init__(self, traits: Traits, ledger: FormulaLedger, dollar_texts: list[str]) -> None:
        self._ledger = ledger
        self._kinds = _kinds(traits, _dollars_proven(dollar_texts, 1 if traits.library else 3))
        openings = sorted(self._kinds, key=len, reverse=True)
        alternatives = [re.escape(opening) for opening in openings]
        self._environments = traits.environments
        self._start = re.compile(
            "|".join([r"\\\\(?![\[(])", r"\\\$", r"\\begin\s*\{([a-zA-Z]+)\*?\}", *alternatives])
        )
        self._trigger = re.compile("|".join([r"\\begin", r"\\\$", *alternatives]))

    def scan(self, text: str) -> str:
        r"""The text with every formula replaced by its mark and `\$` by `$`."""
        if self._trigger.search(text) is None:
            return text
        pieces: list[str] = []
        position = copied = 0
        absent: dict[str, int] = {}
        while True:
            match = self._start.search(text, position)
            if match is None:
                break
            opening = match[0]
            position = match.end()
            if opening == "\\\\":
                continue
            if opening == "\\$":
                pieces.append(text[copied : match.start()] + "$")
                copied = position
                continue
            if match[1] is not None:
                found = self._environment(text, match, absent)
            else:
                found = self._delimited(text, opening, position, absent)
            if found is None:
                continue
            mark, end = found
            pieces.append(text[copied : match.start()])
            pieces.append(mark)
            position = copied = end
        pieces.append(text[copied:])
        return "".join(pieces)

    def _delimited(
        self, text: str, opening: str, start: int, absent: dict[str, int]
    ) -> tuple[str, int] | None:
        kind = self._kinds[opening]
        end = _find_end(text, kind.end, start, absent)
        if end < 0:
            return None
        raw = text[start:end]
        after = text[end + len(kind.end) : end + len(kind.end) + 1]
        if not _acceptable(raw, kind.trust, after, kind.end):
            return None
        tex = as_tex(raw)
        if opening == "$latex ":
            tex = _WORDPRESS_OPTIONS.sub("", tex)
        return self._record(tex, kind), end + len(kind.end)

    def _record(self, tex: str, kind: _Kind) -> str:
        if kind.encoding != "asciimath":
            return self._ledger.add(tex, kind.display, kind.encoding)
        try:
            return self._ledger.add(asciimath_to_latex(tex), kind.display, kind.encoding)
        except ConversionError as error:
            return self._ledger.fail(str(error), kind.display, kind.encoding)

    def _environment(
        self, text: str, match: re.Match[str], absent: dict[str, int]
    ) -> tuple[str, int] | None:
        name = match[1]
        if not self._environments or name.rstrip("*") not in ENVIRONMENTS:
            return None
        opening = match[0]
        closing = "\\end" + opening[len("\\begin") :]  # TeX4ht writes `\end {align}` as it began
        position = match.end()
        depth = 1
        for _ in range(50):
            end = _find(text, closing, position, absent)
            if end < 0 or end - match.end() > _LONGEST:
                return None
            depth += text.count(opening, position, end) - 1
            position = end + len(closing)
            if depth <= 0:
                raw = text[match.start() : position]
                if marks.IMAGE in raw or marks.FORMULA in raw or marks.CODE in raw:
                    return None
                return self._ledger.add(as_tex(raw), True, "environment"), position
        return None


def as_tex(raw: str) -> str:
    """Marks inside a formula's source become the TeX they came from."""
    if marks.BREAK in raw:
        raw = raw.replace(marks.BREAK, "\n")
    if scripts.has_scripts(raw):
        raw = scripts.as_tex(raw)
    return raw.replace(marks.EMPHASIS, "_") if marks.EMPHASIS in raw else raw


def _kinds(traits: Traits, proven: bool) -> dict[str, _Kind]:
    sure = 2 if traits.library else 1
    kinds = {
        "\\(": _Kind("\\)", False, "paren", sure),
        "\\[": _Kind("\\]", True, "bracket", sure),
    }
    for tag in ("tex", "latex", "math", "itex", "mathjaxinline"):
        for name in {tag, tag.upper(), tag.capitalize()}:
            kinds[f"[{name}]"] = _Kind(f"[/{name}]", False, "bbcode", 1)
    kinds["[mathjax]"] = _Kind("[/mathjax]", True, "bbcode", 1)  # edX, as `[mathjaxinline]`
    kinds["[;"] = _Kind(";]", False, "bbcode", 1)  # "TeX the World", for sites without a renderer
    kinds["{eq}"] = _Kind("{/eq}", False, "bbcode", 1)  # study.com
    if traits.itex:
        kinds["[tex]"] = _Kind("[/tex]", True, "bbcode", 1)
    if traits.imath:
        kinds["[imath]"] = _Kind("[/imath]", False, "bbcode", 1)
        kinds["[math]"] = _Kind("[/math]", True, "bbcode", 1)
    kinds["$latex "] = _Kind("$", False, "dollar", 1)
    kinds["$$"] = _Kind("$$", True, "double-dollar", 1 if traits.library or proven else 0)
    kinds["$"] = _Kind("$", False, "dollar", 1 if proven else 0)
    for pairs, display in ((traits.display, True), (traits.inline, False)):
        for left, right in pairs or ():
            if left.startswith("\\begin"):
                continue
            encoding = _NAMES.get(left, "declared-delimiter")
            trust = 1 if left[0] == "$" or len(left) == 1 else 2
            kinds[left] = _Kind(right, display, encoding, trust)
    for left, right in traits.asciimath:
        kinds[left] = _Kind(right, False, "asciimath", 2)
    return kinds


_NAMES = {"$": "dollar", "$$": "double-dollar", "\\(": "paren", "\\[": "bracket"}
# `$latex x^2&s=2&fg=ff0000$`: size and colours of the picture
_WORDPRESS_OPTIONS = re.compile(r"(?:&(?:s|fg|bg)=-?\w+)+\s*$")
_LONGEST = 20_000
_LONGEST_DOLLAR = 3_000
_MOST_ENDS = 40


def _find(text: str, sought: str, start: int, absent: dict[str, int]) -> int:
    """`text.find` that looks only once for what is not there."""
    if absent.get(sought, len(text) + 1) <= start:
        return -1
    found = text.find(sought, start)
    if found < 0:
        absent[sought] = start
    return found


_BRACE = re.compile(r"\\.|[{}]", re.S)


def _find_end(text: str, closing: str, start: int, absent: dict[str, int]) -> int:
    """Where the closing delimiter stands at brace depth 0; failing that, its first place; or -1."""
    longest = _LONGEST_DOLLAR if closing == "$" else _LONGEST
    first = -1
    depth = 0
    scanned = position = start
    for _ in range(_MOST_ENDS):
        end = _find(text, closing, position, absent)
        if end < 0 or end - start > longest:
            break
        if closing[0] == "$" and _escaped(text, end, start):
            position = end + 1
            continue
        if first < 0:
            first = end
        for brace in _BRACE.finditer(text, scanned, end):
            if brace[0] == "{":
                depth += 1
            elif brace[0] == "}":
                depth -= 1
        if depth <= 0:
            return end
        scanned = end
        position = end + len(closing)
    return first


def _escaped(text: str, at: int, start: int) -> bool:
    slashes = 0
    while at - slashes - 1 >= start and text[at - slashes - 1] == "\\" and slashes < 8:
        slashes += 1
    return slashes % 2 == 1


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


def _acceptable(raw: str, trust: int, after: str, closing: str) -> bool:
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
    # `fraction(A, B) = level(x)`: the words of a formula stand apart, those of a sentence side by side
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


def _dollars_proven(texts: list[str], needed: int) -> bool:
    """Whether a page's texts hold enough dollar spans that can only be TeX: one where a library is
    loaded (its configuration may stand in a file of its own), else three, or two with commands."""
    proofs = 0
    for text in texts:
        for span in _DOLLAR_SPAN.finditer(text):
            if _STRONG.search(span[1]) and _proves(span[1], "$"):
                proofs += 2 if "\\" in span[1] else 1
                if proofs >= needed:
                    return True
    return False
