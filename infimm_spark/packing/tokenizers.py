"""Tokenizers: text to token ids, and where in the text each token begins."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import tiktoken

from infimm_spark.errors import ConfigError, InputError, ModelError
from infimm_spark.extras import require_extra
from infimm_spark.rules.tokens import bounded_pieces, gpt3_encoding

_TIKTOKEN = "tiktoken:"
_SHIPPED = ("gpt2", "r50k_base")  # one encoding, whose vocabulary this package has
_GPT2_END = 50_256
_END_TOKENS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>", "[SEP]")
_IMAGE_TOKENS = ("<image>", "<|image|>", "<|image_pad|>", "<IMG>")


@dataclass(frozen=True, slots=True)
class TokenizerSource:
    """Which tokenizer, with all it takes to open it on another machine."""

    name: str
    content: bytes | None
    """Of a tokenizer file; None for one of tiktoken's."""
    end_token: str | None = None

    @property
    def digest(self) -> str:
        """Changes with the tokenizer."""
        of = f"{self.name if self.content is None else ''}|{self.end_token}".encode()
        return hashlib.sha256((self.content or b"") + of).hexdigest()


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """`encode` gives token ids, and for each token the character where it begins, or -1 where it
    begins inside a character. `end` follows a document; `image` stands for an image."""

    encode: Callable[[str], tuple[list[int], list[int]]]
    end: int
    image: int
    size: int


def tokenizer_source(name: str, end_token: str | None = None) -> TokenizerSource:
    """The tokenizer that `--tokenizer` names: `tiktoken:NAME`, or a Hugging Face `tokenizer.json`.

    It is opened once here. Raises `InputError` for a file that is absent and `ModelError` for one
    that is no tokenizer.
    """
    content = None
    if not name.startswith(_TIKTOKEN):
        try:
            with open(os.path.expanduser(name), "rb") as file:
                content = file.read()
        except OSError as error:
            raise InputError(
                f"--tokenizer {name}: {error.strerror}; expected a tokenizer.json or tiktoken:NAME"
            ) from None
    source = TokenizerSource(name, content, end_token)
    open_tokenizer(source)
    return source


@lru_cache(maxsize=2)
def open_tokenizer(source: TokenizerSource) -> Tokenizer:
    """The tokenizer, opened once in each process. Raises `ModelError`."""
    if source.content is None:
        return _tiktoken(source)
    return _hugging_face(source, source.content)


def _hugging_face(source: TokenizerSource, content: bytes) -> Tokenizer:
    require_extra("pack", f"--tokenizer {source.name}")
    from tokenizers import Tokenizer as Library

    try:
        library = Library.from_str(content.decode("utf-8"))
    except Exception as error:  # the library raises nothing more special
        reason = " ".join(str(error).split())[:100]
        raise ModelError(
            f"--tokenizer {source.name} is no tokenizer ({reason}); expected the tokenizer.json of "
            "Hugging Face's tokenizers"
        ) from None
    library.no_padding()
    library.no_truncation()
    library.encode_special_tokens = True  # in a page's text they are text
    vocabulary = library.get_vocab(with_added_tokens=True)
    wanted = (source.end_token,) if source.end_token else _END_TOKENS
    end = next((vocabulary[token] for token in wanted if token in vocabulary), None)
    if end is None:
        raise ModelError(
            f"--tokenizer {source.name} has none of the tokens {', '.join(wanted)}; expected the "
            "one that ends a document as --end-token"
        )
    size = max(vocabulary.values()) + 1
    image = next((vocabulary[token] for token in _IMAGE_TOKENS if token in vocabulary), size)

    def encode(text: str) -> tuple[list[int], list[int]]:
        encoded = library.encode(text, add_special_tokens=False)
        starts = []
        last = 0
        for start, end in encoded.offsets:
            starts.append(start if start >= last else -1)
            last = max(last, end)
        return encoded.ids, starts

    return Tokenizer(encode, end, image, size)


def _tiktoken(source: TokenizerSource) -> Tokenizer:
    name = source.name.removeprefix(_TIKTOKEN)
    if source.end_token:
        raise ConfigError(
            "--end-token: tiktoken's encodings have their own; expected a tokenizer file"
        )
    if name in _SHIPPED:
        encoding, end = gpt3_encoding(), _GPT2_END
        size = end + 1
    else:
        encoding = _downloaded(name)
        end, size = encoding.eot_token, encoding.n_vocab

    def encode(text: str) -> tuple[list[int], list[int]]:
        ids: list[int] = []
        starts: list[int] = []
        characters = 0
        for piece in bounded_pieces(text):
            found = encoding.encode_ordinary(piece)
            ids += found
            for part in encoding.decode_tokens_bytes(found):
                starts.append(characters if part[0] & 0xC0 != 0x80 else -1)
                # Of a character in several bytes the first counts.
                characters += (
                    len(part) if part.isascii() else sum(byte & 0xC0 != 0x80 for byte in part)
                )
        return ids, starts

    return Tokenizer(encode, end, size, size)


def _downloaded(name: str) -> tiktoken.Encoding:
    known = tiktoken.list_encoding_names()
    if name not in known:
        raise InputError(
            f"--tokenizer tiktoken:{name}: no such encoding; expected one of: {', '.join(known)}"
        )
    try:
        return tiktoken.get_encoding(name)
    except Exception as error:  # of the HTTP client, which is tiktoken's own affair
        raise ModelError(
            f"--tokenizer tiktoken:{name} cannot be downloaded ({type(error).__name__}); expected "
            "a way to its server, its file in TIKTOKEN_CACHE_DIR, or tiktoken:gpt2, which is "
            "shipped"
        ) from None
