"""The export formats there are."""

from infimm_spark.export.base import Format
from infimm_spark.export.parquet import PARQUET

FORMATS: tuple[Format, ...] = (PARQUET,)
"""In the order of the command's help."""
