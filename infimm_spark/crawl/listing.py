"""Which WARC files an input names: files, globs, `*.paths(.gz)` listings, mirrors, plain folders."""

from __future__ import annotations

import os
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from infimm_spark.crawl import store
from infimm_spark.errors import InputError, StoreError

_LISTING = re.compile(r"\.paths(?:\.gz)?$")
_WARC_NAME = re.compile(r"\.warc(?:\.gz|\.lz4|\.zst)?$")
_CRAWL_NAME = re.compile(r"(?:^|/)(crawl-data/([^/]+)/.+)$")
_SNAPSHOT = re.compile(r"(?:^|/)(CC-MAIN-\d{4}-\d{2})(?=/)")
_PATHS_FILE = "warc.paths.gz"
_MAX_LISTING_BYTES = 1 << 30  # a snapshot's own listing is 15 MB


@dataclass(frozen=True, slots=True)
class WarcFile:
    """A WARC file to read.

    `location` is where it is; `warc_file` is its name in the crawl, the same wherever the mirror is
    mounted; `snapshot` is the crawl it belongs to.
    """

    location: str
    warc_file: str
    snapshot: str


def list_warcs(
    paths: list[str],
    *,
    snapshots: list[str] | tuple[str, ...] = (),
    limit: int | None = None,
    default_snapshot: str = "local",
) -> list[WarcFile]:
    """The WARC files that `paths` name, without repetition: in the order of the paths, inside a listing
    in its order, else sorted.

    A path is a WARC file; a glob; a listing whose entries are relative to the mirror it lies in, or to
    itself; the root of a mirror (it holds `crawl-data/<snapshot>/warc.paths.gz`), its `crawl-data` or
    one snapshot's folder; or a folder of WARC files. `snapshots` keeps only these, `limit` only the
    first files. Entries of listings are not looked up. `InputError` tells what is missing, unreadable or
    empty, which glob matches nothing, and which snapshot is unknown.
    """
    if not paths:
        raise InputError("no input: expected WARC files, globs, warc.paths listings or a mirror")
    locations = list(
        dict.fromkeys(location for path in paths for location in _resolved(path, snapshots))
    )
    files = _named(locations, default_snapshot)
    if snapshots:
        present = {file.snapshot for file in files}
        unknown = [name for name in snapshots if name not in present]
        if unknown:
            raise InputError(_unknown_snapshots(unknown, present))
        files = [file for file in files if file.snapshot in snapshots]
    return files[:limit]


def _resolved(path: str, snapshots: list[str] | tuple[str, ...]) -> Iterator[str]:
    try:
        path = _normal(path)
        if store.is_glob(path):
            found = store.glob(path)
            if not found:
                raise InputError(f"glob {store.shown(path)} matches no file")
            for location in found:
                yield from _of_listing(location) if _LISTING.search(location) else [location]
        elif store.is_folder(path):
            yield from _of_folder(path, snapshots)
        elif not _is_remote_web(path) and not store.exists(path):
            raise InputError(f"input {store.shown(path)} does not exist")
        elif _LISTING.search(path):
            yield from _of_listing(path)
        elif _is_remote_web(path) and not store.exists(path):
            yield from _of_web_mirror(path, snapshots)
        else:
            _refuse_unreadable(path)
            yield path
    except StoreError as error:
        raise InputError(str(error)) from None


def _normal(path: str) -> str:
    """Local paths absolute, so that executors and repeated mentions agree; `s3a://` as `s3://`."""
    if path.startswith("file://"):
        path = store.local_path(path)
    if "://" not in path:
        return os.path.abspath(os.path.expanduser(path))
    return re.sub(r"^s3[an]://", "s3://", path)


def _is_remote_web(path: str) -> bool:
    return path.startswith(("http://", "https://"))


def _refuse_unreadable(path: str) -> None:
    if "://" not in path and not os.access(path, os.R_OK):
        raise InputError(f"input {path} cannot be read: permission denied")


def _of_folder(folder: str, snapshots: list[str] | tuple[str, ...]) -> Iterator[str]:
    own = store.join(folder, _PATHS_FILE)
    if store.exists(own):
        yield from _of_listing(own)
        return
    inside = (
        folder if folder.rstrip("/").endswith("/crawl-data") else store.join(folder, "crawl-data")
    )
    if store.is_folder(inside):
        listings = {
            name: store.join(inside, name, _PATHS_FILE) for name in store.list_folders(inside)
        }
        listings = {name: path for name, path in listings.items() if store.exists(path)}
        if listings:
            unknown = [name for name in snapshots if name not in listings]
            if unknown:
                raise InputError(_unknown_snapshots(unknown, set(listings)))
            for name, path in listings.items():
                if not snapshots or name in snapshots:
                    yield from _of_listing(path)
            return
    found = [name for name in store.list_files(folder) if _WARC_NAME.search(name)]
    if not found:
        raise InputError(
            f"folder {store.shown(folder)} holds no WARC file (*.warc, *.warc.gz) and no "
            f"crawl-data/<snapshot>/{_PATHS_FILE}"
        )
    yield from found


def _of_web_mirror(root: str, snapshots: list[str] | tuple[str, ...]) -> Iterator[str]:
    """A mirror behind https cannot be listed: the snapshots must be named."""
    if not snapshots:
        raise InputError(
            f"input {store.shown(root)} does not exist (of a mirror on https, name the snapshots)"
        )
    inside = root if root.rstrip("/").endswith("/crawl-data") else store.join(root, "crawl-data")
    for name in snapshots:
        listing = store.join(inside, name, _PATHS_FILE)
        if not store.exists(listing):
            raise InputError(f"{store.shown(listing)} does not exist: unknown snapshot {name}")
        yield from _of_listing(listing)


def _of_listing(listing: str) -> Iterator[str]:
    entries = _entries(listing)
    if not entries:
        raise InputError(f"listing {store.shown(listing)} is empty")
    root = _root(listing, entries[0])
    for entry in entries:
        if "://" in entry or entry.startswith("/"):
            yield _normal(entry)
        else:
            yield store.join(root, entry)


def _entries(listing: str) -> list[str]:
    data = store.read_bytes(listing)
    if data.startswith(b"\x1f\x8b"):
        inflater = zlib.decompressobj(31)
        try:
            data = inflater.decompress(data, _MAX_LISTING_BYTES)
        except zlib.error:
            data, whole = b"", False
        else:
            whole = inflater.eof
        if not whole:
            raise InputError(f"listing {store.shown(listing)} is not whole gzip")
    elif listing.endswith(".gz") and data:
        what = "an HTML or XML page" if store.is_markup(data) else "not gzip"
        raise InputError(f"listing {store.shown(listing)} is {what}")
    try:
        lines = [line.strip() for line in data.decode("utf-8").splitlines()]
    except UnicodeDecodeError:
        raise InputError(f"listing {store.shown(listing)} is not text") from None
    entries = [line for line in lines if line]
    strange = next((e for e in entries if not _WARC_NAME.search(e)), None)
    if strange is not None:
        raise InputError(
            f"listing {store.shown(listing)} names {strange[:100]!r}; expected WARC files"
        )
    return entries


def _root(listing: str, entry: str) -> str:
    """The folder that a listing's entries are relative to."""
    folder = listing.rpartition("/")[0]
    if entry.startswith("crawl-data/"):
        head, found, _ = listing.rpartition("/crawl-data/")
        if found:
            return head or "/"
    if "://" not in listing:
        above = folder
        while above and not store.exists(store.join(above, entry)):
            above = above.rpartition("/")[0]
        return above or folder
    return folder


def _named(locations: list[str], default_snapshot: str) -> list[WarcFile]:
    """Names and snapshots; of two places with one crawl name the first is kept."""
    files: dict[str, WarcFile] = {}
    trails = _distinct_trails([loc for loc in locations if not _CRAWL_NAME.search(loc)])
    for location in locations:
        match = _CRAWL_NAME.search(location)
        if match:
            file = WarcFile(location, match[1], match[2])
        else:
            named = _SNAPSHOT.search(location)
            snapshot = named[1] if named else default_snapshot
            file = WarcFile(location, trails[location], snapshot)
        files.setdefault(file.warc_file, file)
    return list(files.values())


def _distinct_trails(locations: list[str]) -> dict[str, str]:
    """For each location its shortest trailing path that no other one shares."""
    parts = {location: location.split("/") for location in locations}
    trails: dict[str, str] = {}
    left, depth = locations, 1
    while left:
        groups = defaultdict(list)
        for location in left:
            groups["/".join(parts[location][-depth:])].append(location)
        left = []
        for trail, members in groups.items():
            if len(members) == 1 or depth >= max(len(parts[m]) for m in members):
                trails.update(dict.fromkeys(members, trail))
            else:
                left += members
        depth += 1
    return trails


def _unknown_snapshots(unknown: list[str], present: set[str]) -> str:
    return f"unknown snapshot {', '.join(unknown)}; the input has {', '.join(sorted(present)) or 'none'}"
