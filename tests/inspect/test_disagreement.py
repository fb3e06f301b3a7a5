"""Pages on which the run's classifier and a teacher disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infimm_spark.inspect.disagreement import disagreements


def _row(number: int, student: float | None, host: str = "h.org") -> dict[str, Any]:
    return {
        "id": f"id{number}",
        "url": f"https://{host}/{number}",
        "host": host,
        "language": "en",
        "text": "text",
        "quality_prob": student,
    }


def _teacher(tmp_path: Path, probabilities: dict[int, float]) -> str:
    file = tmp_path / "teacher.jsonl"
    lines = [json.dumps({"id": f"id{n}", "score": p}) for n, p in probabilities.items()]
    file.write_text("\n".join(lines))
    return str(file)


def test_the_widest_disagreement_comes_first(tmp_path: Path) -> None:
    """Whichever of both is higher; pages without a score of either are left out."""
    rows = [_row(1, 0.9), _row(2, 0.5), _row(3, 0.1), _row(4, None), _row(5, 0.5)]
    teacher = _teacher(tmp_path, {1: 0.8, 2: 0.1, 3: 1.0, 4: 0.0})
    found = disagreements(rows, "quality_prob", teacher, per_language=9, per_host=9)
    assert [(row["id"], row["disagreement"]) for row in found] == [
        ("id3", 0.9),
        ("id2", 0.4),
        ("id1", 0.1),
    ]


def test_one_host_does_not_fill_the_list(tmp_path: Path) -> None:
    """At most `per_host` pages of a host, and `per_language` of a language."""
    rows = [_row(n, 0.0, "big.org") for n in range(5)] + [_row(9, 0.0, "small.org")]
    teacher = _teacher(tmp_path, {n: 1.0 - n / 100 for n in range(10)})
    found = disagreements(rows, "quality_prob", teacher, per_language=9, per_host=2)
    assert [row["id"] for row in found] == ["id0", "id1", "id9"]
    assert len(disagreements(rows, "quality_prob", teacher, per_language=1, per_host=2)) == 1
