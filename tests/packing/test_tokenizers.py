"""Tokenizers: ids, where tokens begin, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.errors import ConfigError, InputError, ModelError
from infimm_spark.packing.tokenizers import open_tokenizer, tokenizer_source

GPT2 = tokenizer_source("tiktoken:gpt2")


@given(st.text(max_size=60))
def test_tokens_tell_where_in_the_text_they_begin(text: str) -> None:
    """The tokens from a place on decode to the text from that character on; a token inside a
    character says -1."""
    from infimm_spark.rules.tokens import gpt3_encoding

    ids, starts = open_tokenizer(GPT2).encode(text)
    assert len(ids) == len(starts)
    content = text.encode("utf-8", "replace")
    encoding = gpt3_encoding()
    for number, start in enumerate(starts):
        rest = b"".join(encoding.decode_tokens_bytes(ids[number:]))
        if start >= 0:
            assert content.endswith(rest)
            assert rest == text[start:].encode("utf-8", "replace")


def test_a_tokenizer_file_gives_ids_and_places(tokenizer_file: Path) -> None:
    """Ids are the file's; special tokens in a text are text; truncation in the file is ignored."""
    tokenizer = open_tokenizer(tokenizer_source(str(tokenizer_file)))
    text = "Pythagoras: $a^2$ 勾股 " * 20 + "<|endoftext|>"
    ids, starts = tokenizer.encode(text)
    assert len(ids) == len(starts) > 60
    assert tokenizer.end not in ids
    known = [start for start in starts if start >= 0]
    assert known == sorted(known)
    assert tokenizer.image == tokenizer.size


def test_what_is_no_tokenizer_is_refused(tmp_path: Path, tokenizer_file: Path) -> None:
    """An absent file, a file of something else, an unknown encoding, a missing end token."""
    other = tmp_path / "notes.json"
    other.write_text('{"a": 1}')
    binary = tmp_path / "model.bin"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"expected a tokenizer.json or tiktoken:NAME"):
        tokenizer_source(str(tmp_path / "none.json"))
    for file in (other, binary):
        with pytest.raises(ModelError, match="is no tokenizer"):
            tokenizer_source(str(file))
    with pytest.raises(InputError, match=r"no such encoding; expected one of: .*cl100k_base"):
        tokenizer_source("tiktoken:gpt9")
    with pytest.raises(ModelError, match="none of the tokens <end>"):
        tokenizer_source(str(tokenizer_file), "<end>")
    with pytest.raises(ConfigError, match="--end-token"):
        tokenizer_source("tiktoken:gpt2", "<end>")
