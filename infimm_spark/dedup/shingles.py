"""Text to shingle hashes, vectorised over code points.

A shingle is `n` tokens in a row: 5 for word languages, 10 for Chinese. Tokens are words (``[\\w']+``,
lower-cased), single Chinese or Japanese characters, and the tokens of formulas (case kept: X is not x;
braces are not tokens). Python never loops over tokens: the code points of many documents lie in one
numpy array, token hashes come out of one cumulative sum (a polynomial hash modulo 2**64, made
position-independent by the inverse of its base), and shingle hashes out of `n` shifted additions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import xxhash

UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]

SCHEME = "shingles-1"
"""Version of normalisation, tokens and hashing; raised whenever any hash changes."""

_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$\n]+(?:\n[^$\n]+)*)\$")
"""`$$x^2$$` or `$x^2$`; an inline formula does not span a blank line."""
_TEX_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+|\S", re.DOTALL)
"""`\\frac`, `\\{`, `12`, `x`."""

_MARK = "\ufdd0"  # a noncharacter: stands before and after a formula in normalised text
_ESCAPED_DOLLAR = "\ufdd1"
_CODE_POINTS = 0x110000
_BLOCK = 1 << 18  # code points hashed at once: the working arrays stay within the cache

_NONE, _WORD, _SINGLE, _FORMULA_TOKEN = 0, 1, 2, 3  # classes of code points

_BASE = 0x9E3779B97F4A7C1F  # odd, and 3 modulo 4: its powers lose at most a bit of a difference
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_SHINGLE_BASE = 0xD6E8FEB86659FD93


def normal_text(text: str) -> str:
    """The form in which two texts are compared for equality, and from which shingles are cut.

    Unicode NFC, white space folded to single spaces, formulas as their tokens with spacing and sizes
    left out, inline and display alike; letter case and punctuation stay. Empty for a text of white space only.
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


def _normal_pieces(text: str) -> list[str]:
    """`normal_text` in pieces that, joined by single spaces, make it up; one for a short text."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = text.replace(_MARK, " ").replace(_ESCAPED_DOLLAR, " ")
    if "\\$" in text:
        text = text.replace("\\$", _ESCAPED_DOLLAR)
    pieces: list[str] = []
    parts: list[str] = []
    size = 0
    for part in _marked(text) if "$" in text else _cut(text):
        parts.append(part)
        size += len(part)
        if size >= _BLOCK and part.endswith(" "):
            pieces.append(" ".join("".join(parts).split()))
            parts, size = [], 0
    pieces.append(" ".join("".join(parts).split()))
    return [piece for piece in pieces if piece]


def _marked(text: str) -> Iterator[str]:
    """Prose as it is, the tokens of formulas between marks and spaces."""
    position = 0
    for match in _FORMULA.finditer(text):
        yield from _cut(text[position : match.start()])
        yield f" {_MARK} {_normal_formula(match[1] or match[2])} {_MARK} "
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


@lru_cache(maxsize=1 << 16)
def _normal_formula(tex: str) -> str:
    """Tokens with spacing and sizes left out and synonyms unified: `\frac { a } { b }`.

    By tokens only: parsing formulas into the full normal form would take five times as long as all
    the rest of a signature, and the shingles, which have no braces, hardly see the difference.
    """
    tokens = _TEX_TOKEN.findall(tex)
    return " ".join([_SYNONYMS.get(token, token) for token in tokens if token not in _INVISIBLE])


_INVISIBLE = frozenset(
    [
        r"\,",
        r"\;",
        r"\:",
        r"\!",
        r"\>",
        r"\/",
        r"~",
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
) | {"\\ ", "\\\n"}
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
    r"\lbrace": r"\{",
    r"\rbrace": r"\}",
    r"\vert": "|",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\Vert": r"\|",
    r"\lVert": r"\|",
    r"\rVert": r"\|",
    r"\land": r"\wedge",
    r"\lor": r"\vee",
    r"\lnot": r"\neg",
    r"\owns": r"\ni",
    r"\rm": r"\mathrm",
    r"\bf": r"\mathbf",
    r"\it": r"\mathit",
    r"\cal": r"\mathcal",
}


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
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    values, classes = _tables()
    if _MARK in joined:
        inside = np.bitwise_xor.accumulate(points == ord(_MARK))
        points = points + inside.astype(np.uint32) * np.uint32(_CODE_POINTS)
    classes = classes[points]
    powers, inverses = _powers(len(points))
    terms = values[points]
    terms *= powers
    sums = np.cumsum(terms)
    begins = classes != _NONE
    begins[1:] &= (classes[1:] != classes[:-1]) | (classes[1:] == _SINGLE)
    starts = np.flatnonzero(begins)
    if not len(starts):
        return [(owner, np.empty(0, np.uint64)) for owner in owners]
    before = sums[starts] - terms[starts]
    hashes = np.empty_like(before)
    np.subtract(before[1:], before[:-1], out=hashes[:-1])
    np.subtract(sums[-1:], before[-1:], out=hashes[-1:])
    hashes *= inverses[starts]
    hashes = _mix64(hashes)
    ends = np.cumsum(np.fromiter((len(piece) + 1 for piece in pieces), np.int64, len(pieces)))
    cuts = np.searchsorted(starts, ends)
    return list(zip(owners, np.split(hashes, cuts[:-1]), strict=True))


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
    short = (_mix64(combined) >> np.uint64(32)).astype(np.uint32)
    firsts = np.cumsum(counts) - counts
    result = []
    for first, count in zip(firsts.tolist(), counts.tolist(), strict=True):
        n_windows = count - ngram + 1
        result.append(_distinct(short[first : first + n_windows]) if n_windows > 0 else empty)
    return result


def _distinct(hashes: UInt32Array) -> UInt32Array:
    ordered = np.sort(hashes)
    fresh = np.empty(len(ordered), np.bool_)
    fresh[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]


def _mix64(values: UInt64Array) -> UInt64Array:
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
    formula[:] = _FORMULA_TOKEN
    for separator in (" ", "\n", "{", "}", _MARK):
        formula[ord(separator)] = _NONE
    values = np.concatenate(
        [_mix64(lower.astype(np.uint64) + np.uint64(1)), _mix64(points + np.uint64(1 << 32))]
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
