"""Where a run keeps what: the one place that knows the names below an output directory."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("extract", "dedup", "refine", "publish")
"""The stages of a build, in order; each has a manifest."""

STAGE_TABLES = {
    "dedup": ("signatures", "duplicates", "hot_buckets", "ledger", "rejects"),
    "refine": ("boilerplate", "scored", "ledger", "rejects"),
    "publish": ("ledger",),
}
"""Tables below a stage's folder, as far as there are any; those of the extract stage lie in its groups, the corpus has its own."""


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
        """Everything any attempt wrote of one group of WARC files."""
        return f"{self.groups}/group={index:05d}"

    def attempt(self, index: int, name: str) -> str:
        """Tables of one attempt at a group, partitioned by `table`; the group's manifest tells which counts."""
        return f"{self.group(index)}/attempt={name}"

    @property
    def group_manifests(self) -> str:
        return self._at("extract", "manifests")

    def group_manifest(self, index: int) -> str:
        return f"{self.group_manifests}/group-{index:05d}.json"

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
