"""Deleting a run to build another in its place."""

from __future__ import annotations

from infimm_spark import store
from infimm_spark.errors import OutputError
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.lock import holding


def check_replaceable(layout: RunLayout) -> tuple[int, int]:
    """Files and bytes that overwriting deletes; none where there is nothing yet.

    Raises `OutputError` for a directory that holds other things than a run: such is never deleted.
    """
    sizes = store.list_sizes(layout.root) if store.exists(layout.root) else []
    if sizes and not store.exists(layout.run_file):
        raise OutputError(
            f"output {layout.root} is not empty and holds no run, so it is not overwritten; "
            "expected a run, or a "
            "new or empty directory"
        )
    return len(sizes), sum(size for _, size in sizes)


def remove_run(layout: RunLayout, *, take_over: bool = False) -> None:
    """Delete a run under its lock. Raises `LockedError` where a process works on it, and as
    `check_replaceable`."""
    count, _ = check_replaceable(layout)
    if not count:
        return
    with holding(layout.root, take_over=take_over):
        for folder in store.list_folders(layout.root):
            store.delete_tree(store.join(layout.root, folder))
        # The run file last: as long as it is there, what is left can be overwritten.
        for file in store.list_files(layout.root):
            if file != layout.run_file:
                store.delete_tree(file)
        store.delete_tree(layout.run_file)
