"""Lock and versions on a real S3 server, where only conditional writes keep two runs apart."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest

from infimm_spark.errors import LockedError, LockLostError, OutputError
from infimm_spark.run.lock import Lock
from infimm_spark.run.releases import Changes, Part, Releases, Version


def test_of_many_takers_on_s3_one_wins(bucket: str) -> None:
    """Twelve runs fired at once, round after round: one holds the lock, eleven are told."""
    for _ in range(3):
        outcomes: Counter[str] = Counter()
        start, done = threading.Barrier(12), threading.Barrier(12)

        def take(start: threading.Barrier, done: threading.Barrier, seen: Counter[str]) -> None:
            start.wait()
            try:
                with Lock(f"s3://{bucket}/releases/lock"):
                    seen["held"] += 1
                    done.wait()
            except LockedError:
                seen["refused"] += 1
                done.wait()

        threads = [threading.Thread(target=take, args=(start, done, outcomes)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == {"held": 1, "refused": 11}


def test_an_expired_lock_on_s3_is_taken_over(bucket: str) -> None:
    """After its term another takes the lock, and the stalled holder learns it."""
    time = [dt.datetime(2026, 11, 1, tzinfo=dt.UTC)]
    location = f"s3://{bucket}/releases/lock"
    stalled = Lock(location, now=lambda: time[0])
    with stalled:
        time[0] += dt.timedelta(minutes=16)
        with Lock(location, now=lambda: time[0]), pytest.raises(LockLostError):
            stalled.check()


def test_a_version_on_s3_is_published_once(bucket: str) -> None:
    """Of two runs that publish the same number the second is refused, and the first one's stays."""
    releases = Releases(f"s3://{bucket}/releases")

    def version(snapshot: str) -> Version:
        return Version(
            version=1,
            created="2026-11-01T00:00:00Z",
            code_version="0",
            parts=[Part(snapshot=snapshot, run_id="r", run="x", corpus="x/corpus", documents=1)],
            changes=Changes(
                snapshot=snapshot,
                pages_read=1,
                documents_added=1,
                dropped={},
                duplicates_of_earlier={},
            ),
        )

    releases.publish(version("CC-MAIN-2023-40"))
    with pytest.raises(OutputError, match="was published by another run"):
        releases.publish(version("CC-MAIN-2023-50"))
    latest = releases.latest()
    assert latest is not None
    assert latest.parts[0].snapshot == "CC-MAIN-2023-40"
