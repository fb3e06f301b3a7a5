"""The export formats there are."""

from infimm_spark.export.base import Format
from infimm_spark.export.energon import ENERGON
from infimm_spark.export.hf import HF
from infimm_spark.export.jsonl import JSONL
from infimm_spark.export.mint import MINT
from infimm_spark.export.nemo import NEMO
from infimm_spark.export.obelics import OBELICS
from infimm_spark.export.parquet import PARQUET

FORMATS: tuple[Format, ...] = (PARQUET, HF, OBELICS, ENERGON, MINT, NEMO, JSONL)
"""In the order of the command's help."""
