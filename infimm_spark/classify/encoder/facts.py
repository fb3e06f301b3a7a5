"""Facts of a page's text, as numbers: what a sentence encoder does not see.

An encoder reads a few windows of prose. How many formulas there are, where they stand, whether they
lie in connected prose, how much is code, lists or repetition – that is counted over the whole text.
Lengths are logarithms, shares lie in [0, 1], rates are per thousand words; Chinese characters count
as `Language.english_chars` English ones, so that one measure serves all languages.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from infimm_spark.classify.features import Formula, field_counts, formulas_of
from infimm_spark.languages import CHINESE, language_of

FACTS_VERSION = 1
"""Raised whenever `page_facts` gives other numbers or names; encoder judges carry the one they
need."""

MAX_CHARS = 60_000
"""Characters of a text that are looked at."""

_FORMULA_MARK = "\x01"
_PROSE_CHARS = 80  # a line of so many English characters with the end of a sentence is prose
_SHORT_CHARS = 40  # a shorter line without a formula is a menu's, a list's or a heading's
_TRIVIAL_CHARS = 3  # `$x$`
_LONG_CHARS = 25

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"')]|$)|[。！？；]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’][a-z]+)?|[\u3400-\u9fff]")
_RELATION = re.compile(
    r"[=<>≤≥≠∈→⇒≈]|\\(?:leq?|geq?|neq?|in|to|equiv|approx|sim|implies|iff|Rightarrow|subset\w*|mid"
    r"|rightarrow|cong|propto)\b"
)
_ADVANCED = re.compile(
    r"\\(?:int|sum|prod|lim|frac|partial|nabla|sqrt|mathbb|mathcal|forall|exists|infty|begin)\b"
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_SYMBOL = re.compile(r"[\u2200-\u22ffα-ωΓ-Ω²³¹√±×÷]")
_PLAIN_EQUATION = re.compile(r"[A-Za-z0-9)\]]\s?[=≤≥<>]\s?[-A-Za-z0-9(√\\]")  # `x = 3` in prose
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s")
_LINK = re.compile(r"https?://|www\.")
# Words that join the steps of an argument.
_REASONING_ENGLISH = re.compile(
    r"\b(?:thus|therefore|hence|then|since|because|suppose|let|assume|if|so that|implies|follows"
    r"|we (?:have|get|obtain|see|can|know|find|note|need|define)|given|denote|consider|prove"
    r"|show that|that is|recall|note that|where|substitut\w*|equation|in other words"
    r"|for (?:all|every|each|any|some)|there (?:is|exists?)|which (?:means|gives|is))\b",
    re.IGNORECASE,
)
_REASONING_CHINESE = re.compile(
    r"因此|所以|因为|由于|则|即|设|若|假设|令|故|从而|可得|得到|我们|证明|如果|那么|根据|由此|显然"
    r"|其中|满足|推出|等价|记|对于|存在|任意|考虑|求|解"
)
# Headings of worked mathematics: `Example 3.`, `**Proof**`, `解：`.
_MARK = re.compile(
    r"^\s*(?:#{1,6}\s*)?\*{0,2}(?:(?P<en>example|solution|proof|theorem|lemma|definition|exercise"
    r"|problem|corollary|proposition|remark|answer|question|step|case|claim)s?\b"
    r"|(?P<zh>例|解|证明|证|定理|引理|定义|推论|命题|习题|练习|题目|答案|性质|注|思路|分析))",
    re.IGNORECASE | re.MULTILINE,
)


def page_facts(text: str, language: str) -> dict[str, float]:
    """Name to value, the same names in the same order for every text; never raises."""
    text = text[:MAX_CHARS]
    scale = language_of(language).english_chars
    formulas = formulas_of(text)
    masked = _masked(text, formulas)
    prose = _CODE.sub(" ", masked)
    chinese = language_of(language) is CHINESE
    reasoning = _REASONING_CHINESE if chinese else _REASONING_ENGLISH
    length = len(text)
    return {
        "text length": math.log1p(length * scale),
        "chinese": float(chinese),
        **_formula_facts(formulas, length, scale),
        **_line_facts(_lines(prose, scale, reasoning), length * scale),
        **_word_facts(masked, reasoning),
        **_sign_facts(masked, prose, length),
        **_field_facts(masked, language),
    }


def _masked(text: str, formulas: Sequence[Formula]) -> str:
    """The text with a mark in the place of each formula."""
    parts = []
    end = 0
    for formula in formulas:
        parts += [text[end : formula.start], f" {_FORMULA_MARK} "]
        end = formula.end
    return "".join([*parts, text[end:]])


def _formula_facts(formulas: Sequence[Formula], length: int, scale: int) -> dict[str, float]:
    count = len(formulas)
    bodies = [formula.body for formula in formulas]
    chars = sum(map(len, bodies))
    displayed = [formula.body for formula in formulas if formula.display]
    relations = sum(_RELATION.search(body) is not None for body in bodies)
    trivial = sum(len(body.strip()) <= _TRIVIAL_CHARS for body in bodies)
    commands = {command for body in bodies for command in _COMMAND.findall(body)}
    tenths = {10 * formula.start // (length + 1) for formula in formulas}
    several = {body.strip() for body in bodies if len(body.strip()) > _TRIVIAL_CHARS}
    return {
        "formulas": math.log1p(count),
        "displayed formulas": math.log1p(len(displayed)),
        "formulas with a relation": math.log1p(relations),
        "formulas of more than a symbol": math.log1p(count - trivial),
        "formulas with advanced commands": math.log1p(
            sum(_ADVANCED.search(body) is not None for body in bodies)
        ),
        "long formulas": math.log1p(sum(len(body) >= _LONG_CHARS for body in bodies)),
        "share of text in formulas": chars / (length + 1),
        "share of text in displayed formulas": sum(map(len, displayed)) / (length + 1),
        "mean formula length": chars / max(count, 1),
        "share of formulas with a relation": relations / max(count, 1),
        "share of formulas of one symbol": trivial / max(count, 1),
        "different commands": math.log1p(len(commands)),
        "share of different formulas": len(set(bodies)) / max(count, 1),
        "different formulas": math.log1p(len(several)),
        "formulas per length": math.log1p(1000 * count / (length * scale + 200)),
        "tenths of the text with formulas": float(len(tenths)),
        "first formula": formulas[0].start / (length + 1) if formulas else 1.1,
        "last formula": formulas[-1].end / (length + 1) if formulas else -0.1,
    }


@dataclass(slots=True)
class _Lines:
    """Counts over the lines of a text; chars are English ones."""

    lines: int = 0
    short: int = 0
    short_chars: int = 0
    prose: int = 0
    prose_chars: int = 0
    longest_prose: int = 0
    longest_run: int = 0
    items: int = 0
    headings: int = 0
    repeated: int = 0
    rows: int = 0
    with_formula: int = 0
    alone: int = 0
    near_prose: int = 0
    formula_prose_chars: int = 0
    formula_reasons: int = 0


def _lines(prose: str, scale: int, reasoning: re.Pattern[str]) -> _Lines:
    found = _Lines()
    seen: set[str] = set()
    run = 0
    after_prose = False
    for raw in prose.split("\n"):
        line = raw.strip()
        if not line:
            continue
        chars = len(line) * scale
        formula = _FORMULA_MARK in line
        connected = chars >= _PROSE_CHARS and _SENTENCE_END.search(line) is not None
        found.lines += 1
        found.repeated += line in seen
        seen.add(line)
        found.headings += line[0] == "#"
        found.rows += line[0] == "|"
        found.items += _LIST_ITEM.match(raw) is not None
        if chars < _SHORT_CHARS and not formula:
            found.short += 1
            found.short_chars += chars
        if formula:
            found.with_formula += 1
            found.alone += line == _FORMULA_MARK
            found.near_prose += after_prose or connected
        if connected:
            found.prose += 1
            found.prose_chars += chars
            found.longest_prose = max(found.longest_prose, chars)
            run += 1
            if formula:
                found.formula_prose_chars += chars
                found.formula_reasons += len(reasoning.findall(line))
        elif not formula:
            run = 0
        found.longest_run = max(found.longest_run, run)
        after_prose = connected or (after_prose and formula)
    return found


def _line_facts(found: _Lines, chars: int) -> dict[str, float]:
    lines = max(1, found.lines)
    return {
        "lines": math.log1p(found.lines),
        "share of short lines": found.short / lines,
        "share of text in short lines": found.short_chars / (chars + 1),
        "share of prose lines": found.prose / lines,
        "share of text in prose": found.prose_chars / (chars + 1),
        "prose": math.log1p(found.prose_chars),
        "longest prose line": math.log1p(found.longest_prose),
        "longest run of prose": float(found.longest_run),
        "share of lines with formulas": found.with_formula / lines,
        "lines with formulas": math.log1p(found.with_formula),
        "formulas beside prose": math.log1p(found.near_prose),
        "formulas on their own lines": math.log1p(found.alone),
        "prose around formulas": math.log1p(found.formula_prose_chars),
        "share of prose around formulas": found.formula_prose_chars / (chars + 1),
        "reasoning words around formulas": math.log1p(found.formula_reasons),
        "share of list items": found.items / lines,
        "share of headings": found.headings / lines,
        "headings": math.log1p(found.headings),
        "share of repeated lines": found.repeated / lines,
        "share of table rows": found.rows / lines,
    }


def _word_facts(masked: str, reasoning: re.Pattern[str]) -> dict[str, float]:
    words = _WORD.findall(masked)
    count = max(1, len(words))
    reasons = [reason.lower() for reason in reasoning.findall(masked)]
    marks = [(match["en"] or match["zh"]).lower() for match in _MARK.finditer(masked)]
    questions = masked.count("?") + masked.count("？")
    return {
        "words": math.log1p(len(words)),
        "variety of words": len(set(words)) / count**0.8,
        "share of capitalised words": sum(word[0].isupper() for word in words) / count,
        "sentences": math.log1p(len(_SENTENCE_END.findall(masked))),
        "rate of reasoning words": 1000 * len(reasons) / count,
        "reasoning words": math.log1p(len(reasons)),
        "different reasoning words": float(len(set(reasons))),
        "headings of worked steps": math.log1p(len(marks)),
        "kinds of worked steps": float(len(set(marks))),
        "questions": math.log1p(questions),
        "rate of questions": 1000 * questions / count,
        "rate of numbers": 1000 * len(_NUMBER.findall(masked)) / count,
        "rate of mathematical symbols": math.log1p(1000 * len(_SYMBOL.findall(masked)) / count),
        "rate of plain equations": math.log1p(
            1000 * len(_PLAIN_EQUATION.findall(_CODE.sub(" ", masked))) / count
        ),
    }


def _sign_facts(masked: str, prose: str, length: int) -> dict[str, float]:
    signs = Counter(prose)
    sample = masked[:20_000].encode("utf-8", "replace")
    return {
        "share of code": sum(len(match[0]) for match in _CODE.finditer(masked)) / (length + 1),
        "rate of code signs": 1000 * sum(signs[sign] for sign in "{};_#@/&|*<>") / (length + 1),
        "links": math.log1p(len(_LINK.findall(masked))),
        "plain equations": math.log1p(len(_PLAIN_EQUATION.findall(prose))),
        "commands outside formulas": math.log1p(len(_COMMAND.findall(masked))),
        "compressibility": len(zlib.compress(sample, 1)) / (len(sample) + 50),
    }


def _field_facts(masked: str, language: str) -> dict[str, float]:
    """What share of the words belongs to each field of the lexicon (`lexicon.py`)."""
    fields, terms, tokens = field_counts(masked.replace(_FORMULA_MARK, " "), language)
    count = max(1, tokens)
    rates = {f"rate of {name} words": 1000 * found / count for name, found in fields.items()}
    advanced = fields["university"] + fields["research"]
    return {
        **rates,
        "rate of mathematical words": 1000
        * (fields["school"] + fields["secondary"] + advanced)
        / count,
        "rate of advanced words": 1000 * advanced / count,
        "mathematical terms": math.log1p(terms),
        "rate of mathematical terms": terms / count**0.5,
    }
