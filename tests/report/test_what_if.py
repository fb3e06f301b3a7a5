"""What other settings would keep, from stored scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_run import document, page_id, reject, write_run

from infimm_spark.cli.app import app
from infimm_spark.cli.ending import run_command
from infimm_spark.errors import ConfigError
from infimm_spark.report.what_if import print_what_if, what_if
from infimm_spark.run.layout import RunLayout


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """Ten documents with quality 0.50, 0.55, ... and some that earlier steps dropped."""
    dropped = {"drop_stage": "rules", "drop_reason": "punctuation_ratio", "quality_prob": None}
    low = {"drop_stage": "precision", "drop_reason": "quality_prob", "quality_prob": 0.3}
    return write_run(
        tmp_path / "run",
        [
            *(document(n, math_prob=0.3 + 0.05 * n) for n in range(10)),
            document(10, math_prob=0.19),
            document(11),
            document(12),
            document(13),
            document(14),
        ],
        unextracted=[
            reject(20, "extract", "language_uncertain", score=0.25),
            reject(21, "extract", "recall_floor", score=0.1),
        ],
        below_recall=[10],
        duplicates={11: (0, "near", 0.85), 12: (9, "exact", 1.0)},
        judged={
            **{n: {"quality_prob": 0.5 + 0.05 * n} for n in range(10)},
            13: {**dropped, "punctuation_ratio": 0.4, "drop_score": 0.4},
            14: {**low, "drop_score": 0.3},
        },
        settings={
            "rules": {"precision_threshold": 0.45},
            "dedup": {"recall_threshold": 0.2},
        },
    )


def _then(answer: dict[str, Any]) -> dict[str, int]:
    return {row["step"]: row["then"] for row in answer["steps"]}


def test_the_runs_own_settings_change_nothing(layout: RunLayout) -> None:
    """With a setting as it is, what is kept now is what the ledger says."""
    answer = what_if(layout, ["rules.precision_threshold=0.45"])
    now = {row["step"]: row["now"] for row in answer["steps"]}
    assert now == {"extract": 15, "recall": 14, "dedup": 12, "rules": 11, "precision": 10}
    assert _then(answer) == now
    assert (answer["changes"], answer["leaving"], answer["coming"]) == ([], 0, 0)


def test_a_higher_precision_threshold_names_what_leaves(layout: RunLayout) -> None:
    """Documents below the new threshold leave, and are shown with their scores."""
    answer = what_if(layout, ["rules.precision_threshold=0.72"])
    assert _then(answer)["precision"] == 5
    assert {page["id"] for page in answer["leave"]} == {page_id(n) for n in range(5)}
    text = print_what_if(answer)
    assert "5 documents would leave the corpus, 0 would come" in text
    assert "rules.precision_threshold  0.45 -> 0.72" in text


def test_a_lower_precision_threshold_names_what_comes(layout: RunLayout) -> None:
    """A document that the classifier dropped comes back by its stored score."""
    answer = what_if(layout, ["rules.precision_threshold=0.2"])
    assert [page["id"] for page in answer["come"]] == [page_id(14)]
    assert answer["coming"] == 1


def test_thresholds_by_length_are_applied(layout: RunLayout) -> None:
    """A threshold for long texts leaves short ones alone."""
    bands = "rules.precision_threshold_by_length=[{min_chars: 1000, threshold: 0.99}]"
    assert what_if(layout, [bands])["leaving"] == 0


def test_a_copy_of_a_document_that_goes_has_to_be_judged(layout: RunLayout) -> None:
    """A recall threshold that takes a kept document leaves its copy without a verdict."""
    answer = what_if(layout, ["dedup.recall_threshold=0.32"])
    assert answer["leaving"] == 1
    assert answer["unjudged"] == 1


def test_what_was_never_scored_is_counted_apart(layout: RunLayout) -> None:
    """A page below the old recall threshold, and one that a rule dropped, have no later score."""
    answer = what_if(layout, ["dedup.recall_threshold=0.16", "rules.max_punctuation_ratio=0.5"])
    assert (answer["coming"], answer["unjudged"]) == (0, 2)


def test_a_higher_similarity_lets_near_duplicates_go(layout: RunLayout) -> None:
    """Pairs below the new similarity are no duplicates; equal texts still are."""
    answer = what_if(layout, ["dedup.minhash.threshold=0.9"])
    assert _then(answer)["dedup"] == 13


def test_pages_that_were_not_extracted_are_counted_as_to_be_read(layout: RunLayout) -> None:
    """Looser settings of extraction say how many pages they would read again."""
    answer = what_if(layout, ["extract.language_threshold=0.2", "extract.recall_floor=0.05"])
    assert answer["unread"] == 2


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("publish.file_size_mb=3", "stored scores do not answer for it"),
        ("dedup.minhash.threshold=0.7", "pairs below the run's threshold are not stored"),
        ("rules.max_repeated_share=0.5", "infimm refine RUN --redo"),
        ("rules.precision_threshold=7", "rules.precision_threshold"),
        ("rules.nonsense=7", "nonsense"),
    ],
)
def test_what_cannot_be_answered_says_why(layout: RunLayout, setting: str, said: str) -> None:
    """A setting that stored scores do not cover is refused with the reason."""
    with pytest.raises(ConfigError, match=said):
        what_if(layout, [setting])


def test_a_run_without_scores_says_so(tmp_path: Path) -> None:
    """An unfinished run has no scores to answer from."""
    half = write_run(tmp_path / "half", [document(1)], stages=("extract",))
    with pytest.raises(ConfigError, match="refine is not complete"):
        what_if(half, ["rules.precision_threshold=0.9"])


def test_the_command_needs_a_setting(layout: RunLayout, capsys: pytest.CaptureFixture[str]) -> None:
    """`infimm what-if RUN` alone says what to give."""
    code = run_command(lambda: app(["what-if", layout.root], standalone_mode=False))
    assert code != 0
    assert "--set rules.precision_threshold=0.9" in capsys.readouterr().err
