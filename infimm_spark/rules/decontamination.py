"""Documents that contain evaluation questions: found by n-grams, verified by alignment.

A question is a sequence of units (`rules.units`). A document that has one of the question's n-grams
(13 words, as FineMath; or the whole of a shorter question) is aligned with it there. The share is
that of the question's units that stand in the document in the same order, as FineMath and MegaMath
state it; a shorter question has to stand there as a whole. N-grams take any number for any other,
the share does not: a question with other numbers is seen, and counted for what it has in common.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from infimm_spark.config import DecontaminateConfig
from infimm_spark.rules.units import is_han, units, units_with_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd: multiplication loses nothing modulo 2**64
_MEMO = 1 << 20
# A short question of symbols only ("x = 2, y = 3, z = 4") is no sign of anything.
_MIN_WORDY = 3
_MIN_TELLING = 4
"""Different units, numbers not counted, that an n-gram needs: tables of numbers say nothing."""
_SIEVE_BITS = 24
_ANCHORS = 8
"""Units from a shared n-gram's first one on at which the alignment may begin: the first may be
numbers that differ."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of an evaluation set; `number` is its row in the set's file, from 0."""

    set: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A question found in a text: characters `start` to `end`, the share of the question's units
    that stand there in order, and the longest run of them without a gap."""

    question: Question
    start: int
    end: int
    share: float
    longest: int


@dataclass(frozen=True, slots=True)
class _Known:
    question: Question
    units: tuple[str, ...]
    ngram: int


class QuestionIndex:
    """The n-grams of all questions, ready to be looked for in texts. Pickles small enough to be
    broadcast: about 16 bytes an n-gram beside the questions themselves."""

    def __init__(self, questions: Iterable[Question], config: DecontaminateConfig) -> None:
        self.config = config
        self._known: list[_Known] = []
        self.too_short: list[Question] = []
        for question in questions:
            known = _known(question, config)
            if known is None:
                self.too_short.append(question)
            else:
                self._known.append(known)
        hashes: list[NDArray[np.uint64]] = []
        owners: list[NDArray[np.int32]] = []
        for number, known in enumerate(self._known):
            grams = ngram_hashes(known.units, known.ngram)[_telling(known.units, known.ngram)]
            hashes.append(grams)
            owners.append(np.full(len(grams), number, np.int32))
        joined = np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)
        order = np.argsort(joined, kind="stable")
        self._hashes = joined[order]
        self._owners = np.concatenate(owners)[order] if owners else np.zeros(0, np.int32)
        self._ngrams = sorted({known.ngram for known in self._known})
        # Nearly all windows of a text are dismissed by one look at this table of bits.
        self._sieve = np.zeros(1 << _SIEVE_BITS, np.bool_)
        self._sieve[_place(self._hashes)] = True

    @property
    def ngrams(self) -> int:
        """Number of n-grams of all questions."""
        return len(self._hashes)

    @property
    def questions(self) -> list[Question]:
        """The questions that are looked for."""
        return [known.question for known in self._known]

    @property
    def lengths(self) -> list[int]:
        """The lengths of n-grams, in units."""
        return self._ngrams

    def table(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All n-grams' hashes, sorted as unsigned numbers, and the place of each one's question in
        `questions`."""
        return self._hashes.view(np.int64), self._owners

    def matches(self, text: str) -> list[Match]:
        """Every question that the text contains, by set and number; each once, where most of it
        is."""
        words = units(text, self.config.simplify_chinese)
        found = []
        for owner, places in self._candidates(words):
            known = self._known[owner]
            best = best_alignment(known.units, words, places)
            is_short = known.ngram == len(known.units)
            if best and best[0] >= (1.0 if is_short else self.config.threshold):
                found.append((known.question, *best))
        if not found:
            return []
        placed = units_with_places(text, self.config.simplify_chinese)
        matches = [
            Match(question, placed[first][1], placed[last - 1][2], share, longest)
            for question, share, first, last, longest in found
        ]
        return sorted(matches, key=lambda match: (match.question.set, match.question.number))

    def _candidates(self, words: Sequence[str]) -> list[tuple[int, list[int]]]:
        """(question, places where one of its n-grams begins) for the questions that have any."""
        hashed = unit_hashes(words)
        found: dict[int, list[int]] = defaultdict(list)
        for ngram in self._ngrams:
            grams = _windows(hashed, ngram)
            (possible,) = np.nonzero(self._sieve[_place(grams)])
            lows = np.searchsorted(self._hashes, grams[possible], "left")
            highs = np.searchsorted(self._hashes, grams[possible], "right")
            for hit in np.flatnonzero(highs > lows).tolist():
                for owner in self._owners[lows[hit] : highs[hit]].tolist():
                    if self._known[owner].ngram == ngram:
                        found[owner].append(int(possible[hit]))
        return sorted(found.items())


class Searcher:
    """N-grams of documents, for the search by a join."""

    def __init__(self, simplify: bool) -> None:
        self._simplify = simplify

    def grams(self, text: str, lengths: Sequence[int]) -> list[NDArray[np.uint64]]:
        """The hashes of a text's n-grams, an array for each length."""
        hashed = unit_hashes(units(text, self._simplify))
        return [_windows(hashed, length) for length in lengths]


def best_alignment(
    question: Sequence[str], words: Sequence[str], places: Sequence[int]
) -> tuple[float, int, int, int] | None:
    """(share, first, last, longest) of the question's best alignment with `words` around `places`.

    `share` is the length of a common subsequence (longest runs first) over the question's;
    `words[first:last]` is the span from the first to the last unit in common, `longest` the longest
    run without a gap.
    """
    length = len(question)
    slack = length // 4
    best: tuple[float, int, int, int] | None = None
    reach = -1
    for place in places:
        if place < reach:  # inside a window that was looked at
            continue
        low = max(0, place - length - slack)
        high = min(len(words), place + length + slack)
        reach = place + slack + 1
        window = words[low:high]
        blocks = _blocks(question, window, place - low, length + slack)
        if not blocks:
            continue
        common = sum(size for _, _, size in blocks)
        share = common / length
        if best is None or share > best[0]:
            first = low + min(at for _, at, _ in blocks)
            last = low + max(at + size for _, at, size in blocks)
            best = (share, first, last, max(size for _, _, size in blocks))
    return best


def _blocks(
    question: Sequence[str], window: Sequence[str], seed: int, reach: int
) -> list[tuple[int, int, int]]:
    """(place in question, place in window, units) of a common subsequence around the run at
    `seed`.

    The run grows as far as it goes; both sides of it are aligned within `reach` units.
    """
    runs = [
        run
        for place in range(seed, min(seed + _ANCHORS, len(window)))
        if (run := _run_at(question, window, place)) is not None
    ]
    if not runs:
        return []
    a, b, size = max(runs, key=lambda run: run[2])
    before_low = max(0, b - min(a + a // 4 + 4, reach))
    left = _common(question[:a], window[before_low:b])
    rest = len(question) - a - size
    after_high = b + size + min(rest + rest // 4 + 4, reach)
    right = _common(question[a + size :], window[b + size : after_high])
    return [
        *((x, before_low + y, n) for x, y, n in left),
        (a, b, size),
        *((a + size + x, b + size + y, n) for x, y, n in right),
    ]


def _run_at(
    question: Sequence[str], window: Sequence[str], seed: int
) -> tuple[int, int, int] | None:
    """The longest run that the question has in common with the window through place `seed`."""
    best: tuple[int, int, int] | None = None
    for at, unit in enumerate(question):
        if unit != window[seed]:
            continue
        a, b = at, seed
        while a and b and question[a - 1] == window[b - 1]:
            a, b = a - 1, b - 1
        size = 0
        while (
            a + size < len(question)
            and b + size < len(window)
            and question[a + size] == window[b + size]
        ):
            size += 1
        if best is None or size > best[2]:
            best = (a, b, size)
    return best


def _common(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int]]:
    if not a or not b:
        return []
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    return [(m.a, m.b, m.size) for m in matcher.get_matching_blocks() if m.size]


def ngram_hashes(words: Sequence[str], ngram: int) -> NDArray[np.uint64]:
    """64-bit hashes of all n-grams of some units, in order; any number is like any other."""
    return _windows(unit_hashes(words), ngram)


_hashed: dict[str, int] = {}


def unit_hashes(words: Sequence[str]) -> NDArray[np.uint64]:
    """64-bit hashes of some units, in order."""
    if len(_hashed) > _MEMO:
        _hashed.clear()
    known = _hashed.get
    values = [known(word) or _hash(word) for word in words]
    return np.array(values, np.uint64)


def _hash(word: str) -> int:
    # All numbers are one: a question with other numbers is looked at, and judged by its share.
    known = "0" if word.isdigit() else word
    value = _hashed[word] = xxhash.xxh3_64_intdigest(known.encode("utf-8", "surrogatepass")) or 1
    return value


def _windows(hashed: NDArray[np.uint64], ngram: int) -> NDArray[np.uint64]:
    count = len(hashed) - ngram + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    total = hashed[:count].copy()
    for offset in range(1, ngram):
        total *= _BASE
        total += hashed[offset : offset + count]
    total ^= total >> np.uint64(29)
    return total * _BASE


def _place(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    return (hashes >> np.uint64(64 - _SIEVE_BITS)).astype(np.intp)


def _telling(words: Sequence[str], ngram: int) -> list[int]:
    """Places of the n-grams by which a question is looked for: those of enough different units,
    or else the one of most."""
    said = [
        len({word for word in words[place : place + ngram] if not word.isdigit()})
        for place in range(len(words) - ngram + 1)
    ]
    telling = [place for place, different in enumerate(said) if different >= _MIN_TELLING]
    return telling or [max(range(len(said)), key=said.__getitem__)]


def ngram_of(words: Sequence[str], config: DecontaminateConfig) -> int | None:
    """The length of the n-grams by which a question is looked for; None for one that is too
    short.

    Chinese questions are those of more Chinese characters than other units.
    """
    han = sum(map(is_han, words))
    is_chinese = 2 * han > len(words)
    ngram, least = (
        (config.char_ngram, config.min_chars) if is_chinese else (config.ngram, config.min_words)
    )
    if len(words) < min(ngram, least):
        return None
    if len(words) < ngram:
        wordy = han + sum(len(word) > 1 and word.isalpha() for word in words)
        if wordy < _MIN_WORDY:
            return None
    return min(ngram, len(words))


def _known(question: Question, config: DecontaminateConfig) -> _Known | None:
    words = tuple(units(question.text, config.simplify_chinese))
    ngram = ngram_of(words, config)
    return None if ngram is None else _Known(question, words, ngram)
