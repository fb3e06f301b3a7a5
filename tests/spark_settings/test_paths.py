"""Output paths that Hadoop would not find again are refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from infimm_spark.config import load_config
from infimm_spark.errors import ConfigError
from infimm_spark.run.run import Run
from infimm_spark.spark.paths import require_plain


@pytest.mark.parametrize("name", ["run[1]", "{a,b}", "a*b", "a?b", r"a\b"])
def test_a_path_that_hadoop_reads_as_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    """Spark would write there and read another place: nothing is written, and the character is
    named."""
    for location in (f"{tmp_path}/{name}/run", f"s3://bucket/{name}"):
        with pytest.raises(ConfigError, match="as a pattern"):
            require_plain("output", location)
    with pytest.raises(ConfigError, match="as a pattern"):
        Run.begin(load_config(None, {"output": f"{tmp_path}/{name}"}), resume=False)
    assert not list(tmp_path.iterdir())


def test_a_relative_path_with_a_colon_is_refused() -> None:
    """`2024:05/run` is a scheme to Hadoop, `/data/2024:05/run` is not."""
    with pytest.raises(ConfigError, match="'2024' as a scheme; expected an absolute path"):
        require_plain("output", "2024:05/run")
    for fine in ("/data/2024:05/run", "./a b/ü#%20", "s3://bucket/a:b", "gs://b/x=1,2"):
        require_plain("output", fine)
