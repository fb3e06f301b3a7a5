"""fastText files, checked before fastText sees them: its loader aborts the process on a broken
one."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from infimm_spark.errors import ModelError

MAGIC = 793_712_314
"""First four bytes of a fastText model, a little-endian int32."""

_VERSIONS = (11, 12)
_HEADER_BYTES = 2 * 4 + 12 * 4 + 8
_DICTIONARY_BYTES = 3 * 4 + 2 * 8


def load_fasttext(path: str | Path) -> Any:
    """The native fastText object of a supervised model file; predict with `predict_line`.

    Raises `ModelError` in one line where the file is missing, is not fastText, is cut short, or has
    no labels.
    """
    check_fasttext(Path(path))
    try:
        # fastText in Rust: the same answers to the last bit, on x86-64 and ARM alike.
        import fasttext_new
    except ImportError:
        raise ModelError(
            "the fasttext_new module is missing; expected `pip install fasttext-new`"
        ) from None
    try:
        return fasttext_new.load_model(str(path)).f
    except (ValueError, RuntimeError, OSError, MemoryError) as error:
        raise ModelError(f"model {path} cannot be loaded by fastText: {error}") from None


def predict_line(model: Any, line: str, k: int) -> list[tuple[float, str]]:
    """(probability, label) of the `k` best labels, best first; `line` holds no line break.

    The native call: the public one makes a numpy array of two numbers.
    """
    # A lone surrogate has no UTF-8 form, and the native call would raise on it.
    safe = line.encode("utf-8", "replace").decode("utf-8") if not line.isascii() else line
    labels, probabilities = model.predict(safe, k, 0.0, "strict")
    return list(zip(probabilities, labels, strict=True))


def check_fasttext(path: Path) -> None:
    """Read the header and the dictionary and compare the file's size with what they announce.

    Raises `ModelError`. Follows fastText's `FastText::loadModel` and `Dictionary::load`: magic,
    version, 12 int32 arguments and a double; then sizes, words and labels, pruned ids, and the two
    matrices.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"model {path} does not exist") from None
    except OSError as error:
        raise ModelError(f"model {path} cannot be read: {error.strerror or error}") from None
    if len(data) < 8 or struct.unpack_from("<i", data)[0] != MAGIC:
        raise ModelError(f"model {path} is not a fastText model: it does not start with its magic")
    try:
        _check_body(data, path)
    except struct.error:
        raise ModelError(f"model {path} is cut short: {len(data)} bytes") from None


def _check_body(data: bytes, path: Path) -> None:
    version = struct.unpack_from("<i", data, 4)[0]
    if version not in _VERSIONS:
        raise ModelError(
            f"model {path} has fastText format {version}; expected "
            f"{' or '.join(map(str, _VERSIONS))}"
        )
    dim, *_, model_kind, bucket, _minn, _maxn, _lr, _t = struct.unpack_from("<12id", data, 8)
    if model_kind != 3:
        raise ModelError(f"model {path} is a word-vector model; expected a supervised classifier")
    offset = 8 + 12 * 4 + 8
    size, n_words, n_labels, _tokens, n_pruned = struct.unpack_from("<iiiqq", data, offset)
    offset += 12 + 16
    if dim <= 0 or n_labels <= 0 or n_words < 0 or size != n_words + n_labels:
        raise ModelError(f"model {path} has a broken header or no labels")
    for _ in range(size):
        end = data.find(b"\0", offset)
        if end < 0:
            raise ModelError(f"model {path} is cut short in its dictionary: {len(data)} bytes")
        offset = end + 1 + 8 + 1
    offset += 8 * max(0, n_pruned)
    rows = n_words + (n_pruned if n_pruned >= 0 else bucket)
    quantised = struct.unpack_from("<?", data, offset)[0]
    offset = _skip_matrix(data, offset + 1, quantised, rows, dim, path)
    quantised_output = struct.unpack_from("<?", data, offset)[0]
    offset = _skip_matrix(data, offset + 1, quantised and quantised_output, n_labels, dim, path)
    if offset != len(data):
        raise ModelError(
            f"model {path} is {len(data)} bytes long; its header announces {offset}: cut short or "
            "corrupt"
        )


def _skip_matrix(data: bytes, offset: int, quantised: bool, rows: int, dim: int, path: Path) -> int:
    """The offset behind a dense or product-quantised matrix."""
    if not quantised:
        m, n = struct.unpack_from("<qq", data, offset)
        offset += 16 + 4 * m * n
    else:
        has_norms, m, n, code_size = struct.unpack_from("<?qqi", data, offset)
        offset = _skip_quantiser(data, offset + 21 + code_size)
        if has_norms:
            offset = _skip_quantiser(data, offset + m)
    if (m, n) != (rows, dim):
        raise ModelError(
            f"model {path} has a {m} x {n} matrix; its header announces {rows} x {dim}"
        )
    return offset


def _skip_quantiser(data: bytes, offset: int) -> int:
    dim: int = struct.unpack_from("<4i", data, offset)[0]
    return offset + 16 + 4 * dim * 256
