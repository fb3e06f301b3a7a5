"""Embeddings kept on disk: a second training over the same pages asks the encoder nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from infimm_spark.classify.encoder.embedders import Embedder, Vectors
from infimm_spark.errors import InputError, OutputError

_SAVED_EVERY = 500  # new vectors: a killed job loses few


class CachedEmbedder:
    """An embedder that looks a text up in `path` (an .npz file) first, and keeps what it adds.

    Call `save` at the end. Raises `InputError` for a file of another encoder or a damaged one.
    """

    def __init__(self, embedder: Embedder, path: Path, encoder_sha256: str) -> None:
        self._embedder = embedder
        self._path = path
        self._encoder = encoder_sha256
        self._known: dict[str, Vectors] = {}
        self._unsaved = 0
        self.dimensions = embedder.dimensions
        if path.exists():
            self._load()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As the embedder it stands for."""
        keys = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
        new = [row for row, key in enumerate(keys) if key not in self._known]
        if new:
            for row, vector in zip(new, self._embedder.embed([texts[i] for i in new]), strict=True):
                self._known[keys[row]] = vector.astype(np.float16).astype(np.float32)
            self._unsaved += len(new)
            if self._unsaved >= _SAVED_EVERY:
                self.save()
        rows = [self._known[key] for key in keys]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def save(self) -> None:
        """Write the file, whole or not at all; raises `OutputError`."""
        if not self._unsaved:
            return
        part = self._path.with_name(self._path.name + ".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(
                    file,
                    encoder=np.array(self._encoder),
                    keys=np.array(list(self._known)),
                    vectors=np.stack(list(self._known.values())).astype(np.float16),
                )
            os.replace(part, self._path)
        except OSError as error:
            raise OutputError(
                f"embeddings cannot be written to {self._path}: {error.strerror or error}"
            ) from None
        self._unsaved = 0

    def _load(self) -> None:
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                encoder = str(archive["encoder"])
                keys, vectors = archive["keys"], archive["vectors"].astype(np.float32)
        except Exception:
            raise InputError(
                f"embeddings {self._path} cannot be read; expected a file of infimm train, or none"
            ) from None
        if encoder != self._encoder:
            raise InputError(
                f"embeddings {self._path} are another encoder's; expected a file for each encoder"
            )
        self._known = dict(zip(keys.tolist(), vectors, strict=True))
