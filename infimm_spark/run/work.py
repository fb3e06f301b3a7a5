"""A stage at work: what it reads and writes, beside what an earlier attempt wrote, until it is
committed.

Every attempt writes into folders of its own, `<stage>/<table>/attempt-<name>`. The stage's manifest
names the files that count, so that writing it, in one step, puts the new tables in the place of the
old ones; a failed or killed attempt changes nothing. Released tables lie at the top of the run for
people to open: on a local disk the finished folder is renamed into place, on an object store its
files are added and the old ones removed once the manifest no longer names them.
"""

from __future__ import annotations

import os
import shutil
import uuid
from typing import TYPE_CHECKING, Any

from infimm_spark import store
from infimm_spark.classify.broadcast import ModelBytes
from infimm_spark.errors import LockLostError, OutputError
from infimm_spark.run.files import DataFile, catalogue, parquet_files
from infimm_spark.run.manifest import Manifest, claim_manifest, read_manifest, write_manifest
from infimm_spark.schemas import spark_schema
from infimm_spark.stages.base import ModelKind, Stage, Table

if TYPE_CHECKING:
    from pyspark import Accumulator, Broadcast
    from pyspark.sql import DataFrame, SparkSession

    from infimm_spark.run.run import Run
    from infimm_spark.store.gate import GateAddress


_REPLACED = "replaced"
# A folder that people and other programs read holds data files only: polars and others trip over
# markers.
_NO_MARKER = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}


class StageWork:
    """One attempt at a stage; `stages.base.Work`."""

    def __init__(self, run: Run, stage: Stage) -> None:
        self._run = run
        self._stage = stage
        self._layout = run.layout
        self._attempt = f"attempt-{uuid.uuid4().hex[:12]}"
        self._models: dict[ModelKind, Broadcast[ModelBytes]] = {}
        self._written: dict[str, str] = {}
        self._shared: set[str] = set()

    # -- what the stage uses ---------------------------------------------------------------------

    @property
    def spark(self) -> SparkSession:
        return self._run.spark

    @property
    def gate(self) -> GateAddress | None:
        return None

    @property
    def tally(self) -> Accumulator[dict[str, int]] | None:
        return None

    def read(self, stage: str, table: str) -> DataFrame:
        return self._run.read(stage, table)

    def read_earlier(self, stage: str, table: str) -> list[DataFrame]:
        return [self._run.read(stage, table, earlier.layout) for earlier in self._run.earlier]

    def model(self, kind: ModelKind) -> Broadcast[ModelBytes]:
        if kind not in self._models:
            self._models[kind] = self.spark.sparkContext.broadcast(self._run.model(kind))
        return self._models[kind]

    def warcs(self) -> DataFrame:
        raise OutputError(f"stage {self._stage.name} does not run by group of WARC files")

    def write(self, table: str, frame: DataFrame, **options: str) -> DataFrame:
        declared = self._declared(table)
        folder = self._folder(table)
        self._written[table] = folder
        place = self._run.at(folder)
        if declared.released:
            options = {**_NO_MARKER, **options}
        if self._is_shared(declared):
            self._shared.add(folder)
            # Told by their names from the files of any other attempt, one that works at the same
            # time included.
            options = {**options, "mapreduce.output.basename": self._file_prefix}

        def written() -> None:
            mode = "append" if self._is_shared(declared) else "overwrite"
            self._remove_new(folder)
            writer = frame.write.mode(mode).options(**options)
            (
                writer.partitionBy(*declared.partition_by) if declared.partition_by else writer
            ).parquet(place)

        self._run.repeated(written, folder)
        if declared.released and not self._is_shared(declared):
            _remove_checksums(folder)
        return self.table(table, frame.schema)

    def checkpoint(self, frame: DataFrame, name: str) -> DataFrame:
        return self._run.write(frame, f"{self._scratch}/{name}")

    # -- what the run uses -----------------------------------------------------------------------

    def table(self, name: str, schema: Any = None) -> DataFrame:
        """A table of this attempt as Spark reads it."""
        declared = self._declared(name)
        folder = self._written[name]
        schema = spark_schema(declared.schema) if schema is None else schema
        if folder not in self._shared and store.is_folder(folder):
            return self._run.folder(folder, schema)
        return self._run.files(self.files_of(name), schema, folder)

    def files_of(self, name: str) -> list[str]:
        """Locations of the files of a table of this attempt; none where it has not written it."""
        folder = self._written.get(name)
        if folder is None:
            return []
        return self._new_files(folder) if folder in self._shared else parquet_files(folder)

    def finish(self, tables: dict[str, DataFrame]) -> None:
        """Write the tables that the stage handed back."""
        for name, frame in tables.items():
            if name not in self._written:
                self.write(name, frame)
        if "ledger" not in self._written:
            raise OutputError(f"stage {self._stage.name} wrote no ledger; expected one")

    def catalogue(self) -> list[DataFile]:
        """Every file of this attempt, as it will lie once committed."""
        files: list[DataFile] = []
        for name, folder in self._written.items():
            found = catalogue(self._layout.root, [folder], self.spark)
            if folder in self._shared:
                new = set(self._new_files(folder))
                found = [f for f in found if store.join(self._layout.root, f.path) in new]
            elif self._declared(name).released:
                base = folder[len(self._layout.root.rstrip("/")) + 1 :]
                found = [
                    file.model_copy(update={"path": name + file.path.removeprefix(base)})
                    for file in found
                ]
            files += found
        return sorted(files, key=lambda file: file.path)

    def commit(self, manifest: Manifest, *, replaces: bool) -> None:
        """Put this attempt in the place of what was there before, if it `replaces` something.

        Raises `LockLostError` where it is the first and another process was faster.
        """
        moved = [name for name in self._written if self._moves(name)]
        try:
            for name in moved:
                self._put_in_place(name)
            location = self._layout.manifest(self._stage.name)
            if replaces:
                write_manifest(location, manifest)
            elif not claim_manifest(location, manifest):
                raise overtaken(self._stage.name, self._layout.root)
        except BaseException:
            settle(self._run.layout.root, self._stage)
            raise
        self._sweep(manifest)

    def close(self) -> None:
        """Free what the attempt used; of one that was not committed, delete what it wrote."""
        for model in self._models.values():
            model.unpersist()
        # A process that lost the run leaves the checkpoints of the one that took over.
        everyones = self._layout.scratch(self._stage.name)
        store.delete_tree(f"{everyones if self._run.holds() else self._scratch}/")

    def withdraw(self) -> None:
        """Delete what this attempt wrote: it failed."""
        for folder in self._written.values():
            if folder in self._shared:
                self._remove_new(folder)
            else:
                store.delete_tree(folder)

    # -- folders ---------------------------------------------------------------------------------

    @property
    def _file_prefix(self) -> str:
        return f"part-{self._attempt.removeprefix('attempt-')}"

    @property
    def _scratch(self) -> str:
        return f"{self._layout.scratch(self._stage.name)}/{self._attempt}"

    def _declared(self, table: str) -> Table:
        name = table.partition("/")[0]
        if name not in self._stage.tables:
            raise OutputError(f"stage {self._stage.name} declares no table {name!r}")
        return self._stage.tables[name]

    def _folder(self, table: str) -> str:
        name, slash, below = table.partition("/")
        if self._is_shared(self._declared(table)):
            return self._layout.released(name)
        return f"{self._layout.table(self._stage.name, name)}/{self._attempt}{slash}{below}"

    def _is_shared(self, table: Table) -> bool:
        """Whether attempts write into one folder, told apart by their files: object stores cannot
        rename."""
        return table.released and not _is_local(self._layout.root)

    def _moves(self, name: str) -> bool:
        declared = self._declared(name)
        return declared.released and not self._is_shared(declared)

    def _new_files(self, folder: str) -> list[str]:
        return [
            file
            for file in parquet_files(folder)
            if file.rpartition("/")[2].startswith(f"{self._file_prefix}-")
        ]

    def _remove_new(self, folder: str) -> None:
        """What a try that failed left in a folder that attempts share."""
        for file in self._new_files(folder) if folder in self._shared else []:
            store.delete_tree(file)

    def _put_in_place(self, name: str) -> None:
        target = store.local_path(self._layout.released(name))
        source = store.local_path(self._written[name])
        os.makedirs(source, exist_ok=True)
        if os.path.exists(target):
            old = store.local_path(_replaced(self._layout.table(self._stage.name, name)))
            shutil.rmtree(old, ignore_errors=True)
            os.rename(target, old)
        os.rename(source, target)

    def _sweep(self, manifest: Manifest) -> None:
        """Delete what is neither named by the manifest nor another stage's."""
        named = {store.join(self._layout.root, file.path) for file in manifest.files}
        for name, table in self._stage.tables.items():
            folder = self._layout.table(self._stage.name, name)
            if self._is_shared(table):
                folder = self._layout.released(name)
            if not store.is_folder(folder):
                continue
            for below in store.list_folders(folder):
                here = store.join(folder, below)
                if not any(file.startswith(f"{here}/") for file in named):
                    store.delete_tree(here)
            for file in parquet_files(folder):
                if file not in named:  # of an attempt before each had a folder of its own
                    store.delete_tree(file)
                    store.delete_tree(_checksum(file))
            store.delete_empty(folder)


def overtaken(stage: str, root: str) -> LockLostError:
    """The error for a stage that another process completed meanwhile."""
    return LockLostError(
        f"stage {stage} of {root} was completed by another process meanwhile; "
        "look at its result with infimm funnel"
    )


def settle(root: str, stage: Stage) -> None:
    """Finish or undo the renaming of released tables that a killed driver left half done.

    The old table comes back unless the manifest names the new one's files.
    """
    from infimm_spark.run.layout import RunLayout

    layout = RunLayout(root)
    if not _is_local(root):
        return
    manifest = read_manifest(layout.manifest(stage.name))
    for name, table in stage.tables.items():
        old = store.local_path(_replaced(layout.table(stage.name, name)))
        if not table.released or not os.path.exists(old):
            continue
        place = store.local_path(layout.released(name))
        named = (
            [f.path for f in manifest.files if f.path.startswith(f"{name}/")] if manifest else []
        )
        is_new = all(store.exists(store.join(root, path)) for path in named)
        if is_new and os.path.exists(place):
            shutil.rmtree(old)
            continue
        shutil.rmtree(place, ignore_errors=True)
        os.rename(old, place)


def _replaced(folder: str) -> str:
    return f"{folder}/{_REPLACED}"


def _is_local(root: str) -> bool:
    return "://" not in root


def _checksum(file: str) -> str:
    """The hidden file that Hadoop keeps beside a local one."""
    folder, _, name = file.rpartition("/")
    return f"{folder}/.{name}.crc"


def _remove_checksums(folder: str) -> None:
    """Delete the hidden checksums that Hadoop keeps beside local files."""
    for file in parquet_files(folder):
        store.delete_tree(_checksum(file))
