"""A remote object is fetched while its reader works."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from infimm_spark.errors import StoreError
from infimm_spark.store import ReadAhead

DATA = bytes(range(256)) * 40_000  # ten megabytes


class Slow:
    """Stands for a `ByteStream`: gives `DATA` in pieces, and counts what was asked for."""

    location = "s3://bucket/a.warc.gz"

    def __init__(self, breaks_at: int | None = None) -> None:
        self.position = 0
        self.breaks_at = breaks_at
        self.closed = False
        self.seeks = 0

    def tell(self) -> int:
        return self.position

    def read(self, n: int) -> bytes:
        if self.breaks_at is not None and self.position >= self.breaks_at:
            raise StoreError("the connection broke")
        piece = DATA[self.position : self.position + min(n, 70_000)]
        self.position += len(piece)
        return piece

    def seek(self, position: int) -> None:
        self.seeks += 1
        self.position = position

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def ahead(slow: Slow) -> Iterator[ReadAhead]:
    with ReadAhead(slow) as stream:  # type: ignore[arg-type]
        yield stream


def all_of(stream: ReadAhead, n: int = 65_536) -> bytes:
    pieces = []
    while piece := stream.read(n):
        pieces.append(piece)
    return b"".join(pieces)


def test_every_byte_comes_once_and_in_order(ahead: ReadAhead) -> None:
    """The whole object, and nothing behind its end however often it is asked."""
    assert all_of(ahead) == DATA
    assert ahead.read(10) == b""


def test_bytes_are_fetched_before_they_are_asked_for(ahead: ReadAhead, slow: Slow) -> None:
    """After the first byte more arrives by itself, but never the whole of a large object."""
    assert ahead.read(1) == DATA[:1]
    deadline = time.monotonic() + 10
    while slow.position < 500_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 500_000 <= slow.position < len(DATA)


def test_peeked_bytes_stay(ahead: ReadAhead) -> None:
    """`peek` looks as far as wanted, also over pieces and behind the end."""
    assert ahead.peek(200_000) == DATA[:200_000]
    assert ahead.read(5) == DATA[:5]
    assert ahead.peek(8) == DATA[5:13]
    ahead.seek(len(DATA) - 3)
    assert ahead.peek(100) == DATA[-3:]
    assert ahead.read(100) == DATA[-3:]


def test_seeking_drops_what_was_fetched(ahead: ReadAhead) -> None:
    """Reading goes on at the place sought, back and forth, also behind the end."""
    assert ahead.read(100) == DATA[:100]
    ahead.seek(7_000_000)
    assert ahead.read(50) == DATA[7_000_000:7_000_050]
    ahead.seek(10)
    assert all_of(ahead) == DATA[10:]
    ahead.seek(0)
    assert ahead.read(3) == DATA[:3]


def test_going_back_a_little_asks_for_nothing(ahead: ReadAhead, slow: Slow) -> None:
    """What was read just now is still there, at the object's end too; the order stays."""
    assert ahead.read(200_000) == DATA[:70_000]  # a piece at a time
    assert ahead.read(200_000) == DATA[70_000:140_000]
    ahead.seek(1_000)
    assert all_of(ahead) == DATA[1_000:]
    ahead.seek(len(DATA) - 600_000)
    assert all_of(ahead) == DATA[-600_000:]
    assert slow.seeks == 0
    ahead.seek(len(DATA) - 3_000_000)
    assert all_of(ahead) == DATA[-3_000_000:]
    assert slow.seeks == 1


def test_an_error_comes_where_it_belongs() -> None:
    """What came before a broken connection is read; then the error is raised."""
    with ReadAhead(Slow(breaks_at=140_000)) as stream:  # type: ignore[arg-type]
        assert stream.read(70_000) + stream.read(70_000) == DATA[:140_000]
        with pytest.raises(StoreError, match="broke"):
            stream.read(1)
        assert stream.read(1) == b""


def test_closing_ends_thread_and_connection(slow: Slow) -> None:
    """A reader that stops early leaves no thread and no connection."""
    stream = ReadAhead(slow)  # type: ignore[arg-type]
    stream.read(1)
    stream.close()
    assert slow.closed
    assert "read-ahead" not in {thread.name for thread in threading.enumerate()}
