"""Grades from an encoder judge: labels for a fastText student, without an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from infimm_spark.annotation.annotate import Ungraded
from infimm_spark.classify.encoder.judge import grade_of, load_judge
from infimm_spark.classify.features import excerpt
from infimm_spark.errors import OutputError

_BATCH = 64


def label(
    documents: Iterable[Ungraded], output: Path, judge: str, encoder: str | None, max_chars: int
) -> int:
    """Write a row for each document with text, as `annotate` does: id, url, language, score (the
    grade that the judge's probability stands for), prob, text, model; gives their number.

    The file is written anew. Raises `ModelError` for a judge that cannot be used, `OutputError`.
    """
    model = load_judge(judge, encoder)
    name = Path(judge).name
    count = 0
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("w", encoding="utf-8") as file:
            for batch in _batches(documents):
                texts, languages = [d.text for d in batch], [d.language for d in batch]
                for document, prob in zip(batch, model.score_many(texts, languages), strict=True):
                    row = {
                        "id": document.id,
                        "url": document.url,
                        "language": document.language,
                        "score": round(grade_of(prob), 2),
                        "prob": round(prob, 6),
                        "text": excerpt(document.text, max_chars),
                        "model": name,
                    }
                    file.write(json.dumps(row, ensure_ascii=True) + "\n")
                    count += 1
    except OSError as error:
        raise OutputError(f"labels cannot be written to {output}: {error.strerror}") from None
    return count


def _batches(documents: Iterable[Ungraded]) -> Iterator[list[Ungraded]]:
    filled = (document for document in documents if document.text.strip())
    while batch := list(islice(filled, _BATCH)):
        yield batch
