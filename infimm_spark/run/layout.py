"""Where a run keeps what: the one place that knows the names below an output directory."""

from __future__ import annotations

from dataclasses import dataclass


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
        """The folder of what attempts at groups wrote."""
        return self._at("extract", "groups")

    def group(self, index: int) -> str:
        """Everything any attempt wrote of one group of WARC files."""
        return f"{self.groups}/group={index:05d}"

    def attempt(self, index: int, name: str) -> str:
        """Tables of one attempt at a group, partitioned by `table`; the group's manifest tells
        which counts."""
        return f"{self.group(index)}/attempt={name}"

    @property
    def group_manifests(self) -> str:
        """The folder of the manifests of complete groups."""
        return self._at("extract", "manifests")

    def group_manifest(self, index: int) -> str:
        """Names the attempt that counts for a group; present when the group is complete."""
        return f"{self.group_manifests}/group-{index:05d}.json"

    def manifest(self, stage: str) -> str:
        """Names the files of a stage; present when it is complete."""
        return self._at(stage, "manifest.json")

    def folder(self, stage: str) -> str:
        """Everything of a stage."""
        return self._at(stage)

    def table(self, stage: str, name: str) -> str:
        """A table's folder; below it each attempt at the stage has one of its own."""
        return self._at(stage, name)

    def released(self, name: str) -> str:
        """The folder of a table that the run was made for, such as `corpus`."""
        return self._at(name)

    def scratch(self, stage: str) -> str:
        """Checkpoints of a running stage; removed when it is complete."""
        return self._at(stage, "_scratch")

    @property
    def corpus(self) -> str:
        """The folder of the released documents."""
        return self.released("corpus")

    @property
    def fetched(self) -> str:
        """Shards of fetched images, `schemas.FETCHED`."""
        return self._at("fetched")

    @property
    def report(self) -> str:
        """The folder of the run's reports."""
        return self._at("report")
