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
from infimm_spark.extract.formulas.mended import mended
from infimm_spark.extract.formulas.plausible import acceptable, dollars_proven, triples_proven
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.traits import Traits
from infimm_spark.extract.latex import is_tex
from infimm_spark.extract.latex.check import is_word
from infimm_spark.extract.latex.facts import ENVIRONMENTS, TEXT_ENVIRONMENTS


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
        self._library = traits.library
        self._kinds = _kinds(traits, dollar_texts)
        openings = sorted(self._kinds, key=len, reverse=True)
        # `\$…\$` may be declared: then it is no escape.
        escapes = [re.escape(opening) for opening in openings if opening.startswith("\\$")]
        alternatives = [re.escape(opening) for opening in openings if opening[:2] != "\\$"]
        self._environments = traits.environments
        self._start = re.compile(
            "|".join(
                [
                    *escapes,
                    r"\\\\(?![\[(])",
                    r"\\\$",
                    r"\\begin\s*\{([a-zA-Z]+)\*?\}",
                    *alternatives,
                ]
            )
        )
        self._trigger = re.compile("|".join([r"\\begin", r"\\\$", *alternatives]))

    def scan(self, text: str) -> str:
        r"""The text with every formula replaced by its mark and `\$` by `$`."""
        text = mended(text, self._library)
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
            if opening == "\\$" and opening not in self._kinds:
                pieces.append(text[copied : match.start()] + "$")
                copied = position
                continue
            if match[1] is not None:
                found = self._environment(text, match, absent)
            else:
                found = self._delimited(text, opening, position, absent)
            if found is None:
                if opening == "\\$":  # declared, and not closed: an escape after all
                    pieces.append(text[copied : match.start()] + "$")
                    copied = position
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
        if not acceptable(raw, kind.trust, after, kind.end):
            return None
        tex = as_tex(raw)
        if kind.trust < 2 and is_word(tex):
            return raw, end + len(kind.end)
        if len(tex) > 2 and tex[0] == tex[-1] == "`" and opening == "$":
            tex = tex[1:-1]  # GitLab and GitHub write $`x^2`$
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
        if not self._environments or not (
            name in ENVIRONMENTS or (self._library and name not in TEXT_ENVIRONMENTS)
        ):
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
                if name not in ENVIRONMENTS and not is_tex(raw):
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


def _kinds(traits: Traits, dollar_texts: list[str]) -> dict[str, _Kind]:
    proven = dollars_proven(dollar_texts, 1 if traits.library else 3)
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
    if triples_proven(dollar_texts, traits.library):
        # `$$$x$$$` and, displayed, `$$$$$$x$$$$$$`: their configuration may stand in a file of its
        # own
        kinds["$$$"] = _Kind("$$$", False, "triple-dollar", 1)
        kinds["$$$$$$"] = _Kind("$$$$$$", True, "triple-dollar", 1)
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
