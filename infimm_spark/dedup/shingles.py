"""Text to shingle hashes, vectorised over code points.

A shingle is `n` tokens in a row: 5 for word languages, 10 for Chinese. Tokens are words
(``[\\w']+``, lower-cased), single Chinese or Japanese characters, and the tokens of formulas:
commands, letters, numbers, signs. Of formulas the case counts (X is not x); braces, spaces and
sizes (``\\left``) are no tokens and synonyms (``\\le``, ``\\leq``) are one. Parsing formulas into
the full LaTeX normal form would take ten times as long as all the rest, and shingles without braces
hardly see the difference.

Python never loops over tokens: the code points of many documents lie in one numpy array, token
hashes come out of one cumulative sum (a polynomial hash modulo 2**64, made position-independent by
the inverse of its base), and shingle hashes out of `n` shifted additions.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import xxhash

from infimm_spark.config import MinHashConfig
from infimm_spark.extract.latex.facts import WRITTEN_FORMULA
from infimm_spark.languages import language_of

UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]

SCHEME = "shingles-1"
"""Version of normalisation, tokens and hashing; raised whenever any hash changes."""

_MARK = "\ufdd0"  # a noncharacter: stands before and after a formula in normalised text
_MARKED = f" {_MARK} "
_ESCAPED_DOLLAR = "\ufdd1"
_CODE_POINTS = 0x110000
_BLOCK = 1 << 18  # code points hashed at once: the working arrays stay within the cache

_NONE, _WORD, _SINGLE, _LETTER, _DIGIT, _BACKSLASH = range(
    6
)  # classes of code points; last three in TeX

_BASE = 0x9E3779B97F4A7C1F  # odd, and 3 modulo 4: its powers lose at most a bit of a difference
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_SHINGLE_BASE = 0xD6E8FEB86659FD93


def normal_text(text: str) -> str:
    """The form in which two texts are compared for equality, and from which shingles are cut.

    Unicode NFC, white space folded to single spaces, inline and display formulas alike; letter
    case, punctuation and the spelling of formulas stay. Empty for a text of white space only.
    """
    return " ".join(_normal_pieces(text))


def text_hash(text: str) -> bytes | None:
    """128-bit hash of `normal_text`; None for an empty one, which equals nothing.

    Pages without text (pictures only) are not each other's duplicates.
    """
    return _hash_pieces(_normal_pieces(text))


def shingle_hashes(text: str, ngram: int) -> UInt32Array:
    """The sorted distinct 32-bit hashes of a text's shingles of `ngram` tokens."""
    return shingle_batch([text], ngram)[1][0]


def shingle_batch(texts: Sequence[str], ngram: int) -> tuple[list[bytes | None], list[UInt32Array]]:
    """`text_hash` and `shingle_hashes` of many texts, hashed together.

    Memory is bounded by the longest text: about 20 bytes a character beyond the text itself.
    """
    hashes: list[bytes | None] = []
    pieces: list[str] = []
    owners: list[int] = []
    tokens: list[tuple[int, UInt64Array]] = []
    size = 0
    for owner, text in enumerate(texts):
        normal = _normal_pieces(text)
        hashes.append(_hash_pieces(normal))
        for piece in normal:
            if size + len(piece) > _BLOCK and pieces:
                tokens += _token_hashes(pieces, owners)
                pieces, owners, size = [], [], 0
            pieces.append(piece)
            owners.append(owner)
            size += len(piece)
    if pieces:
        tokens += _token_hashes(pieces, owners)
    return hashes, _shingles(tokens, len(texts), ngram)


def tokens_of(language: str | None, options: MinHashConfig) -> int:
    """Tokens in a shingle of a text in `language`: words, or characters where these are its
    units."""
    return options.char_ngram if language_of(language).is_characters else options.ngram


def _normal_pieces(text: str) -> list[str]:
    """`normal_text` in pieces that, joined by single spaces, make it up; one for a short text."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = text.replace(_MARK, " ").replace(_ESCAPED_DOLLAR, " ")
    if "\\$" in text:
        text = text.replace("\\$", _ESCAPED_DOLLAR)
    if len(text) <= _BLOCK:
        if "$" in text:
            text = _with_marks(text)
        folded = " ".join(text.split())
        return [folded] if folded else []
    pieces: list[str] = []
    parts: list[str] = []
    size = 0
    for part in _marked(text):
        parts.append(part)
        size += len(part)
        if size >= _BLOCK and part.endswith(" "):
            pieces.append(" ".join("".join(parts).split()))
            parts, size = [], 0
    pieces.append(" ".join("".join(parts).split()))
    return [piece for piece in pieces if piece]


def _with_marks(text: str) -> str:
    """All formulas between marks and spaces. Splitting calls no Python code for each of them."""
    parts = WRITTEN_FORMULA.split(text)  # prose, display or None, inline or None, prose, ...
    marked = [""] * (2 * (len(parts) // 3) + 1)
    marked[::2] = parts[::3]
    marked[1::2] = [
        display or inline for display, inline in zip(parts[1::3], parts[2::3], strict=True)
    ]
    return _MARKED.join(marked)


def _marked(text: str) -> Iterator[str]:
    """Prose as it is, formulas between marks and spaces."""
    position = 0
    for match in WRITTEN_FORMULA.finditer(text):
        yield from _cut(text[position : match.start()])
        yield f"{_MARKED}{match[1] or match[2]}{_MARKED}"
        position = match.end()
    yield from _cut(text[position:])


def _cut(prose: str) -> Iterator[str]:
    """A long text in parts of about a block, each but the last ending in a space."""
    position = 0
    while len(prose) - position > _BLOCK:
        end = _next_space(prose, position + _BLOCK)
        yield prose[position:end] + " "
        position = end
    yield prose[position:] if position else prose


_SPACE = re.compile(r"\s")


def _next_space(text: str, start: int) -> int:
    found = _SPACE.search(text, start)
    return found.start() if found else len(text)


def _hash_pieces(pieces: list[str]) -> bytes | None:
    if not pieces:
        return None
    digest = xxhash.xxh3_128()
    digest.update(pieces[0].encode("utf-8", "surrogatepass"))
    for piece in pieces[1:]:
        digest.update(b" ")
        digest.update(piece.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _token_hashes(pieces: list[str], owners: list[int]) -> list[tuple[int, UInt64Array]]:
    """(owner, 64-bit hashes of its tokens in order) for each piece."""
    joined = "\n".join(pieces)
    starts, hashes, commands = _tokens(joined)
    if commands is not None:
        hashes, visible = _unified(hashes, commands)
        starts, hashes = starts[visible], hashes[visible]
    ends = np.cumsum(np.fromiter((len(piece) + 1 for piece in pieces), np.int64, len(pieces)))
    cuts = np.searchsorted(starts, ends)
    return list(zip(owners, np.split(hashes, cuts[:-1]), strict=True))


def _tokens(
    text: str,
) -> tuple[npt.NDArray[np.int64], UInt64Array, npt.NDArray[np.bool_] | None]:
    """Where tokens begin, their hashes, and which are TeX commands (None: the text has no
    formulas)."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    points = points.astype(np.intp)  # what numpy indexes by: one conversion for all the look-ups
    values, all_classes = _tables()
    has_formulas = _MARK in text
    if has_formulas:
        points += _table_of_each(points == ord(_MARK))
    classes = all_classes.take(points)
    terms = values.take(points)
    if has_formulas:
        spacing = np.flatnonzero(classes[:-1] == _BACKSLASH)
        spacing = spacing[_spacing()[points[spacing + 1]]]
        classes[spacing] = classes[spacing + 1] = _NONE
        terms[spacing] = terms[spacing + 1] = 0
    powers, inverses = _powers(len(points))
    terms *= powers
    sums = np.cumsum(terms)
    begins = classes != _NONE
    begins[1:] &= (classes[1:] != classes[:-1]) | (classes[1:] == _SINGLE)
    if has_formulas:
        begins |= _begins_in_formulas(classes)
        begins[_command_letters(classes)] = False
    starts = np.flatnonzero(begins)
    if not len(starts):
        return starts, np.empty(0, np.uint64), None
    before = sums[starts] - terms[starts]
    hashes = np.empty_like(before)
    np.subtract(before[1:], before[:-1], out=hashes[:-1])
    np.subtract(sums[-1:], before[-1:], out=hashes[-1:])
    hashes *= inverses[starts]
    commands = classes[starts] == _BACKSLASH if has_formulas else None
    return starts, mix64(hashes), commands


def _table_of_each(is_mark: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Where the table of each code point begins: that of formulas from every other mark to the
    next."""
    cuts = np.concatenate([[0], np.flatnonzero(is_mark), [len(is_mark)]])
    tables = np.zeros(len(cuts) - 1, np.intp)
    tables[1::2] = _CODE_POINTS
    return np.repeat(tables, np.diff(cuts))


def _begins_in_formulas(classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Each letter and each backslash of a formula begins a token (letters of commands set
    aside)."""
    begins: npt.NDArray[np.bool_] = (classes == _LETTER) | (classes == _BACKSLASH)
    return begins


def _command_letters(classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Indices of the letters that follow a backslash without a gap: `frac` of `\\frac`."""
    letters = np.flatnonzero(classes == _LETTER)
    if not len(letters):
        return letters
    # Runs of adjacent letters: the first of each, and for each letter the run it belongs to.
    opens = np.ones(len(letters), np.bool_)
    np.not_equal(letters[1:], letters[:-1] + 1, out=opens[1:])
    firsts = letters[opens]
    commands = (firsts > 0) & (classes[firsts - 1] == _BACKSLASH)
    found: npt.NDArray[np.int64] = letters[commands[np.cumsum(opens) - 1]]
    return found


def _unified(
    hashes: UInt64Array, commands: npt.NDArray[np.bool_]
) -> tuple[UInt64Array, npt.NDArray[np.bool_]]:
    """Hashes with commands replaced by their synonyms, and which tokens are visible."""
    spellings, meanings = _synonym_table()
    places = np.flatnonzero(commands)
    own = hashes[places]
    nearest = np.minimum(np.searchsorted(spellings, own), len(spellings) - 1)
    known = spellings[nearest] == own
    hashes[places[known]] = meanings[nearest[known]]
    return hashes, hashes != 0


@cache
def _synonym_table() -> tuple[UInt64Array, UInt64Array]:
    """Sorted hashes of commands and the hashes they stand for; 0 for commands that show nothing."""

    def hashed(token: str) -> int:
        return int(_tokens(f"{_MARK}{token}{_MARK}")[1][0])

    meanings = {hashed(token): hashed(meaning) for token, meaning in _SYNONYMS.items()}
    meanings |= {hashed(token): 0 for token in _INVISIBLE}
    ordered = sorted(meanings)
    return np.array(ordered, np.uint64), np.array([meanings[h] for h in ordered], np.uint64)


@cache
def _spacing() -> npt.NDArray[np.bool_]:
    """Code points that make, after a backslash, a space: `\\,` `\\;` `\\ `."""
    spacing = np.zeros(2 * _CODE_POINTS, np.bool_)
    for character in ",;:!>/ \n":
        spacing[_CODE_POINTS + ord(character)] = True
    return spacing


_INVISIBLE = [
    r"\quad",
    r"\qquad",
    r"\thinspace",
    r"\left",
    r"\right",
    r"\middle",
    r"\big",
    r"\Big",
    r"\bigg",
    r"\Bigg",
    r"\bigl",
    r"\bigr",
    r"\Bigl",
    r"\Bigr",
    r"\biggl",
    r"\biggr",
    r"\displaystyle",
    r"\textstyle",
    r"\limits",
    r"\nolimits",
    r"\nonumber",
    r"\notag",
]
_SYNONYMS = {
    r"\dfrac": r"\frac",
    r"\tfrac": r"\frac",
    r"\cfrac": r"\frac",
    r"\dbinom": r"\binom",
    r"\tbinom": r"\binom",
    r"\le": r"\leq",
    r"\ge": r"\geq",
    r"\ne": r"\neq",
    r"\to": r"\rightarrow",
    r"\gets": r"\leftarrow",
    r"\vert": "|",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\land": r"\wedge",
    r"\lor": r"\vee",
    r"\lnot": r"\neg",
    r"\owns": r"\ni",
    r"\rm": r"\mathrm",
    r"\bf": r"\mathbf",
    r"\it": r"\mathit",
    r"\cal": r"\mathcal",
}


def _shingles(tokens: list[tuple[int, UInt64Array]], n_texts: int, ngram: int) -> list[UInt32Array]:
    empty = np.empty(0, np.uint32)
    if not tokens:
        return [empty] * n_texts
    counts = np.zeros(n_texts, np.int64)
    for owner, hashes in tokens:
        counts[owner] += len(hashes)
    stream = np.concatenate([hashes for _, hashes in tokens])
    if len(stream) < ngram:
        return [empty] * n_texts
    windows = len(stream) - ngram + 1
    combined = stream[:windows].copy()
    for offset in range(1, ngram):
        combined *= np.uint64(_SHINGLE_BASE)
        combined += stream[offset : offset + windows]
    short = (mix64(combined) >> np.uint64(32)).astype(np.uint32)
    return _distinct(short, counts, ngram)


def _distinct(hashes: UInt32Array, counts: npt.NDArray[np.int64], ngram: int) -> list[UInt32Array]:
    """The sorted distinct hashes of each text; `hashes`, one a window over the stream of all texts'
    tokens, are sorted in place text by text."""
    ends = np.cumsum(counts)
    firsts = ends - counts
    stops = np.maximum(ends - ngram + 1, firsts)
    fresh = np.empty(len(hashes), np.bool_)
    fresh[:1] = True
    bounds = list(zip(firsts.tolist(), stops.tolist(), ends.tolist(), strict=True))
    for first, stop, _ in bounds:
        hashes[first:stop].sort()
    np.not_equal(hashes[1:], hashes[:-1], out=fresh[1:])
    for first, stop, end in bounds:
        fresh[first : first + 1] = True
        fresh[stop:end] = False  # windows that reach into the next text
    until = np.concatenate([[0], np.cumsum(fresh)])
    kept = hashes[fresh]
    cuts = until[np.minimum(ends, len(hashes))]
    return np.split(kept, cuts[:-1])


def mix64(values: UInt64Array) -> UInt64Array:
    """MurmurHash3's 64-bit finaliser: every input bit reaches every output bit."""
    values = values ^ (values >> np.uint64(33))
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(33)
    return values


@cache
def _tables() -> tuple[UInt64Array, npt.NDArray[np.uint8]]:
    """For each code point, in prose and then in formulas: its term in a token's hash, its class."""
    plain = "".join(map(chr, range(_CODE_POINTS)))
    word = np.zeros(_CODE_POINTS, np.bool_)
    for match in re.finditer(r"[\w']+", plain):
        word[match.start() : match.end()] = True
    # U+0130 is the only character whose lower case is two characters.
    lowered = plain.replace("\u0130", "i").lower()
    lower = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    points = np.arange(_CODE_POINTS, dtype=np.uint64)
    classes = np.zeros(2 * _CODE_POINTS, np.uint8)
    classes[:_CODE_POINTS][word] = _WORD
    for first, last in _IDEOGRAPHS:
        classes[first : last + 1][word[first : last + 1]] = _SINGLE
    formula = classes[_CODE_POINTS:]
    formula[:] = _SINGLE
    formula[[ord(letter) for letter in string.ascii_letters]] = _LETTER
    formula[[ord(digit) for digit in string.digits]] = _DIGIT
    formula[ord("\\")] = _BACKSLASH
    formula[[ord(separator) for separator in (" ", "\n", "{", "}", "~", _MARK)]] = _NONE
    values = np.concatenate(
        [mix64(lower.astype(np.uint64) + np.uint64(1)), mix64(points + np.uint64(1 << 32))]
    )
    values[classes == _NONE] = 0
    return values, classes


_IDEOGRAPHS = [
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
]


def _powers(length: int) -> tuple[UInt64Array, UInt64Array]:
    """The first `length` powers of the base and of its inverse, modulo 2**64."""
    size = 2 * _BLOCK
    while size < length:
        size *= 2
    powers, inverses = _power_table(size)
    return powers[:length], inverses[:length]


@lru_cache(maxsize=2)
def _power_table(size: int) -> tuple[UInt64Array, UInt64Array]:
    def table(base: int) -> UInt64Array:
        factors = np.full(size, base, np.uint64)
        factors[0] = 1
        return np.multiply.accumulate(factors)

    return table(_BASE), table(_BASE_INVERSE)
