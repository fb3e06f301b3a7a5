"""Facts of a text that hold in any language: formulas, the prose around them, the shape of lines.

A word is worth what the training sites made of it; a page's build is the same everywhere. Formulas
that differ, stand all over the page and in paragraphs that reason tell a lesson from a listing, a
manual or a table, whoever wrote it. The trees beside a fastText model (`trees.py`) decide by these
facts and by fastText's own log-odds.

Counts are given as log(1 + n). Lengths are in English characters: one of Chinese counts three.
"""

from __future__ import annotations

import re
from math import log1p

import re2

from infimm_spark.classify.features import Reading, found_formulas
from infimm_spark.classify.lexicon import (
    REASONING_CHINESE,
    REASONING_ENGLISH,
    SMALL_CHINESE,
    SMALL_ENGLISH,
)
from infimm_spark.languages import Language, language_of

FACT_VERSION = 2
"""Raised whenever `facts` gives other numbers for the same text; trees carry the one they need."""

FACT_CHARS = 40_000
"""Characters looked at: counts of a whole chapter, at a bounded cost."""

FACTS: dict[str, str] = {
    "formulas": "formulas",
    "formulas_plain": "formulas of more than three characters",
    "formulas_distinct": "different formulas of more than three characters",
    "formulas_long": "formulas of 25 characters and more",
    "formulas_display": "displayed formulas",
    "formulas_relation": "formulas with a relation such as = or <",
    "formulas_advanced": "formulas with a sum, integral, fraction, root or limit",
    "formula_share": "share of the text inside formulas",
    "display_share": "share of the text inside displayed formulas",
    "formula_length": "mean characters of a formula",
    "relation_share": "share of formulas with a relation",
    "short_share": "share of formulas of at most three characters",
    "distinct_share": "share of formulas that differ",
    "commands": "different LaTeX commands",
    "formula_density": "formulas per 1,000 characters",
    "formula_first": "where the first formula begins, from 0 (top) to 1; 1.1 without one",
    "formula_last": "where the last formula ends, from 0 to 1; -0.1 without one",
    "formula_tenths": "tenths of the text that hold a formula",
    "formula_links": "share of formulas with a letter that the formula before them has too",
    "formula_letters": "different letters in formulas, beside the number of formulas",
    "length": "characters",
    "lines": "lines",
    "short_lines": "share of short lines, as of menus and lists of links",
    "short_text": "share of the text in short lines",
    "prose_lines": "share of lines that are prose of whole sentences",
    "prose_share": "share of the text in such prose",
    "prose": "characters of such prose",
    "formula_lines": "share of lines with a formula",
    "formula_lines_n": "lines with a formula",
    "formula_prose_n": "lines with a formula in prose or right after it",
    "formula_prose": "characters of prose with formulas in it",
    "formula_prose_share": "share of the text that is prose with formulas in it",
    "items": "share of lines that are items of a list",
    "headings": "share of lines that are headings",
    "headings_n": "headings",
    "repeated_lines": "share of lines that repeat another",
    "table_lines": "share of lines that are rows of a table",
    "formula_alone": "formulas on a line of their own",
    "marks": "headings such as Example, Solution, Proof",
    "mark_kinds": "different headings of that kind",
    "code_share": "share of the text in code",
    "words": "words",
    "distinct_words": "variety of words",
    "small_words": "share of words that only join others (the, of, is)",
    "reasoning": "reasoning words per 1,000",
    "reasoning_n": "reasoning words",
    "reasoning_kinds": "different reasoning words",
    "capitals": "share of words that begin with a capital",
    "sentences": "sentences",
    "questions": "question marks per 1,000 words",
    "symbols": "mathematical symbols outside formulas, per 1,000 words",
    "equations": "equations in plain text",
    "equations_rate": "equations in plain text, per 1,000 words",
    "numbers": "numbers per 1,000 words",
    "bare_commands": "LaTeX commands outside formulas",
    "code_signs": "signs that code uses, per 1,000 characters",
    "term_variety": "different mathematical terms, beside the length of the text",
    "terms": "different mathematical terms",
    "mathematics_words": "words of mathematics per 1,000",
    "advanced_words": "words of university mathematics per 1,000",
    "variable": "single letters as words, per 1,000",
    "school": "words of school mathematics per 1,000",
    "secondary": "words of secondary mathematics per 1,000",
    "university": "words of university and research mathematics per 1,000",
    "logic": "words of definitions and proofs per 1,000",
    "exercise": "words of exercises per 1,000",
    "science": "words of science per 1,000",
    "computing": "words of computing per 1,000",
    "web": "words of web pages' surroundings per 1,000",
    "news": "words of news and trade per 1,000",
}
"""Each fact, and in words what it says, in the order `facts` gives them."""

_FIELDS = ("variable", "school", "secondary", "university", "logic", "exercise")
_OTHER_FIELDS = ("science", "computing", "web", "news")

_RELATION = re.compile(
    r"[=<>≤≥≠∈→⇒≈]"
    r"|\\(?:leq?|geq?|neq?|in|to|equiv|approx|sim|implies|iff|Rightarrow|subset\w*|mid|rightarrow"
    r"|cong|propto)(?![a-zA-Z])"
)
_ADVANCED = re.compile(
    r"\\(?:int|sum|prod|lim|[dt]?frac|partial|nabla|sqrt|mathbb|mathcal|forall|exists|infty|begin)"
    r"(?![a-zA-Z])"
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_LETTER = re.compile(
    r"\\[a-z]*(?:alpha|beta|gamma|delta|[tz]?eta|mu|nu|xi|pi|rho|sigma|tau|phi|psi|omega|lambda"
    r"|epsilon)(?![a-zA-Z])|(?<![\\a-zA-Z])[A-Za-z](?![a-zA-Z])"
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.DOTALL)
_SENTENCE = re.compile(r"[.!?。！？；](?![A-Za-z0-9])")
_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s")
_MARK = re.compile(  # "### Example 3", "**Proof.**", "例 2", "解："
    r"(?:#{1,6}[ \t]*)?\*{0,2}(?:(example|solution|proof|theorem|lemma|definition|exercise"
    r"|problem|corollary|proposition|remark|answer|question|step|case|claim)s?\b"
    r"|(例|解|证明|证|定理|引理|定义|推论|命题|习题|练习|题目|答案|性质|注|思路|分析))",
    re.IGNORECASE,
)
_SYMBOL = re.compile("[\u2200-\u22ffα-ωΓ-Ω²³¹√±×÷]")
_EQUATION = re.compile(r"[=≤≥<>] ?[-A-Za-z0-9(√\\]")
_CAPITAL = re.compile(r"[A-Z][a-z]")
_CODE_SIGN = re.compile(r"[{};_#@/&|*<>]")
_FORMULA_MARK = "\x01"
"""Stands for a formula in the text without them."""

_SMALL_WORDS = (*SMALL_ENGLISH, *SMALL_CHINESE)
_PROSE_CHARS = 80
_SHORT_CHARS = 40

_ENGLISH_REASONING = re2.compile(rf"(?i)\b(?:{'|'.join(REASONING_ENGLISH)})\b")
_CHINESE_REASONING = re.compile("|".join(sorted(REASONING_CHINESE.split(), key=len, reverse=True)))


def facts(text: str, language: str, reading: Reading) -> list[float]:
    """The numbers of `FACTS`, in its order.

    `text` is the whole text (the first `FACT_CHARS` characters count), `language` its label,
    `reading` what the normaliser made of its excerpt: rates of words come from there.
    """
    text = text[:FACT_CHARS]
    if not text.isascii():  # RE2 refuses lone surrogates
        text = text.encode("utf-8", "replace").decode("utf-8")
    record = language_of(language)
    formulas, without = _formula_facts(text, record)
    code = sum([match.end() - match.start() for match in _CODE.finditer(without)])
    plain = _CODE.sub(" ", without) if code else without
    return [
        *formulas,
        *_line_facts(plain, len(text), record),
        code / (len(text) + 1),
        *_word_facts(text, without, plain, record, reading),
        *_field_facts(reading),
    ]


def _formula_facts(text: str, record: Language) -> tuple[list[float], str]:
    """Facts of the formulas, and the text with a mark in the place of each."""
    size = len(text) + 1
    pieces: list[str] = []
    bodies: list[str] = []
    tenths: set[int] = set()
    commands: set[str] = set()
    display = relations = advanced = short = long = chars = display_chars = end = linked = 0
    before: frozenset[str] = frozenset()
    letters: set[str] = set()
    first, last = 1.1, -0.1
    for start, stop, body, displayed in found_formulas(text):
        pieces += (text[end:start], f" {_FORMULA_MARK} ")
        end = stop
        if not bodies:
            first = start / size
        last = stop / size
        tenths.add(10 * start // size)
        body = body.strip()
        bodies.append(body)
        length = len(body)
        chars += length
        short += length <= 3
        long += length >= 25
        relations += _RELATION.search(body) is not None
        own = frozenset(_LETTER.findall(body))
        linked += not own.isdisjoint(before)
        letters |= own
        before = own
        if displayed:
            display += 1
            display_chars += length
        if "\\" in body:
            commands.update(_COMMAND.findall(body))
            advanced += _ADVANCED.search(body) is not None
    pieces.append(text[end:])
    count = len(bodies)
    shown = max(count, 1)
    different = set(bodies)
    return [
        log1p(count),
        log1p(count - short),
        log1p(sum([len(body) > 3 for body in different])),
        log1p(long),
        log1p(display),
        log1p(relations),
        log1p(advanced),
        chars / size,
        display_chars / size,
        chars / shown,
        relations / shown,
        short / shown,
        len(different) / shown,
        log1p(len(commands)),
        log1p(1000 * count / (len(text) * record.english_chars + 200)),
        first,
        last,
        len(tenths),
        linked / max(count - 1, 1),
        len(letters) / (count + 2) ** 0.5,
    ], "".join(pieces)


def _line_facts(plain: str, chars: int, record: Language) -> list[float]:
    """Facts of the lines of a text without code, its formulas marked."""
    scale = record.english_chars
    size = chars * scale + 1
    seen: set[str] = set()
    count = short = short_chars = prose = prose_chars = items = headings = rows = repeated = 0
    with_formula = beside = mixed = alone = 0
    marks: list[str] = []
    after_prose = False
    for line in plain.split("\n"):
        line = line.strip()
        if not line:
            continue
        count += 1
        width = len(line) * scale
        if line in seen:
            repeated += 1
        else:
            seen.add(line)
        if mark := _MARK.match(line):
            marks.append((mark[1] or mark[2]).lower())
        holds = _FORMULA_MARK in line
        reads = width >= _PROSE_CHARS and _SENTENCE.search(line) is not None
        head = line[0]
        if head == "#":
            headings += 1
        elif head == "|":
            rows += 1
        elif _ITEM.match(line):
            items += 1
        if holds:
            with_formula += 1
            alone += line == _FORMULA_MARK
            beside += reads or after_prose
            mixed += width if reads else 0
        elif width < _SHORT_CHARS:
            short += 1
            short_chars += width
        if reads:
            prose += 1
            prose_chars += width
        after_prose = reads or (after_prose and holds)
    lines = max(count, 1)
    return [
        log1p(chars * scale),
        log1p(count),
        short / lines,
        short_chars / size,
        prose / lines,
        prose_chars / size,
        log1p(prose_chars),
        with_formula / lines,
        log1p(with_formula),
        log1p(beside),
        log1p(mixed),
        mixed / size,
        items / lines,
        headings / lines,
        log1p(headings),
        repeated / lines,
        rows / lines,
        log1p(alone),
        log1p(len(marks)),
        len(set(marks)),
    ]


def _word_facts(
    text: str, without: str, plain: str, record: Language, reading: Reading
) -> list[float]:
    """Facts of words and signs; `without` is the text without formulas, `plain` without code
    too."""
    counts, words = reading.counts, max(1, reading.tokens)
    reasoning = _CHINESE_REASONING if record.is_characters else _ENGLISH_REASONING
    reasons: list[str] = reasoning.findall(without)
    all_words = max(1.0, len(without) * record.english_chars / 6)
    symbols = 0 if without.isascii() else len(_SYMBOL.findall(without))
    equations = len(_EQUATION.findall(plain))
    return [
        log1p(all_words),
        len(counts) / words**0.8,
        sum([counts[word] for word in _SMALL_WORDS]) / words,
        1000 * len(reasons) / all_words,
        log1p(len(reasons)),
        len({reason.lower() for reason in reasons}),
        len(_CAPITAL.findall(without)) / all_words,
        log1p(len(_SENTENCE.findall(without))),
        1000 * (counts["?"] + text.count("？")) / words,
        log1p(1000 * symbols / all_words),
        log1p(equations),
        log1p(1000 * equations / all_words),
        1000 * counts["<NUM>"] / words,
        log1p(len(_COMMAND.findall(without))) if "\\" in without else 0.0,
        1000 * len(_CODE_SIGN.findall(plain)) / (len(text) + 1),
    ]


def _field_facts(reading: Reading) -> list[float]:
    """Facts of the fields of words (`lexicon.py`) in the excerpt."""
    words = max(1, reading.tokens)
    of = {name: 1000 * reading.fields[f"__{name}"] / words for name in (*_FIELDS, *_OTHER_FIELDS)}
    of["university"] += 1000 * reading.fields["__research"] / words
    return [
        reading.terms / words**0.5,
        log1p(reading.terms),
        of["school"] + of["secondary"] + of["university"],
        of["university"],
        *of.values(),
    ]
