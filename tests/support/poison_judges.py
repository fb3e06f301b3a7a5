"""Judges that misbehave on demand; imported by name in the sandbox's child."""

from __future__ import annotations

import os
import signal
import time

from infimm_spark.cascade.verdict import Verdict
from infimm_spark.errors import ModelError


def misbehaving():  # type: ignore[no-untyped-def]
    """A judge that does what the page's bytes say."""

    def judge(body: bytes, *, url: str, content_type: str | None) -> Verdict:
        if body == b"spin":
            while True:
                pass
        if body == b"sleep":
            time.sleep(600)
        if body == b"segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if body == b"exit":
            os._exit(3)
        if body == b"raise":
            raise ValueError("a defect")
        return Verdict(
            "dropped", reason="language", detail=str(len(body)), language=str(os.getpid())
        )

    return judge


def without_model():  # type: ignore[no-untyped-def]
    """A factory that fails as a broken model does."""
    raise ModelError("model x.ftz is not fastText")
