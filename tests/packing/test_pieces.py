"""Documents as tokens, and the places where they may be cut."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract.text import literal_spans
from infimm_spark.packing.pieces import TokenizedDocument, parts, tokenize
from infimm_spark.packing.tokenizers import open_tokenizer, tokenizer_source
from infimm_spark.rules.tokens import gpt3_encoding

GPT2 = open_tokenizer(tokenizer_source("tiktoken:gpt2"))
FORMULA = r"$\frac{a + b}{c - d} = \sum_{k=1}^{n} k^2$"
DISPLAY = "$$\n\\int_0^1 x\\,dx\n= \\frac12\n$$"
ROW = "| $n$ | squares of n | 4 |"

PIECES = st.sampled_from(
    ["A word. ", "line\n", "\n\n", FORMULA + " ", DISPLAY + "\n\n", f"\n{ROW}\n{ROW}\n", "勾股定理。",
     "x" * 50, "\\$5 and ", "`a $b` "]
)  # fmt: skip
TEXTS = st.lists(PIECES, min_size=1, max_size=30).map("".join)
ELEMENTS = st.lists(st.one_of(st.just(None), TEXTS), min_size=1, max_size=8)


def document(elements: list[str | None], image_tokens: int = 4) -> TokenizedDocument:
    """Texts, and an image for each None."""
    images = ["https://a/b.png" if text is None else None for text in elements]
    return tokenize("d", elements, images, GPT2, image_tokens)


def text_of(found: TokenizedDocument, first: int, end: int) -> str:
    """The text of a span; `‡` for a token of an image, nothing for the end."""
    encoding = gpt3_encoding()
    ids = found.ids[first:end]
    shown = [b"\x86" if i == GPT2.image else b"" if i == GPT2.end else None for i in ids]
    return b"".join(
        encoding.decode_single_token_bytes(i)
        if mark is None
        else mark.replace(b"\x86", "‡".encode())
        for i, mark in zip(ids, shown, strict=True)
    ).decode("utf-8")


@given(ELEMENTS, st.integers(24, 80), st.integers(1, 3))
def test_every_token_is_in_one_part_or_named_as_unused(
    elements: list[str | None], length: int, max_images: int
) -> None:
    """Parts and unused spans are the document, in order; parts keep both limits."""
    found = document(elements)
    fitting, unused = parts(found, length, max_images)
    spans = sorted([*fitting, *unused], key=lambda span: span.first)
    assert [span.first for span in spans] == [0, *(span.end for span in spans)][:-1]
    assert spans[-1].end == len(found.ids)
    assert sum(len(span.images) for span in spans) == len(found.images)
    for span in fitting:
        assert span.end - span.first <= length
        assert len(span.images) <= max_images


@given(TEXTS, st.integers(24, 60))
def test_no_cut_is_inside_a_formula_or_a_row(text: str, length: int) -> None:
    """Wherever two spans meet, no formula and no row of the text is open, and no character is
    cut."""
    found = document([text])
    fitting, unused = parts(found, length, 1)
    forbidden = [(start, end) for start, end, formula in literal_spans(text) if formula]
    forbidden += [match.span() for match in re.finditer(r"^[ >]*\|.*\|[ ]*$", text, re.M)]
    for span in [*fitting, *unused]:
        at = len(text_of(found, 0, span.first))
        assert not any(start < at < end for start, end in forbidden)


def test_a_long_document_is_cut_between_paragraphs() -> None:
    """Though sentences and lines offer later places."""
    paragraph = "One sentence ends here. Another line\nfollows it, with words."
    found = document(["\n\n".join([paragraph] * 5)])
    fitting, unused = parts(found, 40, 1)
    assert not unused
    texts = [text_of(found, span.first, span.end) for span in fitting]
    assert "".join(texts) == "\n\n".join([paragraph] * 5)
    assert all(text.strip().startswith("One") for text in texts)


def test_an_image_stays_with_the_text_that_follows() -> None:
    """The cut comes before the image, not between it and its text; images after the last text stay
    with that."""
    words = "word " * 11 + "word"
    found = document([words, None, words, None], image_tokens=4)
    fitting, _ = parts(found, 20, 4)
    texts = [text_of(found, span.first, span.end) for span in fitting]
    assert texts[0] == words
    assert texts[1].startswith("‡‡‡‡word")
    assert texts[-1].endswith("‡‡‡‡")
    assert "word" in texts[-1]


def test_a_formula_longer_than_a_sequence_is_named_and_left_out() -> None:
    """What stands before and after it is used."""
    formula = "$" + "+".join(["x_{1}"] * 60) + "$"
    found = document([f"Before it.\n\n{formula}\n\nAfter it."])
    fitting, unused = parts(found, 32, 1)
    (span,) = unused
    assert formula.startswith(text_of(found, span.first, span.end).strip()[:20])
    texts = [text_of(found, s.first, s.end) for s in fitting]
    assert texts[0].strip() == "Before it."
    assert texts[-1].strip() == "After it."


def test_more_images_than_a_sequence_takes_go_into_several() -> None:
    """Five images in a row, two a sequence."""
    found = document([None] * 5 + ["The end."])
    fitting, unused = parts(found, 64, 2)
    assert [len(span.images) for span in fitting] == [2, 2, 1]
    assert not unused


def test_texts_that_follow_each_other_are_apart() -> None:
    """A blank line is between them, which counts as their tokens; the last token ends the
    document."""
    found = document(["One.", "Two."])
    assert text_of(found, 0, len(found.ids)) == "One.\n\nTwo."
    assert found.ids[-1] == GPT2.end
    assert list(found.ids).count(GPT2.end) == 1
