"""Connected components of a graph, in DataFrames: alternating large-star and small-star.

After Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, "Connected Components in MapReduce and
Beyond" (SoCC 2014). Only counts reach the driver. Components describe clusters of similar documents,
for reports and to bound work; they never decide a removal.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark.dedup.survivors import Checkpoint
from infimm_spark.errors import ConvergenceError


def connected_components(
    edges: DataFrame, checkpoint: Checkpoint, max_iterations: int = 50
) -> DataFrame:
    """The component of each node: [id, component], the component being its smallest id.

    `edges` has two columns of one comparable type, whatever their names: undirected, loops and
    repetitions allowed; a node with no edge but a loop is a component of its own, null ends are left
    out. `checkpoint` must write its argument (a plan that is only remembered would grow with every
    round). Raises `ConvergenceError` when edges still move after `max_iterations` rounds.
    """
    one, other = edges.columns
    both = edges.select(F.col(one).alias("u"), F.col(other).alias("v")).where(
        F.col("u").isNotNull() & F.col("v").isNotNull()
    )
    both = checkpoint(both, "components-edges")
    nodes = both.select(F.col("u").alias("id")).unionByName(both.select(F.col("v").alias("id")))
    current = checkpoint(_oriented(both), "components-0")
    state = _state(current)
    for iteration in range(1, max_iterations + 1):
        current = checkpoint(_small_star(_large_star(current)), f"components-{iteration}")
        before, state = state, _state(current)
        if state == before:
            roots = current.select(F.col("u").alias("id"), F.col("v").alias("component"))
            return (
                nodes.groupBy("id")
                .agg(F.count("*").alias("ends"))
                .join(roots, on="id", how="left")
                .select("id", F.coalesce("component", "id").alias("component"))
            )
    raise ConvergenceError(
        f"connected components still change after {max_iterations} iterations; expected a fixed point"
    )


def _large_star(edges: DataFrame) -> DataFrame:
    """Each node links its greater neighbours to the least of its neighbours and itself."""
    around = edges.unionByName(edges.select(F.col("v").alias("u"), F.col("u").alias("v")))
    least = around.groupBy("u").agg(F.least(F.min("v"), F.col("u")).alias("least"))
    return _oriented(
        around.join(least, on="u", how="inner")
        .where(F.col("v") > F.col("u"))
        .select(F.col("v").alias("u"), F.col("least").alias("v"))
    )


def _small_star(edges: DataFrame) -> DataFrame:
    """Each node links its lesser neighbours and itself to the least of them."""
    least = edges.groupBy("u").agg(F.min("v").alias("least"))
    lesser = edges.join(least, on="u", how="inner")
    return _oriented(
        lesser.select(F.col("v").alias("u"), F.col("least").alias("v")).unionByName(
            least.select("u", F.col("least").alias("v"))
        )
    )


def _oriented(edges: DataFrame) -> DataFrame:
    """Each edge once, from its greater end `u` to its lesser `v`; no loops."""
    greater, lesser = F.greatest("u", "v"), F.least("u", "v")
    ordered = edges.select(greater.alias("u"), lesser.alias("v")).where(F.col("u") != F.col("v"))
    return ordered.groupBy("u", "v").agg(F.count("*").alias("times")).select("u", "v")


def _state(edges: DataFrame) -> tuple[int, int, int]:
    """Number of edges, and sums and xors of their hashes: unchanged if no edge moved."""
    hashed = F.xxhash64("u", "v")
    row = edges.agg(
        F.count("*"), F.bit_xor(hashed), F.sum(hashed.cast("decimal(38,0)")).cast("string")
    ).head()
    assert row is not None
    return int(row[0]), int(row[1] or 0), int(row[2] or 0)
