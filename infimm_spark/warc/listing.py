"""Which WARC files an input names: files, globs, `*.paths(.gz)` listings, mirrors, plain
folders."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import logging
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infimm_spark import store
from infimm_spark.errors import InputError, MissingObjectError, StoreError
from infimm_spark.warc import wacz
from infimm_spark.warc.snapshots import full_name, needs_names, select_snapshots

log = logging.getLogger(__name__)

_LISTING = re.compile(r"\.paths(?:\.gz)?$", re.IGNORECASE)
_WARC_NAME = re.compile(r"\.warc(?:\.(?:gz|lz4|zst|bz2|xz))?$", re.IGNORECASE)
_WACZ_NAME = re.compile(r"\.wacz$", re.IGNORECASE)
_ARC_NAME = re.compile(r"\.arc(?:\.gz)?$", re.IGNORECASE)
_CRAWL_NAME = re.compile(r"(?:^|/)(crawl-data/([^/]+)/.+)$")
_SNAPSHOT = re.compile(r"(?:^|/)(CC-MAIN-\d{4}-\d{2})(?=/)")
_SEGMENT = re.compile(r"/segments/([^/]+)/")
_COLLECTIONS = "https://index.commoncrawl.org/collinfo.json"
_PATHS_FILE = "warc.paths.gz"
_MAX_LISTING_BYTES = 1 << 30  # a snapshot's own listing is 15 MB
_NAMED = 10  # of what is left out, messages name the first
_COMPARED = 20  # files of one name in two places, of which the sizes are compared


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
    segments: list[str] | tuple[str, ...] = (),
    sample: int | None = None,
    seed: int = 1,
    limit: int | None = None,
    default_snapshot: str = "local",
    prefix: str = "",
) -> list[WarcFile]:
    """The WARC files that `paths` name, without repetition: in the order of the paths, inside a
    listing in its order, else sorted.

    A path is a WARC file; a WACZ archive, for the WARC files in it; a glob; a listing whose entries
    are relative to the mirror it lies in, or to itself; the root of a mirror (it holds
    `crawl-data/<snapshot>/warc.paths.gz`), its `crawl-data` or one snapshot's folder; or a folder
    of WARC files. `snapshots` keeps only these (names, years, ranges: see `select_snapshots`),
    `segments` only files of segments that match one of the patterns, `sample` so many files chosen
    by a hash of name and `seed`, `limit` the first of the rest. `prefix` is put before the names of
    files outside a crawl's layout. Entries of listings are not looked up. Files that are given and
    not read are counted and named in the log. `InputError` tells what is missing, unreadable or
    empty, which glob matches nothing, which snapshot is unknown, and which two different files have
    one name in the crawl.
    """
    if not paths:
        raise InputError("no input: expected WARC files, globs, warc.paths listings or a mirror")
    locations = list(
        dict.fromkeys(location for path in paths for location in _resolved(path, snapshots))
    )
    files = _named(_each_once(locations), default_snapshot, prefix)
    if snapshots:
        chosen = set(select_snapshots(snapshots, {file.snapshot for file in files}))
        files = [file for file in files if file.snapshot in chosen]
    if segments:
        files = [file for file in files if _in_segments(file.warc_file, segments)]
        if not files:
            raise InputError(f"no WARC file lies in a segment that matches {', '.join(segments)}")
    if sample is not None:
        files = _sampled(files, sample, seed)
    return files[:limit]


def snapshot_of(location: str, default: str) -> str:
    """The snapshot that a location, or a WARC file's name in the crawl, tells; else `default`."""
    match = _CRAWL_NAME.search(location)
    if match:
        return match[2]
    named = _SNAPSHOT.search(location)
    return named[1] if named else default


def _in_segments(warc_file: str, patterns: list[str] | tuple[str, ...]) -> bool:
    found = _SEGMENT.search(warc_file)
    return found is not None and any(fnmatch.fnmatchcase(found[1], p) for p in patterns)


def _sampled(files: list[WarcFile], count: int, seed: int) -> list[WarcFile]:
    """`count` files whose names hash lowest, in their order: more files later move few out of a
    sample."""

    def share(file: WarcFile) -> bytes:
        return hashlib.blake2b(f"{seed}\0{file.warc_file}".encode(), digest_size=16).digest()

    chosen = {file.warc_file for file in sorted(files, key=share)[:count]}
    return [file for file in files if file.warc_file in chosen]


def _resolved(path: str, snapshots: list[str] | tuple[str, ...]) -> Iterator[str]:
    try:
        path = _normal(path)
        if store.is_glob(path):
            found = store.glob(path)
            if not found:
                raise InputError(f"glob {store.shown(path)} matches no file")
            for location in found:
                yield from _of_file(location)
        elif store.is_folder(path):
            yield from _of_folder(path, snapshots)
        elif _is_remote_web(path) and not _names_file(path):
            yield from _of_web_mirror(path, snapshots)
        elif not store.exists(path):
            raise InputError(f"input {store.shown(path)} does not exist")
        else:
            _refuse_unreadable(path)
            yield from _of_file(path)
    except StoreError as error:
        raise InputError(str(error)) from None


def _of_file(location: str) -> Iterator[str]:
    """The WARC files of one file: those that it lists or holds, else itself."""
    if _LISTING.search(location):
        yield from _of_listing(location)
    elif _WACZ_NAME.search(location):
        yield from _of_wacz(location)
    else:
        yield location


def _of_wacz(location: str) -> Iterator[str]:
    names = wacz.warc_names(location)
    warcs = [name for name in names if _WARC_NAME.search(name)]
    if not warcs:
        raise InputError(f"{store.shown(location)} holds no WARC file in its folder archive/")
    _tell_left_out([name for name in names if name not in set(warcs)], location)
    yield from (wacz.inside(location, name) for name in warcs)


def _normal(path: str) -> str:
    """Local paths absolute, so that executors and repeated mentions agree; one spelling of each
    scheme."""
    if store.scheme_of(path) == "file":
        return os.path.abspath(os.path.expanduser(store.local_path(path)))
    return store.normal(path)


def _is_remote_web(path: str) -> bool:
    return path.startswith(("http://", "https://"))


def _names_file(address: str) -> bool:
    """Whether a web address is that of a file rather than of a mirror's root."""
    path = store.shown(address)
    return any(p.search(path) for p in (_LISTING, _WARC_NAME, _WACZ_NAME, _ARC_NAME))


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
            for name in select_snapshots(snapshots, listings):
                yield from _of_listing(listings[name])
            return
    present = store.list_files(folder)
    found = [name for name in present if _WARC_NAME.search(name) or _WACZ_NAME.search(name)]
    left_out = [name for name in present if name not in set(found)]
    if not found:
        others = f"; it holds {_counted(left_out, folder)}" if left_out else ""
        raise InputError(
            f"folder {store.shown(folder)} holds no WARC file (*.warc, *.warc.gz, *.wacz) and no "
            f"crawl-data/<snapshot>/{_PATHS_FILE}{others}"
        )
    _tell_left_out(left_out, folder)
    for location in found:
        yield from _of_file(location)


def _tell_left_out(locations: Sequence[str], where: str) -> None:
    if locations:
        log.warning(
            "input %s: %s; only WARC files are read",
            store.shown(where),
            f"left out {_counted(locations, where)}",
        )


def _counted(locations: Sequence[str], where: str) -> str:
    """`3 files: a.arc.gz (ARC is not read), b.txt, …`."""
    names = [
        location.removeprefix(f"{where.rstrip('/')}/")
        + (" (ARC is not read)" if _ARC_NAME.search(location) else "")
        for location in locations[:_NAMED]
    ]
    more = ", …" if len(locations) > _NAMED else ""
    return f"{len(locations)} file{'s'[: len(locations) > 1]}: {', '.join(names)}{more}"


def _of_web_mirror(root: str, snapshots: list[str] | tuple[str, ...]) -> Iterator[str]:
    """A mirror behind https cannot be listed: the snapshots must be named."""
    if not snapshots and _answers_with_file(root):
        yield root
        return
    if not snapshots:
        raise InputError(
            f"input {store.shown(root)} is not a WARC file; expected one, a {_PATHS_FILE}, or the "
            "root "
            "of a mirror (then name the snapshots: a web server has no listing)"
        )
    inside = root if root.rstrip("/").endswith("/crawl-data") else store.join(root, "crawl-data")
    if needs_names(snapshots):
        snapshots = select_snapshots(snapshots, _web_snapshots(root))
    for name in map(full_name, snapshots):
        listing = store.join(inside, name, _PATHS_FILE)
        if not store.exists(listing):
            raise InputError(f"{store.shown(listing)} does not exist: unknown snapshot {name}")
        yield from _of_listing(listing)


def _answers_with_file(address: str) -> bool:
    """Whether the server has anything but a page under an address that does not look like a
    file's."""
    try:
        with store.open_stream(address, check=False) as stream:
            head = stream.peek(512)
    except MissingObjectError:
        return False
    return bool(head) and not store.is_markup(head)


def _web_snapshots(root: str) -> list[str]:
    """Names in `collinfo.json`, which Common Crawl keeps on its index server and a mirror in its
    root."""
    official = re.match(r"https?://data\.commoncrawl\.org(?:/|$)", root)
    info = (
        _COLLECTIONS if official else store.join(root.removesuffix("/crawl-data"), "collinfo.json")
    )
    try:
        return [str(entry["id"]) for entry in json.loads(store.read_bytes(info))]
    except MissingObjectError:
        raise InputError(
            f"{store.shown(info)} does not exist: name each snapshot of this mirror"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{store.shown(info)} is not Common Crawl's list of snapshots") from None


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
            raise InputError(f"listing {store.shown(listing)} is truncated or damaged gzip")
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


def _each_once(locations: list[str]) -> list[str]:
    """Local files each once, however many links lead to one."""
    first: dict[str, str] = {}
    again: list[str] = []
    for location in locations:
        local = store.scheme_of(location) == "file"
        real = os.path.realpath(location) if local else location
        if first.setdefault(real, location) != location:
            again.append(location)
    if again:
        log.warning(
            "input: %d links to files that are read already were left out: %s",
            len(again),
            _first_of(again),
        )
    return list(first.values())


def _named(locations: list[str], default_snapshot: str, prefix: str) -> list[WarcFile]:
    """Names and snapshots; of two places with one crawl name the first is read.

    Raises `InputError` where the two are not the same file.
    """
    files: dict[str, WarcFile] = {}
    again: list[tuple[str, str]] = []
    trails = _distinct_trails([loc for loc in locations if not _CRAWL_NAME.search(loc)])
    for location in locations:
        match = _CRAWL_NAME.search(location)
        name = match[1] if match else store.join(prefix, trails[location]).lstrip("/")
        file = WarcFile(location, name, snapshot_of(location, default_snapshot))
        kept = files.setdefault(file.warc_file, file)
        if kept is not file:
            again.append((kept.location, location))
    for kept_at, location in again[:_COMPARED]:
        sizes = _size(kept_at), _size(location)
        if None not in sizes and sizes[0] != sizes[1]:
            raise InputError(
                f"{store.shown(kept_at)} and {store.shown(location)} have one name in the crawl "
                "and are different "
                f"files ({sizes[0]:,} and {sizes[1]:,} bytes); expected one of them"
            )
    if again:
        log.warning(
            "input: %d files that another path names already are read once: %s",
            len(again),
            _first_of([location for _, location in again]),
        )
    return list(files.values())


def _first_of(locations: Sequence[str]) -> str:
    names = ", ".join(map(store.shown, locations[:_NAMED]))
    return names + (", …" if len(locations) > _NAMED else "")


def _size(location: str) -> int | None:
    """Bytes of a file, None where it cannot be had: entries of listings are not looked up."""
    try:
        with store.open_stream(location, check=False) as stream:
            return stream.size
    except StoreError:
        return None


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
