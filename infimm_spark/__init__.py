"""InfiMM-WebMath as a distributed Spark job: WARC in, interleaved mathematics out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "BuildConfig",
    "Document",
    "Formula",
    "Image",
    "InfimmError",
    "RunSummary",
    "Scores",
    "Segment",
    "build",
    "extract_page",
    "load_config",
    "score_document",
]

if TYPE_CHECKING:
    from infimm_spark.classify.scores import Scores, score_document
    from infimm_spark.config import BuildConfig, load_config
    from infimm_spark.errors import InfimmError
    from infimm_spark.extract.document import Document, Formula, Image, Segment
    from infimm_spark.extract.page import extract_page
    from infimm_spark.run.pipeline import RunSummary, build

# Names are resolved on first use: `import infimm_spark` in a Python worker must not pay for pyspark,
# pydantic and the models.
_HOME = {
    "BuildConfig": "infimm_spark.config",
    "Document": "infimm_spark.extract.document",
    "Formula": "infimm_spark.extract.document",
    "Image": "infimm_spark.extract.document",
    "InfimmError": "infimm_spark.errors",
    "RunSummary": "infimm_spark.run.pipeline",
    "Scores": "infimm_spark.classify.scores",
    "Segment": "infimm_spark.extract.document",
    "build": "infimm_spark.run.pipeline",
    "extract_page": "infimm_spark.extract.page",
    "load_config": "infimm_spark.config",
    "score_document": "infimm_spark.classify.scores",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'infimm_spark' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
