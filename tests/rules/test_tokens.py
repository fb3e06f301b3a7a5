"""GPT-3 token counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.errors import ModelError
from infimm_spark.rules import tokens
from infimm_spark.rules.tokens import gpt3_token_length


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("hello world", [31373, 995]),
        ("Hello, world!", [15496, 11, 995, 0]),
        ("\n", [198]),
        ("", []),
    ],
)
def test_published_ids(text: str, ids: list[int]) -> None:
    """Texts whose GPT-2 token ids are published are encoded to them."""
    assert tokens.gpt3_encoding().encode_ordinary(text) == ids
    assert gpt3_token_length(text) == len(ids)


def test_vocabulary_is_complete() -> None:
    """256 bytes and 50,000 merges."""
    assert tokens.gpt3_encoding().n_vocab == 50_256


def test_special_tokens_are_text() -> None:
    """A page that talks of <|endoftext|> is counted, not refused."""
    assert gpt3_token_length("<|endoftext|>") == 7


@given(st.text(max_size=300))
def test_ordinary_text_is_not_cut(text: str) -> None:
    """Without a run of 256 like characters the count is the encoder's own."""
    assert gpt3_token_length(text) == len(tokens.gpt3_encoding().encode_ordinary(text)) or any(
        tokens._LONG_RUN.finditer(text)
    )


@pytest.mark.parametrize("unit", ["a", " ", "=", "_-", "数学", "²2", "\n ", "ab "])
def test_long_runs(unit: str) -> None:
    """A million characters of one kind are counted piece by piece, within a cut's error."""
    short = gpt3_token_length(unit * (25_600 // len(unit)))
    long = gpt3_token_length(unit * (1_024_000 // len(unit)))
    assert long == pytest.approx(40 * short, rel=0.01)


def test_wrong_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary with another checksum, or none, is an error that names it."""
    monkeypatch.setattr(tokens, "_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="SHA-256"):
        tokens._vocabulary()
    monkeypatch.setattr(tokens, "_PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="no_such_package"):
        tokens._vocabulary()
