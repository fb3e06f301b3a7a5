"""Models as bytes: broadcast once, written once a host, loaded once a process.

fastText loads from files only and its objects cannot be pickled, so a worker gets the bytes, puts
them into a temporary file named by their checksum, and keeps the loaded model for the process's
life.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from infimm_spark.classify.encoder.judge import EncoderJudge, make_judge, read_head
from infimm_spark.classify.fasttext_model import load_fasttext
from infimm_spark.classify.language import LanguageIdentifier, language_model_source
from infimm_spark.classify.mathematics import (
    Classifier,
    Kind,
    card_file,
    check_card,
    model_file,
    parse_card,
)
from infimm_spark.classify.own_scorer import OwnScorer, key
from infimm_spark.config import CallableModel, EncoderModel
from infimm_spark.errors import ModelError
from infimm_spark.usercode import source_digest

Scoring = Classifier | OwnScorer | EncoderJudge

_LOADED: dict[str, Scoring | LanguageIdentifier] = {}


@dataclass(frozen=True, slots=True)
class ModelBytes:
    """A model ready to travel: `name` is language, recall or precision; `card` its card's JSON.

    A scorer of the user's own travels by its name, `callable`; `sha256` is then that of its source.
    Of an encoder judge the head travels; its encoder, named by `encoder`, has to be on each host.
    `origin` says where it came from (a path, or the package) for manifests.
    """

    name: Literal["language", "recall", "precision"]
    sha256: str
    data: bytes = field(repr=False)
    card: str | None = field(default=None, repr=False)
    origin: str = ""
    callable: str | None = None
    encoder: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that shapes its scores: the model's bytes and its card."""
        return hashlib.sha256(f"{self.sha256}\n{self.card or ''}".encode()).hexdigest()


def read_model(
    path: str | CallableModel | EncoderModel | None,
    kind: Literal["language", "recall", "precision"],
) -> ModelBytes:
    """Read and check a model; None takes the default. Raises `ModelError`, `ConfigError`."""
    if kind == "language":
        if isinstance(path, CallableModel | EncoderModel):
            raise ModelError("models.language is no file; expected the path of a fastText model")
        source = language_model_source(path)
        data = _read(source.path)
        return ModelBytes("language", source.sha256, data, None, source.origin)
    if isinstance(path, CallableModel):
        name = path.callable
        OwnScorer(name, kind)  # one that cannot be made is refused on the driver
        return ModelBytes(kind, source_digest(name, key(kind)), b"", None, name, callable=name)
    if isinstance(path, EncoderModel):
        return _read_encoder(path, kind)
    model_path = model_file(path, kind)
    data = _read(model_path)
    load_fasttext(model_path)  # a file that is not fastText is refused on the driver
    card = check_card(data, card_file(model_path), str(model_path), kind)
    origin = "infimm-spark package" if path is None else "configuration"
    return ModelBytes(kind, card.sha256, data, card.model_dump_json(), origin)


def _read_encoder(model: EncoderModel, kind: Kind) -> ModelBytes:
    path = Path(model.path)
    data = _read(path)
    head = read_head(data, str(path))
    card = check_card(data, card_file(path), str(path), kind)
    make_judge(head, card, model.encoder, str(path))  # refused on the driver, not in a task
    encoder = model.encoder or head.encoder
    text = card.model_dump_json()
    return ModelBytes(kind, card.sha256, data, text, "configuration", encoder=encoder)


def load_cached(model: ModelBytes) -> Scoring | LanguageIdentifier:
    """The loaded model; the same object for the same bytes within a process."""
    name = f"{model.name}-{model.fingerprint}-{model.callable}-{model.encoder}"
    if name not in _LOADED:
        _LOADED[name] = _load(model)
    return _LOADED[name]


def _load(model: ModelBytes) -> Scoring | LanguageIdentifier:
    if model.name == "language":
        return LanguageIdentifier(_on_disk(model))
    if model.callable is not None:
        return OwnScorer(model.callable, model.name)
    if model.card is None:
        raise ModelError(f"model {model.name} has no card")
    card = parse_card(model.card, model.name)
    if model.encoder is not None:
        return make_judge(read_head(model.data, model.name), card, model.encoder, model.name)
    return Classifier(load_fasttext(_on_disk(model)), card)


def load_language(model: ModelBytes) -> LanguageIdentifier:
    """`load_cached` for the language model; raises `ModelError` for another."""
    loaded = load_cached(model)
    if not isinstance(loaded, LanguageIdentifier):
        raise ModelError(f"{model.name} is not the language model")
    return loaded


def load_mathematics(model: ModelBytes, kind: Kind) -> Scoring:
    """`load_cached` for a mathematics classifier; raises `ModelError` for another."""
    loaded = load_cached(model)
    if isinstance(loaded, LanguageIdentifier) or model.name != kind:
        raise ModelError(f"{model.name} is not the {kind} classifier")
    return loaded


def _on_disk(model: ModelBytes) -> Path:
    """A file with the model's bytes, shared by the processes of this user on this host.

    Written under another name and moved into place, so that no process reads half a file; a file
    that is there already is trusted only if its checksum is right.
    """
    folder = Path(tempfile.gettempdir()) / f"infimm-spark-models-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise ModelError(f"{folder} belongs to someone else; expected a folder of this user")
    path = folder / f"{model.sha256}.ftz"
    if path.is_file() and _digest(path) == model.sha256:
        return path
    handle, temporary = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(model.data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise ModelError(f"model {model.name} cannot be written to {folder}: {error}") from None
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"model {path} does not exist") from None
    except OSError as error:
        raise ModelError(f"model {path} cannot be read: {error.strerror or error}") from None
