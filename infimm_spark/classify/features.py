"""One bilingual normaliser, used in training and in prediction alike: text to a fastText line.

The line is what fastText reads: tokens separated by single spaces, no line break. It holds

- words, lower-cased, without a plural *s*; numbers as ``<NUM>``; tokens over 100 characters dropped;
- Chinese one character a token (fastText's word n-grams make the words);
- formulas: ``$f0`` … ``$f4`` by length (``$d…`` for display), then their commands as they are
  (``\\frac``) and their relations, each prefixed by ``$``; variables and numbers leave nothing, so
  that one site's notation is not learnt;
- symbols that tell mathematics (``∑ ≤ α``) and code (``{ ; ->``) apart;
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
from collections import Counter

FEATURE_VERSION = 2
"""Raised whenever `normalise` gives another line for the same text; models carry the one they need."""

MAX_TOKEN_CHARS = 100
"""Paper: longer tokens are dropped."""

QUICK_CHARS = 2_000
"""Of a page's quick text, what the recall floor looks at (head and slices): every page pays for it. The
extracted text, which few pages reach, is looked at as far as the model's card says."""

_FORMULA_COMMANDS = 16
"""Commands kept of one formula: a page-long alignment must not outweigh the page's words."""

_MIN_TOKENS = 200
_FEW = "__few"

_TOKENS_PER_FACT_BLOCK = 60
_MAX_FACT_BLOCKS = 12

# A formula in any delimiters a page may show: $$…$$, \[…\], \(…\), \begin{align}…\end{align}, $…$.
# A single dollar must hug its content and not touch a word: "$5 and $10" and "$HOME/$PATH" do not match.
# Each alternative begins with its first character, so that `re` skips to the next dollar or backslash.
_FORMULA = re.compile(
    r"\$\$(?P<dd>[^$]{1,2000}?)\$\$"
    r"|\\\[(?P<db>.{1,2000}?)\\\]"
    r"|\\\((?P<ib>.{1,1000}?)\\\)"
    r"|\\begin\{(?P<env>equation|align|gather|eqnarray|multline|displaymath|math)\*?\}(?P<de>.{1,2000}?)\\end\{(?P=env)\*?\}"
    r"|\$(?<![\\$\w]\$)(?=[^\s$])(?P<id>[^$\n]{1,500})(?<=[^\s$])\$(?![\w$])",
    re.DOTALL,
)

_FORMULA_TOKEN = re.compile(r"\\[a-zA-Z]+|[=<>≤≥≠∈→⇒∼≈]")  # commands and relations

_TEXT_TOKEN = re.compile(
    r"[a-z\u00df-\u024f\u0400-\u04ff]+(?:['’][a-z]+)?"  # words; dashes of every kind part them
    r"|[0-9]+(?:[.,:][0-9]+)*"  # numbers
    r"|[\u3400-\u9fff\uf900-\ufaff]+"  # Chinese, to be parted into its characters
    r"|\\[a-zA-Z]+"  # LaTeX outside any delimiters
    r"|[\u0370-\u03ff\u2100-\u214f\u2190-\u2211\u2213-\u22ff\u27c0-\u27ff\u2a00-\u2aff²³¹±×÷¬·]"  # mathematical
    r"|->|=>|::|\(\)|[=+<>{};_^|#@*\\/%&~$?!]"  # what code, prose and formulas use differently
)
# The same for a text of ASCII alone: sets of wide characters are slow to look at.
_ASCII_TOKEN = re.compile(
    r"[a-z]+(?:'[a-z]+)?|[0-9]+(?:[.,:][0-9]+)*|\\[a-zA-Z]+|->|=>|::|\(\)|[=+<>{};_^|#@*\\/%&~$?!]"
)

_CODE = frozenset(("->", "=>", "::", "()", "{", "}", ";", "_", "#", "@", "/", "&", "|", "*"))
_MATH_WORDS = frozenset(
    [
        "theorem",
        "lemma",
        "proof",
        "proposition",
        "corollary",
        "definition",
        "equation",
        "formula",
        "prove",
        "integral",
        "derivative",
        "matrix",
        "vector",
        "function",
        "polynomial",
        "probability",
        "exercise",
        "solution",
        "solve",
        "theta",
        "variable",
        "algebra",
        "calculus",
        "geometry",
    ]
)
_MATH_CHARS = frozenset("∑∫∏√≤≥≠∈∉⊂⊆∪∩∀∃∞∂∇→⇒⇔≈≡±×÷αβγδεθλμπσφψωΔΣΩ²³")
_ZH_MATH = re.compile(
    "定理|证明|引理|推论|命题|公式|方程|函数|矩阵|向量|概率|导数|积分|求解|假设|变量|集合|线性|多项式|复杂度|算法"
)


def normalise(text: str, language: str) -> str:
    """`text` as one line of tokens for fastText.

    `language` is the page's label (``en``, ``zh``); it scales the facts that depend on length, since
    a Chinese character says about as much as three Latin ones. Never raises; an empty text gives the
    facts of an empty text.
    """
    tokens: list[str] = []
    formulas = _Formulas()
    end = 0
    if "$" in text or "\\" in text:
        for match in _FORMULA.finditer(text):
            body = match[match.lastgroup or 0]
            kind = match.lastgroup
            if not _is_mathematics(match):
                continue
            if match.start() > end:
                tokens += _words(text[end : match.start()])
            tokens += formulas.tokens(body, display=kind != "id" and kind != "ib")
            end = match.end()
    tokens += _words(text[end:] if end else text)
    filling = [_FEW] * (_MIN_TOKENS - len(tokens))
    return " ".join(tokens + _facts(text, tokens, formulas, language) + filling)


def without_formulas(text: str) -> str:
    """`text` with its delimited formulas taken out: what is left for a classifier to go by in words.

    Labels that come from counting formulas are circular for one that sees them.
    """

    return _FORMULA.sub(lambda match: " " if _is_mathematics(match) else match[0], text)


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
    r"""Whether `$body$` is mathematics: `x`, `2n`, `\pi`, `a+b`, but not `5 per month; now only`."""
    if any(mark in body for mark in "\\^_=<>"):
        return True
    return len(body) <= 20 and not _PROSE.search(body)


_PROSE = re.compile(r"[A-Za-z]{3,}|[\u3400-\u9fff]")


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if lowered.isascii():
        words = list(map(_NORMAL_FORMS.__getitem__, _ASCII_TOKEN.findall(lowered)))
        return [word for word in words if word] if "" in words else words
    words = []
    for token in _TEXT_TOKEN.findall(lowered):
        if "\u3400" <= token <= "\ufb00":
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
        token = token.replace("’", "'").split("'", 1)[0]
    if len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is")):
        if token.endswith("ies"):
            return token[:-3] + "y"
        return token[:-1]
    return token


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
        kept: list[str] = []
        relation = False
        for token in _FORMULA_TOKEN.findall(body):
            if token[0] == "\\":
                if len(kept) < _FORMULA_COMMANDS:
                    kept.append(token)
                self.commands.add(token)
            else:
                relation = True
        if relation:
            kept.append("$=")
            self.with_relation += 1
        size = _bucket(len(body), (3, 12, 40, 120))
        return [f"$d{size}" if display else f"$f{size}", *kept]


def _facts(text: str, tokens: list[str], formulas: _Formulas, language: str) -> list[str]:
    """Facts of the whole text, as pseudo-tokens, repeated in proportion to its length."""
    chinese = language.startswith("zh")
    counts = Counter(tokens)
    units = max(1, len(tokens))
    distinct = len(counts)
    code = _count(counts, _CODE)
    numbers = counts["<NUM>"]
    bare = sum(n for token, n in counts.items() if token[0] == "\\") if "\\" in text else 0
    if chinese:
        math_words = len(_ZH_MATH.findall(text)) * 2
    else:
        math_words = _count(counts, _MATH_WORDS)
    symbols = 0 if text.isascii() else _count(counts, _MATH_CHARS)
    length = len(text) * (3 if chinese else 1)
    block = [
        f"__fc{_bucket(formulas.count, (1, 3, 6, 12, 25, 50, 100))}",
        f"__fs{_bucket(100 * formulas.chars / (len(text) + 1), (1, 4, 10, 20, 35, 60))}",
        f"__ln{_bucket(length, (300, 800, 1800, 4000, 8000))}",
        f"__cm{_bucket(len(formulas.commands), (1, 3, 7, 14, 25))}",
        f"__rl{_bucket(formulas.with_relation, (1, 3, 8, 20, 50))}",
        f"__fc{_bucket(formulas.count, (1, 3, 6, 12, 25, 50, 100))}",
        f"__mw{_bucket(1000 * math_words / units, (1, 4, 10, 20, 40))}",
        f"__sy{_bucket(1000 * symbols / units, (1, 5, 15, 40))}",
        f"__bc{_bucket(1000 * bare / units, (1, 10, 40, 100))}",
        f"__cd{_bucket(1000 * code / units, (5, 20, 50, 100, 200))}",
        f"__nm{_bucket(1000 * numbers / units, (10, 30, 60, 120))}",
        f"__dv{_bucket(100 * distinct / units**0.8, (60, 90, 120, 150, 200))}",
        f"__dp{_bucket(formulas.display, (1, 3, 8, 20))}",
    ]
    return block * min(_MAX_FACT_BLOCKS, 1 + units // _TOKENS_PER_FACT_BLOCK)


def _count(counts: Counter[str], wanted: frozenset[str]) -> int:
    return sum([counts[token] for token in counts.keys() & wanted])


def _bucket(value: float, edges: tuple[float, ...]) -> int:
    """How many of the ascending `edges` the value reaches: `_bucket(7, (1, 5, 10)) == 2`."""
    reached = 0
    for edge in edges:
        if value < edge:
            break
        reached += 1
    return reached
