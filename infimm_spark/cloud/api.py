"""Sending requests to a platform, or writing them to files: what `--dry-run` does."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infimm_spark import store
from infimm_spark.errors import ConfigError, InputError, OutputError
from infimm_spark.store.base import split


@dataclass(frozen=True)
class Request:
    """One call of a platform's API.

    `service` and `operation` are the names of boto3's client and method, or the verb and the URL of
    a REST call; `body` is what is sent.
    """

    service: str
    operation: str
    body: dict[str, Any]


class Api(ABC):
    """A platform's API and the files of its prefix."""

    def __init__(self, dry_run: DryRun | None = None) -> None:
        self.dry_run = dry_run

    @abstractmethod
    def send(self, request: Request) -> dict[str, Any]:
        """The platform's answer. Raises `CloudError` in one line, with `status` or `code` where the
        platform named one."""

    def problems(self, request: Request) -> str:
        """What the service's model has against a request; empty for nothing."""
        return ""

    @abstractmethod
    def command(self, request: Request, file: str) -> str:
        """The shell command that sends a request written to `file`."""

    @abstractmethod
    def copy_command(self, source: str, location: str) -> str:
        """The shell command that uploads a file."""

    def ask(self, request: Request, otherwise: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request that changes nothing; `otherwise` in a dry run."""
        return otherwise if self.dry_run is not None else self.send(request)

    def change(self, request: Request, otherwise: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request that changes something; in a dry run it is checked and written
        to a file, and `otherwise` is the answer."""
        if problems := self.problems(request):
            raise AssertionError(f"{request.service} {request.operation}: {problems}")
        if self.dry_run is None:
            return self.send(request)
        self.dry_run.add(request, self)
        return otherwise

    # -- files of the prefix -----------------------------------------------------------------------

    def upload(self, file: Path, location: str) -> None:
        """Copy a file of this machine to a location of the prefix."""
        if self.dry_run is not None:
            self.dry_run.commands(self.copy_command(str(file.resolve()), location))
            return
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}") from None
        self.write(location, content)

    def put(self, location: str, content: bytes) -> None:
        """Write a small file of the prefix."""
        if self.dry_run is not None:
            copy = self.dry_run.put(location, content)
            self.dry_run.commands(self.copy_command(copy, location))
        else:
            self.write(location, content)

    def get(self, location: str) -> bytes | None:
        """A file of the prefix; None where there is none."""
        return self.dry_run.get(location) if self.dry_run is not None else self.read(location)

    def write(self, location: str, content: bytes) -> None:
        """Write an object as a whole."""
        store.write_bytes(location, content)

    def read(self, location: str) -> bytes | None:
        """An object; None where there is none."""
        return store.read_bytes(location) if store.exists(location) else None

    def names(self, folder: str) -> list[str]:
        """Names of the files below a folder, sorted; empty where there is no folder."""
        return store.list_files(folder) if store.exists(folder) else []

    def delete(self, location: str) -> None:
        """Delete a folder of the prefix with all it holds."""
        if self.dry_run is not None:
            self.dry_run.commands(f"# delete {location}")
        else:
            store.delete_tree(location)


class DryRun:
    """A folder of requests as JSON, `commands.txt` that would send them, and small files of the
    prefix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"--dry-run {folder} cannot be made: {error.strerror}") from None

    def add(self, request: Request, api: Api) -> None:
        """Write the body of a request to a file of its own."""
        number = len(list(self.folder.glob("[0-9][0-9]-*.json"))) + 1
        what = "".join(c if c.isalnum() else "-" for c in f"{request.service}-{_last(request)}")
        name = f"{number:02d}-{what}.json"
        (self.folder / name).write_text(json.dumps(request.body, indent=2) + "\n", encoding="utf-8")
        self.commands(api.command(request, name))

    def commands(self, line: str) -> None:
        with open(self.folder / "commands.txt", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def put(self, location: str, content: bytes) -> str:
        """Keep a copy of a small file; its path."""
        copy = self._copy(location)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        return str(copy.relative_to(self.folder))

    def get(self, location: str) -> bytes | None:
        copy = self._copy(location)
        return copy.read_bytes() if copy.is_file() else None

    def clear(self) -> None:
        """Forget what an earlier dry run wrote here."""
        for file in (*self.folder.glob("[0-9][0-9]-*.json"), self.folder / "commands.txt"):
            file.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "files", ignore_errors=True)

    def _copy(self, location: str) -> Path:
        return self.folder / "files" / location.replace("://", "/").lstrip("/")


def _last(request: Request) -> str:
    """The operation's name, or the last two parts of a URL."""
    return "-".join(request.operation.partition("?")[0].rstrip("/").split("/")[-2:])


def bucket_and_folder(prefix: str, scheme: str) -> tuple[str, str]:
    """(bucket, key without slashes at its ends) of `scheme://bucket/key`; raises `ConfigError`."""
    found, rest = split(prefix)
    bucket, _, key = rest.partition("/")
    if found != scheme or not bucket or not key.strip("/"):
        raise ConfigError(f"--prefix {prefix}: expected {scheme}://BUCKET/FOLDER")
    return bucket, key.strip("/")
