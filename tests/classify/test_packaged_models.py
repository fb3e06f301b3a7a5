"""The packaged models are what the job makes of the labelled pages with this version's
extraction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infimm_spark.classify.mathematics import load_classifier, model_file
from infimm_spark.training.views import page_views

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGES = 400


def test_packaged_models_are_made_again_by_the_job(shared_data: Path, tmp_path: Path) -> None:
    """The same scores on real texts; on the machine that made them, the same bytes.

    Sums of floating-point numbers end a little differently on other processors, so bytes are not
    asked for.
    """
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "jobs/train_defaults.py")),
            *("--data", str(shared_data), "--output", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=1_800,
    )
    assert done.returncode == 0, done.stderr
    views = page_views([str(shared_data / "commoncrawl")])
    texts = [view["text"] for view, _ in zip(views, range(PAGES), strict=False)]
    for kind in ("recall", "precision"):
        shipped, again = (
            load_classifier(path, kind)
            for path in (model_file(None, kind), tmp_path / f"{kind}.ftz")
        )
        for language in ("en", "zh"):
            assert [again.score(text, language) for text in texts] == pytest.approx(
                [shipped.score(text, language) for text in texts], abs=0.005
            )
