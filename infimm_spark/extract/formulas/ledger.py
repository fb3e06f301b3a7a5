"""The formulas found on one page, from discovery to outcome: nothing found is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from infimm_spark.extract import marks
from infimm_spark.extract.document import Formula
from infimm_spark.extract.latex import Macro, check, clean, expand_macros
from infimm_spark.extract.latex.check import is_word
from infimm_spark.extract.latex.macros import without_definitions


class FormulaLedger:
    """Formulas in the order they were found; the text carries them as marks until the end.

    Macro definitions may stand anywhere on a page, so formulas are kept raw until `settle`.
    """

    def __init__(self) -> None:
        self._found: list[tuple[str, bool, str, str | None]] = []
        self.macros: dict[str, Macro] = {}
        self.unexpanded = False
        """Whether a formula uses macros that could not be expanded safely."""

    def add(self, tex: str, display: bool, encoding: str) -> str:
        """Record LaTeX (without delimiters) and return its mark; definitions leave no mark."""
        if not tex.isascii():
            tex = marks.visible_tex(tex)
        if "\\" in tex and _MAY_DEFINE.search(tex):
            tex, macros = without_definitions(_SETTING.sub("", tex))
            self.macros.update(macros)
        if tex.strip() in _NOTHING:
            return ""
        if encoding in _GUESSED and is_word(tex):
            return tex
        return self._mark(tex, display, encoding, None)

    def fail(self, reason: str, display: bool, encoding: str) -> str:
        """Record a formula that could not be turned into LaTeX and return its mark."""
        return self._mark("", display, encoding, reason)

    def ends_in_formula(self, children: Sequence[object]) -> bool:
        """Whether the last of a block's children that shows anything is a formula's mark."""
        return self._last(children) is not None

    def repeats(self, children: Sequence[object], mark: str) -> bool:
        """Whether a mark says again what the formula right before it says, given in another way: a
        renderer's input beside its output."""
        if mark[0] != marks.FORMULA or mark[-1] != marks.CLOSE or mark.count(marks.CLOSE) != 1:
            return False
        last = self._last(children)
        if last is None:
            return False
        tex, _, encoding, failure = self._found[int(mark[1:-1])]
        before, _, its_encoding, its_failure = self._found[last]
        return (
            encoding != its_encoding
            and failure is None
            and its_failure is None
            and _without_blanks(clean(tex)) == _without_blanks(clean(before))
        )

    def _last(self, children: Sequence[object]) -> int | None:
        for child in reversed(children):
            if not isinstance(child, str) or child.isspace():
                if isinstance(child, str):
                    continue
                return None
            return (
                int(child[1:-1])
                if child[:1] == marks.FORMULA and child.find(marks.CLOSE) == len(child) - 1
                else None
            )
        return None

    def settle(self, index: int) -> Formula:
        """The final formula behind a mark: cleaned, macros expanded, on one line if inline,
        checked."""
        tex, display, encoding, failure = self._found[index]
        if failure is not None:
            return Formula("", display, encoding, "failed", failure)
        settled = _settled if len(tex) <= _CACHED_LENGTH else _settled.__wrapped__
        tex, problem = settled(tex, display)
        if marks.has_reserved(tex):  # from references and macros of the formula itself
            tex = marks.cleared(tex)
        if not tex:
            return Formula("", display, encoding, "failed", "empty after cleaning")
        if self.macros and "\\" in tex:
            expanded = expand_macros(tex, self.macros)
            if expanded is None:
                self.unexpanded = True
            elif expanded != tex:
                tex = _layout(marks.cleared(expanded), display)
                problem = check(tex)
        return Formula(tex, display, encoding, "valid" if problem is None else "invalid", problem)

    def is_display(self, index: int) -> bool:
        """Whether the formula behind a mark is displayed."""
        return self._found[index][1]

    def _mark(self, tex: str, display: bool, encoding: str, failure: str | None) -> str:
        if marks.has_reserved(tex):
            tex = marks.cleared(tex)
        self._found.append((tex, display, encoding, failure))
        return f"{marks.FORMULA}{len(self._found) - 1}{marks.CLOSE}"

    def __len__(self) -> int:
        return len(self._found)


def _without_blanks(tex: str) -> str:
    return "".join(tex.split())


_CACHED_LENGTH = 300


@lru_cache(maxsize=8_192)
def _settled(tex: str, display: bool) -> tuple[str, str | None]:
    """A formula cleaned and laid out, and what is wrong with it; pages repeat their short ones."""
    tex = _layout(clean(tex), display)
    return tex, check(tex) if tex else None


# StackExchange opens and closes a group around a post, so that macros stay inside it.
# Encodings by which a word may be taken for a formula: it is text.
_GUESSED = frozenset(
    {"math-element", "html-math", "asciimath", "mathml", "mathjye", "omml", "code", "bbcode"}
)
_NOTHING = frozenset({"", "\\begingroup", "\\endgroup", "\\require{AMScd}", "null"})
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")
_LINES = re.compile(r"\s*\n\s*")
_TRAILING_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\$")


_DOLLAR = re.compile(r"(\\.)|\$", re.S)


def _without_dollars(tex: str) -> str:
    r"""`\text{if $x$}` as `\text{if \(x\)}`: the same to TeX, and the formula's end stays plain."""
    count = len([1 for match in _DOLLAR.finditer(tex) if match[1] is None])
    seen = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal seen
        if match[1] is not None:
            return match[1]
        seen += 1
        if seen == count and count % 2:
            return "\\$"
        return "\\(" if seen % 2 else "\\)"

    return _DOLLAR.sub(replaced, tex)


def _layout(tex: str, display: bool) -> str:
    """Blanks folded; an inline formula on one line, a display one without blank lines."""
    if not display or "\n" not in tex:
        folded = " ".join(tex.split())
    else:
        folded = _LINES.sub("\n", _BLANKS.sub(" ", tex)).strip()
    if "$" in folded:
        folded = _without_dollars(folded)
    # "\ " at the end is a control space whose blank was just stripped
    return folded + " " if _TRAILING_SLASH.search(folded) else folded


# Settings of the typesetter that say nothing by themselves.
_SETTING = re.compile(
    r"\\definecolor\s*\{[^{}]*\}\s*\{[^{}]*\}\s*\{[^{}]*\}|\\require\s*\{[^{}]*\}|\\setlength\s*\{[^{}]*\}\s*\{[^{}]*\}"
)
_MAY_DEFINE = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareMathOperator|DeclareRobustCommand|g?def|let|definecolor|require|setlength)"
    r"(?![a-zA-Z])\*?"
)
