"""Identities of stages, byte for byte those of runs that were written before."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infimm_spark.config import load_config
from infimm_spark.errors import ResumeError
from infimm_spark.run import run as run_module
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import check_build
from infimm_spark.run.run import Run
from infimm_spark.version import build_id
from infimm_spark.warc.listing import WarcFile

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((Path(__file__).parent / "identities.json").read_text())
"""As version 0.1.0 recorded them, with these inputs and the models' fingerprints made up."""

INDEX = {"paths": ["i.cdxj"], "domains": ["example.org"], "mirror": "/m"}


class _Known(Run):
    """A run whose inputs and models are given."""

    @property
    def warcs(self) -> list[WarcFile]:
        return [WarcFile(f"/x/{name}", name, "s") for name in ("a.warc.gz", "b.warc.gz")]

    def model(self, kind: str) -> Any:  # type: ignore[override]
        return SimpleNamespace(fingerprint=f"fingerprint of {kind}")


@pytest.mark.parametrize("name", GOLDEN)
def test_identities_are_those_of_earlier_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same settings give the same identity, to the byte, so that those runs can be resumed."""
    conf = ROOT / "conf" / f"{name}.yaml"
    if not conf.exists():
        conf = ROOT / "infimm_spark" / "conf" / f"{name}.yaml"
    overrides: dict[str, Any] = {"output": "/nowhere"}
    if name == "index":
        overrides["input"] = {"index": INDEX}
    config = load_config(conf if conf.exists() else None, overrides)
    run = _Known("id", config, RunLayout("/nowhere"))
    done: dict[str, Any] = {}

    def manifest(location: str) -> Any:
        return SimpleNamespace(identity=done[location.split("/")[-2]])

    monkeypatch.setattr(run_module, "read_manifest", manifest)
    for stage, expected in GOLDEN[name].items():
        done[stage] = run.identity(stage)
        assert json.dumps(done[stage]) == json.dumps(expected)


def test_another_build_is_refused_unless_accepted(caplog: pytest.LogCaptureFixture) -> None:
    """A run goes on with the code that began it; with other code only where one says so."""
    check_build("stage dedup", build_id(), accept=False)
    with pytest.raises(ResumeError, match=r"written by build 0\.1\.0\+0.*--accept-code-change"):
        check_build("stage dedup", "0.1.0+000000000000", accept=False)
    assert not caplog.records
    check_build("stage dedup", "0.1.0+000000000000", accept=True)
    assert "goes on with" in caplog.text


def test_a_run_without_a_build_goes_on_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Runs written before builds were recorded can be resumed; that nothing was compared is
    said."""
    check_build("stage dedup", None, accept=False)
    assert "recorded no build" in caplog.text
