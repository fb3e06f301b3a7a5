"""The text metrics, against their definitions written out naively."""

from __future__ import annotations

import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark import schemas
from infimm_spark.rules.metrics import Metrics, text_metrics
from infimm_spark.rules.special_characters import SPECIAL_CODE_POINTS

# Few letters, so that n-grams repeat; marks, spaces and characters beyond the first plane.
TEXTS = st.text(st.sampled_from(list("ab \n'_.,;数学，é😀𝔸")), max_size=200)


def naive(text: str) -> tuple[float, float, float, float]:
    """char repetition, word repetition, special, punctuation – by counting, with no cleverness."""
    chars = Counter(text[i : i + 5] for i in range(len(text) - 4))
    frequencies = sorted(chars.values(), reverse=True)
    top = min(math.floor(math.sqrt(len(chars))), sum(f > 1 for f in frequencies))
    words = text.split()
    grams = Counter(tuple(words[i : i + 5]) for i in range(len(words) - 4))
    tokens = re.findall(r"[\w']+|[,;:?!.]", text)
    return (
        sum(frequencies[:top]) / sum(frequencies) if frequencies else 0.0,
        sum(f for f in grams.values() if f > 1) / sum(grams.values()) if grams else 0.0,
        sum(ord(c) in SPECIAL_CODE_POINTS for c in text) / len(text) if text else 0.0,
        sum(t in ",;:?!." for t in tokens) / len(tokens) if tokens else 0.0,
    )


@given(TEXTS)
def test_definitions(text: str) -> None:
    """On any text the metrics equal the written-out definitions, and size counts characters."""
    metrics = text_metrics(text, "en")
    assert metrics.size == len(text)
    assert (
        metrics.char_repetition_ratio,
        metrics.word_repetition_ratio,
        metrics.special_character_ratio,
        metrics.punctuation_ratio,
    ) == naive(text)


def test_many_distinct_words() -> None:
    """The n-gram count stays exact when the vocabulary is too large to pack five words in a
    number."""
    refrain = [str(n * n) for n in range(40)]
    text = " ".join([*(str(n) for n in range(20_000)), *refrain, *refrain])
    assert text_metrics(text, "en").word_repetition_ratio == naive(text)[1] > 0


def test_by_hand() -> None:
    """A sentence small enough to count by eye: four marks among fifteen tokens."""
    metrics = text_metrics("Let x = 1, y = 2; then x + y = 3: done. It's", "en")
    assert metrics.punctuation_ratio == pytest.approx(4 / 15)
    assert metrics.size == 44


def test_repetition_of_a_refrain() -> None:
    """Ten copies of one sentence repeat almost every word 5-gram; ten different ones none."""
    refrain = "the torque of a conveyor motor is computed here. " * 10
    different = " ".join(f"w{i}" for i in range(90))
    assert text_metrics(refrain, "en").word_repetition_ratio == 1.0
    assert text_metrics(different, "en").word_repetition_ratio == 0.0


def test_chinese_words_are_characters() -> None:
    """Without spaces between words, repetition in Chinese is seen in its characters."""
    text = "设函数在闭区间上连续且在开区间内可导" * 3
    assert text_metrics(text, "zh").word_repetition_ratio == 1.0
    assert text_metrics(text, "en").word_repetition_ratio == 0.0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_empty(language: str) -> None:
    """A document of images alone has zeros everywhere."""
    assert text_metrics("", language) == Metrics(0, 0.0, 0.0, 0.0, 0.0, 0, False)


def test_columns_mirror_the_schema() -> None:
    """The dataclass has the columns of the table, in their order."""
    assert list(Metrics.__slots__) == [name for name, _ in schemas.METRICS]


@pytest.mark.parametrize(
    "text",
    [
        "the limit of � as n grows",
        "函数锟斤拷的极限",
        "Lagrangeâ€™s theorem",
        "the limit\x92s value",
        "half a pair \ud835",
        "\ufffe",
    ],
)
def test_unicode_errors(text: str) -> None:
    """Traces of wrong decoding are recognised."""
    assert text_metrics(text, "en").has_unicode_error


@pytest.mark.parametrize(
    "text",
    [
        "Ã² is a squared operator with a tilde",
        "café naïve Gödel",
        "𝔸 ⊂ ℝ",
        "a\x85b",
        "\uf061 β",
        "€ 5",
    ],
)
def test_no_unicode_errors(text: str) -> None:
    """Accents, mathematical alphabets, operators and private-use symbol fonts are no errors."""
    assert not text_metrics(text, "en").has_unicode_error
