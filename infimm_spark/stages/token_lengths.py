"""GPT-3 token lengths as a column."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from infimm_spark.rules.tokens import gpt3_token_length


def token_length(text: Column) -> Column:
    """Number of GPT-3 tokens of a text column, as an integer column."""
    lengths: Column = pandas_udf(_token_lengths, "int")(text)  # type: ignore[call-overload]
    return lengths


def _token_lengths(texts: pd.Series) -> pd.Series:
    return texts.map(gpt3_token_length)
