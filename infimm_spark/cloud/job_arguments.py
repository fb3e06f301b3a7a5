"""The commands that a platform runs: one for the whole build, or one for each stage."""

from __future__ import annotations

from dataclasses import dataclass, field

STAGES = ("extract", "dedup", "refine", "publish")


@dataclass(frozen=True)
class Build:
    """A build of one snapshot, or of its first `limit` WARC files."""

    prefix: str
    input: str
    snapshot: str
    limit: int | None = None
    output: str | None = None
    assignments: tuple[str, ...] = field(default=())
    """`KEY=VALUE`, as `--set` takes them."""

    @property
    def run(self) -> str:
        """Where the run is written."""
        name = self.snapshot if self.limit is None else f"{self.snapshot}-first-{self.limit}"
        return self.output or f"{self.prefix}/runs/{name}"

    @property
    def title(self) -> str:
        trial = "" if self.limit is None else f", first {self.limit} WARC files"
        return f"{self.snapshot}{trial}"

    def arguments(self, command: str, config: str) -> list[str]:
        """Arguments of `job.py` for `build` or a stage; `config` is a name of the package's."""
        common = ["--config", config, "--resume"]
        for assignment in self.assignments:
            common += ["--set", assignment]
        if command not in ("build", "extract"):
            return [command, self.run, *common]
        limit = [] if self.limit is None else ["--limit", str(self.limit)]
        chosen = ["--input", self.input, "--snapshot", self.snapshot, *limit]
        return [command, *common, *chosen, "--output", self.run]
