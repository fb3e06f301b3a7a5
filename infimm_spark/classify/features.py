"""One bilingual normaliser, used in training and in prediction alike: text to a fastText line.

The line is what fastText reads: tokens separated by single spaces, no line break. It holds

- words, lower-cased, without a plural *s*; numbers as ``<NUM>``; tokens over 100 characters
  dropped;
- Chinese one character a token (fastText's word n-grams make the words);
- formulas: ``$f0`` … ``$f4`` by length (``$d…`` for display), then their commands as they are
  (``\\frac``) and their relations, each prefixed by ``$``; variables and numbers leave nothing, so
  that one site's notation is not learnt;
- symbols that tell mathematics (``∑ ≤ α``) and code (``{ ; ->``) apart;
- the fields of its words (``__school``, ``__computing``; see `lexicon.py`), in their order, after
  the words
  themselves: a word that no training text has still counts as one of its field, and pairs of them
  make bigrams as words do;
- facts of the whole text as pseudo-tokens (``__fc4``: formulas, ``__dv3``: variety of words, …),
  repeated in proportion to the text's length, because fastText averages over all tokens and a fact
  said once in a thousand tokens would weigh nothing. Their adjacent pairs become bigrams, so
  that a rule such as "many formulas, hardly any prose" can be learnt;
- ``__few`` once for every token that a text has fewer than 200: an average over five tokens is as
  sure of itself as one over a thousand, and the filling draws a short text's score to the middle.

Image markers never appear: images are no part of a document's text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from infimm_spark.classify.lexicon import CHINESE, ENGLISH, MATHEMATICS
from infimm_spark.languages import language_of

FEATURE_VERSION = 4
"""Raised whenever `normalise` gives another line for the same text; models carry the one they
need."""

MAX_TOKEN_CHARS = 100
"""Paper: longer tokens are dropped."""

QUICK_CHARS = 2_000
"""Of a page's quick text, what the recall floor looks at (head and slices): every page pays for it.
The extracted text, which few pages reach, is looked at as far as the model's card says."""

_FORMULA_COMMANDS = 16
"""Commands kept of one formula: a page-long alignment must not outweigh the page's words."""

_MIN_TOKENS = 200
_FEW = "__few"

_TOKENS_PER_FACT_BLOCK = 60
_MAX_FACT_BLOCKS = 12

# A formula in any delimiters a page may show: $$…$$, \[…\], \(…\), \begin{align}…\end{align}, $…$.
# A single dollar must hug its content and not touch a word: "$5 and $10" and "$HOME/$PATH" do not
# match; Chinese sets no space beside a formula and may touch it. Each alternative begins with its
# first character, so that `re` skips to the next dollar or backslash.
_WIDE = "[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_FORMULA = re.compile(
    r"\$\$(?P<dd>[^$]{1,2000}?)\$\$"
    r"|\\\[(?P<db>.{1,2000}?)\\\]"
    r"|\\\((?P<ib>.{1,1000}?)\\\)"
    r"|\\begin\{(?P<env>equation|align|gather|eqnarray|multline|displaymath|math)\*?\}(?P<de>.{1,2000}?)\\end\{(?P=env)\*?\}"
    rf"|\$(?:(?<![\\$\w]\$)|(?<={_WIDE}\$))(?=[^\s$])(?P<id>[^$\n]{{1,500}})(?<=[^\s$])\$"
    rf"(?:(?![\w$])|(?={_WIDE}))",
    re.DOTALL,
)

_FORMULA_TOKEN = re.compile(r"\\[a-zA-Z]+|[=<>≤≥≠∈→⇒∼≈]")  # commands and relations

_TEXT_TOKEN = re.compile(
    r"[a-z\u00df-\u024f\u0400-\u04ff]+(?:'[a-z]+)?"  # words; dashes of every kind part them
    r"|[0-9]+(?:[.,:][0-9]+)*"  # numbers
    r"|[\u3400-\u9fff\uf900-\ufaff]+"  # Chinese, to be parted into its characters
    r"|\\[a-zA-Z]+"  # LaTeX outside any delimiters
    # mathematical
    r"|[\u0370-\u03ff\u2100-\u214f\u2190-\u2211\u2213-\u22ff\u27c0-\u27ff\u2a00-\u2aff²³¹±×÷¬·]"
    r"|->|=>|::|\(\)|[=+<>{};_^|#@*\\/%&~$?!]"  # what code, prose and formulas use differently
)
# The same for a text of ASCII alone: sets of wide characters are slow to look at.
_ASCII_TOKEN = re.compile(
    r"[a-z]+(?:'[a-z]+)?|[0-9]+(?:[.,:][0-9]+)*|\\[a-zA-Z]+|->|=>|::|\(\)|[=+<>{};_^|#@*\\/%&~$?!]"
)

_CODE = frozenset(("->", "=>", "::", "()", "{", "}", ";", "_", "#", "@", "/", "&", "|", "*"))
_MATH_CHARS = frozenset("∑∫∏√≤≥≠∈∉⊂⊆∪∩∀∃∞∂∇→⇒⇔≈≡±×÷αβγδεθλμπσφψωΔΣΩ²³")


def normalise(text: str, language: str) -> str:
    """`text` as one line of tokens for fastText.

    `language` is the page's label (``en``, ``zh``); it scales the facts that depend on length,
    since a Chinese character says about as much as three Latin ones. Never raises; an empty text
    gives the facts of an empty text.
    """
    return read(text, language).line


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the normaliser reads it: the line, and the counts that `facts.py` needs too."""

    line: str
    tokens: int
    counts: Counter[str]
    """Of each token that is no field and no fact."""
    fields: Counter[str]
    """Of each field's pseudo-token (``__school``)."""
    terms: int
    """Different mathematical terms."""


def read(text: str, language: str) -> Reading:
    """`normalise` with the counts it was made from."""
    tokens: list[str] = []
    formulas = _Formulas()
    end = 0
    if "$" in text or "\\" in text:
        for match in _FORMULA.finditer(text):
            kind = match.lastgroup
            body = match[kind or 0]
            if not _is_mathematics(match):
                continue
            if match.start() > end:
                tokens += _words(text[end : match.start()])
            tokens += formulas.tokens(body, display=kind != "id" and kind != "ib")
            end = match.end()
    tokens += _words(text[end:] if end else text)
    counts = Counter(tokens)
    fields, terms = _fields(text, tokens, counts, language)
    of_field = Counter(fields)
    facts = _facts(text, counts, len(tokens), formulas, language)
    facts += _field_facts(of_field, terms, len(tokens))
    blocks = min(_MAX_FACT_BLOCKS, 1 + len(tokens) // _TOKENS_PER_FACT_BLOCK)
    filling = (" " + _FEW) * (_MIN_TOKENS - len(tokens))
    line = " ".join(tokens + fields) + (" " + " ".join(facts)) * blocks + filling
    return Reading(line.lstrip(" "), len(tokens), counts, of_field, terms)


def found_formulas(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Start, end, body and whether it is set as display, of each delimited formula in order."""
    if "$" not in text and "\\" not in text:
        return
    for match in _FORMULA.finditer(text):
        if _is_mathematics(match):
            kind = match.lastgroup or ""
            yield match.start(), match.end(), match[kind], kind not in ("id", "ib")


def without_formulas(text: str) -> str:
    """`text` with its delimited formulas taken out: what is left for a classifier to go by in
    words.

    Labels that come from counting formulas are circular for one that sees them.
    """

    return _FORMULA.sub(lambda match: " " if _is_mathematics(match) else match[0], text)


def shortened_formulas(text: str, max_chars: int) -> str:
    """`text` with each delimited formula cut to its first `max_chars` characters."""
    return _FORMULA.sub(
        lambda match: (
            match[0]
            if len(match[0]) <= max_chars or not _is_mathematics(match)
            else match[0][:max_chars] + "…"
        ),
        text,
    )


def count_formulas(text: str) -> int:
    """Delimited formulas in `text`."""
    return sum(map(_is_mathematics, _FORMULA.finditer(text)))


def _is_mathematics(match: re.Match[str]) -> bool:
    return match.lastgroup != "id" or _is_formula(match["id"])


def excerpt(text: str, max_chars: int) -> str:
    """At most about `max_chars` characters of `text`: its head and slices spread over the rest.

    The head alone misleads: many pages open with a menu, a table of contents or a list of installed
    packages. Slices begin and end at white space where there is any near.
    """
    if len(text) <= max_chars:
        return text
    width = max_chars // _SLICES
    last = len(text) - width
    return "\n".join(_slice(text, index * last // (_SLICES - 1), width) for index in range(_SLICES))


_SLICES = 5


def _slice(text: str, start: int, width: int) -> str:
    piece = text[start : start + width]
    if start:
        head = piece[:40].find(" ")
        piece = piece[head + 1 :]
    if start + width < len(text):
        tail = piece.rfind(" ", max(0, len(piece) - 40))
        piece = piece[:tail] if tail > 0 else piece
    return piece


def _is_formula(body: str) -> bool:
    r"""Whether `$body$` is mathematics: `x`, `2n`, `\pi`, `a+b`, but not `5 per month; now only`."""  # noqa: E501
    if any(mark in body for mark in "\\^_=<>"):
        return True
    return len(body) <= 20 and not _PROSE.search(body)


_PROSE = re.compile(r"[A-Za-z]{3,}|[\u3400-\u9fff]")


_TYPOGRAPHIC = "‘“”–—…•\u00a0"


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if not lowered.isascii():
        # What makes most English pages more than ASCII parts words as a space does.
        lowered = lowered.replace("’", "'")
        for mark in _TYPOGRAPHIC:
            lowered = lowered.replace(mark, " ")
    if lowered.isascii():
        words = list(map(_NORMAL_FORMS.__getitem__, _ASCII_TOKEN.findall(lowered)))
        return [word for word in words if word] if "" in words else words
    words = []
    for token in _TEXT_TOKEN.findall(lowered):
        if token >= "\u3400":
            words += token
        elif form := _NORMAL_FORMS[token]:
            words.append(form)
    return words


class _NormalForms(dict[str, str]):
    """Token to normal form, remembered: a page repeats its words, and so does the web."""

    def __missing__(self, token: str) -> str:
        if len(self) > 100_000:
            self.clear()
        self[token] = form = _normal_form(token)
        return form


_NORMAL_FORMS = _NormalForms()


def _normal_form(token: str) -> str:
    """``<NUM>`` for a number; no plural *s*, no possessive; empty for a token to be dropped."""
    if len(token) > MAX_TOKEN_CHARS:
        return ""
    first = token[0]
    if first.isdigit():
        return "<NUM>" if first.isascii() else token
    if not token.isalpha():
        token = token.split("'", 1)[0]
    if len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is")):
        if token.endswith("ies"):
            return token[:-3] + "y"
        return token[:-1]
    return token


def _by_word(fields: dict[str, str]) -> dict[str, str]:
    """Word to the pseudo-token of its field; of several fields the first named."""
    found: dict[str, str] = {}
    for field, words in fields.items():
        for word in words.split():
            found.setdefault(_normal_form(word), f"__{field}")
    return found


def _with_derived(field_of: dict[str, str]) -> dict[str, str]:
    """The words and what is derived from them: `solving`, `plotted`, `linearly`; listed words come
    first."""
    found = dict(field_of)
    for word, field in field_of.items():
        stems = (word, word[:-1]) if word.endswith("e") else (word, word + word[-1])
        for stem in stems:
            for suffix in ("ing", "ed", "ly"):
                if len(stem) > 2:
                    found.setdefault(stem + suffix, field)
    return found


_ENGLISH_FIELDS = _with_derived(_by_word(ENGLISH))
_CHINESE_FIELDS = _by_word(CHINESE)
# Two characters that may be a term: a character that begins one, and one that ends one. Pairs do
# not overlap, so that a term behind such a character may be missed: looking for all pairs takes
# longer and told no more.
_CHINESE_PAIR = re.compile(
    "[{}][{}]".format(*("".join(sorted({term[i] for term in _CHINESE_FIELDS})) for i in (0, 1)))
)


_MATHEMATICS = tuple(f"__{field}" for field in MATHEMATICS)
_ENGLISH_TERMS = frozenset(w for w, field in _ENGLISH_FIELDS.items() if field in _MATHEMATICS)
_CHINESE_TERMS = frozenset(t for t, field in _CHINESE_FIELDS.items() if field in _MATHEMATICS)


def _fields(
    text: str, tokens: list[str], counts: Counter[str], language: str
) -> tuple[list[str], int]:
    """The fields of the words, in order, and how many different mathematical terms there are.

    A page of one term over and over is no page of mathematics.
    """
    known = filter(_ENGLISH_FIELDS.__contains__, tokens)
    fields = list(map(_ENGLISH_FIELDS.__getitem__, known))
    terms = len(_ENGLISH_TERMS.intersection(counts))
    if language_of(language).lexicon == "pairs":
        pairs = list(filter(_CHINESE_FIELDS.__contains__, _CHINESE_PAIR.findall(text)))
        fields += map(_CHINESE_FIELDS.__getitem__, pairs)
        terms += len(_CHINESE_TERMS.intersection(pairs))
    return fields, terms


class _Formulas:
    """Turns formulas into tokens and counts what the facts need."""

    def __init__(self) -> None:
        self.count = 0
        self.display = 0
        self.chars = 0
        self.with_relation = 0
        self.commands: set[str] = set()

    def tokens(self, body: str, *, display: bool) -> list[str]:
        self.count += 1
        self.display += display
        self.chars += len(body)
        found = _FORMULA_TOKEN.findall(body)
        commands = [token for token in found if token[0] == "\\"]
        self.commands.update(commands)
        kept = commands[:_FORMULA_COMMANDS]
        if len(commands) < len(found):
            kept.append("$=")
            self.with_relation += 1
        size = _bucket(len(body), (3, 12, 40, 120))
        return [f"$d{size}" if display else f"$f{size}", *kept]


def _facts(
    text: str, counts: Counter[str], tokens: int, formulas: _Formulas, language: str
) -> list[str]:
    """Facts of the whole text."""
    units = max(1, tokens)
    distinct = len(counts)
    code = _count(counts, _CODE)
    numbers = counts["<NUM>"]
    bare = sum([counts[token] for token in counts if token[0] == "\\"]) if "\\" in text else 0
    symbols = 0 if text.isascii() else _count(counts, _MATH_CHARS)
    length = len(text) * language_of(language).english_chars
    return [
        f"__fc{_bucket(formulas.count, (1, 3, 6, 12, 25, 50, 100))}",
        f"__fs{_bucket(100 * formulas.chars / (len(text) + 1), (1, 4, 10, 20, 35, 60))}",
        f"__ln{_bucket(length, (300, 800, 1800, 4000, 8000))}",
        f"__cm{_bucket(len(formulas.commands), (1, 3, 7, 14, 25))}",
        f"__rl{_bucket(formulas.with_relation, (1, 3, 8, 20, 50))}",
        f"__fc{_bucket(formulas.count, (1, 3, 6, 12, 25, 50, 100))}",
        f"__sy{_bucket(1000 * symbols / units, (1, 5, 15, 40))}",
        f"__bc{_bucket(1000 * bare / units, (1, 10, 40, 100))}",
        f"__cd{_bucket(1000 * code / units, (5, 20, 50, 100, 200))}",
        f"__nm{_bucket(1000 * numbers / units, (10, 30, 60, 120))}",
        f"__dv{_bucket(100 * distinct / units**0.8, (60, 90, 120, 150, 200))}",
        f"__dp{_bucket(formulas.display, (1, 3, 8, 20))}",
    ]


def _field_facts(of_field: Counter[str], terms: int, tokens: int) -> list[str]:
    """Facts of the fields: what share of the words each has, and how many different terms."""
    per_mille = 1000 / max(1, tokens)
    school, secondary = of_field["__school"], of_field["__secondary"]
    advanced = of_field["__university"] + of_field["__research"]
    other = of_field["__web"] + of_field["__news"]
    share = _bucket(per_mille * (school + secondary + advanced), (10, 25, 50, 80, 120, 180))
    return [
        f"__mw{share}",
        f"__ms{_bucket(per_mille * school, (3, 10, 25, 50, 90))}",
        f"__mh{_bucket(per_mille * secondary, (2, 6, 15, 30, 60))}",
        f"__mu{_bucket(per_mille * advanced, (2, 6, 15, 30, 60))}",
        f"__mt{_bucket(terms / max(1, tokens) ** 0.5, (0.15, 0.4, 0.8, 1.2, 1.8, 2.5))}",
        f"__ml{_bucket(per_mille * of_field['__logic'], (5, 15, 30, 50))}",
        f"__me{_bucket(per_mille * of_field['__exercise'], (5, 15, 30, 60))}",
        f"__mc{_bucket(per_mille * of_field['__computing'], (5, 20, 50, 90, 150))}",
        f"__mw{share}",
        f"__mo{_bucket(per_mille * other, (10, 30, 60, 100))}",
        f"__mv{_bucket(per_mille * of_field['__variable'], (2, 8, 20, 50))}",
    ]


def _count(counts: Counter[str], wanted: frozenset[str]) -> int:
    return sum([counts[token] for token in counts.keys() & wanted])


def _bucket(value: float, edges: tuple[float, ...]) -> int:
    """How many of the ascending `edges` the value reaches: `_bucket(7, (1, 5, 10)) == 2`."""
    return bisect_right(edges, value)
