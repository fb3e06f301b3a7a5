"""Where a run keeps what: the one place that knows the names below an output directory."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("extract", "dedup", "refine", "publish")
"""The stages of a build, in order; each has a manifest."""


@dataclass(frozen=True, slots=True)
class RunLayout:
    """Paths of one run below `root` (a local directory or an object-store prefix)."""

    root: str

    def _at(self, *parts: str) -> str:
        return "/".join([self.root.rstrip("/"), *parts])

    @property
    def run_file(self) -> str:
        """Marks the directory as a run and holds its identity."""
        return self._at("run.json")

    @property
    def groups(self) -> str:
        return self._at("extract", "groups")

    def group(self, index: int) -> str:
        """Tables of one group of WARC files, partitioned by `table`."""
        return f"{self.groups}/group={index:05d}"

    def group_manifest(self, index: int) -> str:
        return self._at("extract", "manifests", f"group-{index:05d}.json")

    def manifest(self, stage: str) -> str:
        return self._at(stage, "manifest.json")

    def table(self, stage: str, name: str) -> str:
        return self._at(stage, name)

    def scratch(self, stage: str) -> str:
        """Checkpoints of a running stage; removed when it is complete."""
        return self._at(stage, "_scratch")

    @property
    def corpus(self) -> str:
        return self._at("corpus")

    @property
    def report(self) -> str:
        return self._at("report")
