"""Connected components against scipy's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components as scipy_components

from infimm_spark.dedup.components import connected_components
from infimm_spark.errors import ConvergenceError

pytestmark = pytest.mark.spark

Edges = list[tuple[int, int]]


@pytest.fixture(scope="module")
def checkpoint(spark: SparkSession) -> Iterator[Callable[[DataFrame, str], DataFrame]]:
    numbers = count()
    with tempfile.TemporaryDirectory() as folder:

        def write(frame: DataFrame, name: str) -> DataFrame:
            path = str(Path(folder) / f"{next(numbers)}-{name}")
            frame.write.parquet(path)
            return spark.read.schema(frame.schema).parquet(path)

        yield write


def expected(edges: Edges) -> dict[int, int]:
    """Smallest node of each node's component, by scipy."""
    nodes = sorted({node for edge in edges for node in edge})
    place = {node: i for i, node in enumerate(nodes)}
    ends = np.array([[place[u], place[v]] for u, v in edges]).reshape(-1, 2)
    shape = (len(nodes), len(nodes))
    labels = scipy_components(coo_matrix((np.ones(len(ends)), ends.T), shape), directed=False)[1]
    least: dict[int, int] = {}
    for node, label in zip(nodes, labels, strict=True):
        least.setdefault(label, node)
    return {node: least[label] for node, label in zip(nodes, labels, strict=True)}


def found(
    spark: SparkSession, edges: Edges, checkpoint: Callable[[DataFrame, str], DataFrame]
) -> dict[int, int]:
    frame = spark.createDataFrame(edges, "a long, b long")
    rows = connected_components(frame, checkpoint).collect()
    result = {row["id"]: row["component"] for row in rows}
    assert len(result) == len(rows), "each node once"
    return result


@settings(
    deadline=None,
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edges=st.lists(st.tuples(st.integers(-9, 25), st.integers(-9, 25)), min_size=1, max_size=40))
def test_components_are_scipys(
    spark: SparkSession, checkpoint: Callable[[DataFrame, str], DataFrame], edges: Edges
) -> None:
    """On any graph, loops and repeated edges included, the components are scipy's."""
    assert found(spark, edges, checkpoint) == expected(edges)


@pytest.mark.parametrize(
    "edges",
    [
        [(i * 7919 % 10_007, (i + 1) * 7919 % 10_007) for i in range(10_000)],
        [(100_000, i) for i in range(100_000)],
    ],
    ids=["shuffled chain of 10,000", "star of 100,000 around its greatest"],
)
def test_long_chains_and_large_stars(
    spark: SparkSession, checkpoint: Callable[[DataFrame, str], DataFrame], edges: Edges
) -> None:
    """The shapes that defeat naive label propagation."""
    assert found(spark, edges, checkpoint) == expected(edges)


def test_too_few_iterations_are_an_error(
    spark: SparkSession, checkpoint: Callable[[DataFrame, str], DataFrame]
) -> None:
    """A limit that is hit fails; half-merged components are never returned."""
    frame = spark.createDataFrame([(i, i + 1) for i in range(50)], "a long, b long")
    with pytest.raises(ConvergenceError):
        connected_components(frame, checkpoint, max_iterations=1)
