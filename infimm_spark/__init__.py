"""InfiMM-WebMath as a distributed Spark job: WARC in, interleaved mathematics out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Name -> module. Names load on first use: `import infimm_spark` in a Python worker must not pay for
# pyspark, pydantic and the models.
_HOME = {
    "BuildConfig": "infimm_spark.config",
    "ConfigError": "infimm_spark.errors",
    "Document": "infimm_spark.extract.document",
    "Formula": "infimm_spark.extract.document",
    "Image": "infimm_spark.extract.document",
    "InfimmError": "infimm_spark.errors",
    "InputError": "infimm_spark.errors",
    "ModelColumns": "infimm_spark.classify.udfs",
    "ModelsConfig": "infimm_spark.config",
    "PageRejectedError": "infimm_spark.errors",
    "RunSummary": "infimm_spark.run.pipeline",
    "Scores": "infimm_spark.classify.scores",
    "Segment": "infimm_spark.extract.document",
    "build": "infimm_spark.run.pipeline",
    "extract_page": "infimm_spark.extract.page",
    "language": "infimm_spark.classify.udfs",
    "load_config": "infimm_spark.config",
    "math_prob": "infimm_spark.classify.udfs",
    "quality_prob": "infimm_spark.classify.udfs",
    "score_document": "infimm_spark.classify.scores",
}

__all__ = [*_HOME]

if TYPE_CHECKING:  # the same list for type checkers; a test holds the two together
    from infimm_spark.classify.scores import Scores as Scores
    from infimm_spark.classify.scores import score_document as score_document
    from infimm_spark.classify.udfs import (
        ModelColumns as ModelColumns,
    )
    from infimm_spark.classify.udfs import (
        language as language,
    )
    from infimm_spark.classify.udfs import (
        math_prob as math_prob,
    )
    from infimm_spark.classify.udfs import (
        quality_prob as quality_prob,
    )
    from infimm_spark.config import (
        BuildConfig as BuildConfig,
    )
    from infimm_spark.config import (
        ModelsConfig as ModelsConfig,
    )
    from infimm_spark.config import (
        load_config as load_config,
    )
    from infimm_spark.errors import (
        ConfigError as ConfigError,
    )
    from infimm_spark.errors import (
        InfimmError as InfimmError,
    )
    from infimm_spark.errors import (
        InputError as InputError,
    )
    from infimm_spark.errors import (
        PageRejectedError as PageRejectedError,
    )
    from infimm_spark.extract.document import (
        Document as Document,
    )
    from infimm_spark.extract.document import (
        Formula as Formula,
    )
    from infimm_spark.extract.document import (
        Image as Image,
    )
    from infimm_spark.extract.document import (
        Segment as Segment,
    )
    from infimm_spark.extract.page import extract_page as extract_page
    from infimm_spark.run.pipeline import RunSummary as RunSummary
    from infimm_spark.run.pipeline import build as build


def __getattr__(name: str) -> Any:
    home = "infimm_spark.version" if name == "__version__" else _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'infimm_spark' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
