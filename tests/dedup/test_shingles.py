"""Normalised text and shingle hashes."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infimm_spark.dedup import minhash, shingles
from infimm_spark.extract.latex import normal_form

MASK = (1 << 64) - 1


def mix64(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ (value >> 33)


def token_hash(token: str, *, formula: bool) -> int:
    """One token's hash by the definition, character by character."""
    total = 0
    for place, character in enumerate(token):
        point = ord(character) + (1 << 32) if formula else ord(character.lower()) + 1
        power = pow(shingles._BASE, place, 1 << 64)
        total = (total + mix64(point & MASK) * power) & MASK
    return mix64(total)


def expected_shingles(tokens: list[int], ngram: int) -> list[int]:
    found = set()
    for first in range(len(tokens) - ngram + 1):
        total = 0
        for value in tokens[first : first + ngram]:
            total = (total * shingles._SHINGLE_BASE + value) & MASK
        found.add(mix64(total) >> 32)
    return sorted(found)


words = st.text(st.sampled_from("abcXYZ'é0_ ,.-\n\t中文字。"), max_size=80)


@given(text=words, ngram=st.integers(1, 6))
def test_shingles_are_those_of_a_scalar_reference(text: str, ngram: int) -> None:
    """The vectorised hashes are those of the definition: words or single ideographs, n in a row."""
    tokens = [
        token_hash(token, formula=False)
        for token in re.findall(r"[一-鿿]|(?:(?![一-鿿])[\w'])+", text)
    ]
    assert shingles.shingle_hashes(text, ngram).tolist() == expected_shingles(tokens, ngram)


def test_a_formula_becomes_its_tokens() -> None:
    r"""`$\frac{d}{dx}$` gives \frac, d, d, x with case kept and braces left out."""
    tokens = [token_hash("let", formula=False)]
    tokens += [token_hash(token, formula=True) for token in ("\\frac", "d", "d", "X", "12")]
    tokens += [token_hash("be", formula=False)]
    found = shingles.shingle_hashes(r"Let $\frac{d}{dX} 12$ be", 2)
    assert found.tolist() == expected_shingles(tokens, 2)


@settings(deadline=None)
@given(texts=st.lists(words, max_size=8), ngram=st.integers(1, 4))
def test_a_batch_equals_its_texts_one_by_one(texts: list[str], ngram: int) -> None:
    """Hashing many texts together changes nothing, empty ones included."""
    hashes, batch = shingles.shingle_batch(texts, ngram)
    assert hashes == [shingles.text_hash(text) for text in texts]
    for text, found in zip(texts, batch, strict=True):
        assert np.array_equal(found, shingles.shingle_hashes(text, ngram))


@given(text=words)
def test_normal_text_is_a_fixed_point(text: str) -> None:
    """Normalising twice is normalising once."""
    assert shingles.normal_text(shingles.normal_text(text)) == shingles.normal_text(text)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("a  b\n\nc", "a b c"),
        ("café", "café"),
        (r"so $$ x^2 $$ holds", r"so $x^2$ holds"),
    ],
)
def test_equal_normal_texts(left: str, right: str) -> None:
    """White space, composition and display do not count."""
    assert shingles.text_hash(left) == shingles.text_hash(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("a b", "a B"), ("$x$", "$X$"), ("a, b", "a b"), ("$x$", "x"), ("ab", "a b")],
)
def test_different_normal_texts(left: str, right: str) -> None:
    """Case, punctuation and being a formula count for exact equality."""
    assert shingles.text_hash(left) != shingles.text_hash(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x^2", "x^{2}"),
        (r"\left( a \right)", "(a)"),
        (r"\dfrac ab", r"\frac{a}{b}"),
        (r"a\,b\;c\ d\quad e~f", "abcdef"),
        (r"a \le b", r"a\leq b"),
        (r"\displaystyle\sum\limits_i i", r"\sum_{i} i"),
    ],
)
def test_spellings_of_a_formula_share_their_shingles(left: str, right: str) -> None:
    """Braces, spacing, sizes and synonyms leave no trace in shingles."""
    hashes = [shingles.shingle_hashes(f"with ${tex}$ on", 3) for tex in (left, right)]
    assert len(hashes[0])
    assert np.array_equal(*hashes)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x^2", "x^3"),
        ("ab", "ba"),
        (r"\alpha", "alpha"),
        ("12", "21"),
        (r"\sin x", r"\cos x"),
        ("+", "-"),
    ],
)
def test_different_formulas_have_different_shingles(left: str, right: str) -> None:
    """Letters, order, digits, signs and commands count."""
    hashes = [shingles.shingle_hashes(f"with ${tex}$ on", 3) for tex in (left, right)]
    assert not np.array_equal(*hashes)


def test_words_ignore_case_and_formulas_do_not() -> None:
    """Shingles of prose are lower-cased; X and x stay apart in formulas."""
    assert np.array_equal(
        shingles.shingle_hashes("The Sum Of All", 2), shingles.shingle_hashes("the sum of all", 2)
    )
    assert not np.array_equal(
        shingles.shingle_hashes("the sum $X$ of", 2), shingles.shingle_hashes("the sum $x$ of", 2)
    )


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_empty_text_has_no_hash(text: str) -> None:
    """A text of white space equals nothing and has no shingles."""
    assert shingles.text_hash(text) is None
    assert len(shingles.shingle_hashes(text, 5)) == 0


def test_dollars_that_are_no_formulas_are_prose() -> None:
    """An escaped dollar or a single one starts no formula."""
    plain = shingles.shingle_hashes(r"it costs \$5 or \$10 in all here", 2)
    assert np.array_equal(plain, shingles.shingle_hashes("it costs 5 or 10 in all here", 2))
    assert np.array_equal(
        shingles.shingle_hashes("it costs $5 in all", 2),
        shingles.shingle_hashes("it costs 5 in all", 2),
    )


def test_a_long_text_gives_the_same_shingles_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting a long text into blocks changes neither hash nor shingles."""
    text = " ".join(f"word{i} $x_{{{i}}}$" for i in range(3_000))
    whole = shingles.text_hash(text), shingles.shingle_hashes(text, 5).tolist()
    monkeypatch.setattr(shingles, "_BLOCK", 1_000)
    assert (shingles.text_hash(text), shingles.shingle_hashes(text, 5).tolist()) == whole


def test_memory_is_bounded_by_the_length_of_a_text() -> None:
    """A text of 5 MB takes less than 20 bytes a character beside itself, so that 50 MB fit a
    worker."""
    words = " ".join(f"w{i * i % 1_000_003}" for i in range(800_000))
    text = f"{words} $x^2$ é {words[:100]}"
    shingles.shingle_hashes("warm up: tables are built once", 5)
    tracemalloc.start()
    try:
        (distinct,) = shingles.shingle_batch([text], 5)[1]
        minhash.signatures_and_sketches([distinct], 112, 1, 512)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(distinct) > 700_000
    assert peak < 20 * len(text)


def test_hash_values_do_not_change_between_versions() -> None:
    """Stored signatures stay valid: changed values must come with a new SCHEME."""
    assert shingles.SCHEME == "shingles-1"
    found = shingles.shingle_hashes(r"The quick brown fox proves $a^2 + b^2 = c^2$ 数学", 5)
    assert (len(found), int(found.astype(np.uint64).sum())) == (14, 26664172266)


def test_synonyms_are_those_of_the_normal_form() -> None:
    """Whatever shingles take for one token, formulas compare as equal; what they leave out shows
    nothing."""
    fonts = {r"\rm", r"\bf", r"\it", r"\cal"}
    for token, meaning in shingles._SYNONYMS.items():
        if token in fonts:
            one, other = f"{{{token} x}}", f"{meaning}{{x}}"
        else:
            one, other = f"a{token} bc", f"a{meaning} bc"
        assert normal_form(one) == normal_form(other), (token, meaning)
    for token in shingles._INVISIBLE:
        assert normal_form(f"a{token} (b") == normal_form("a(b"), token
