"""robots.txt: which images a host lets this fetcher ask for (RFC 9309).

Needs Protego (the extra `images`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

from infimm_spark.errors import ImageRefusedError
from infimm_spark.images.asking import Asker

_MAX_BYTES = 512 * 1024  # RFC 9309 asks for 500 KiB at least
_MAX_DELAY = 30.0
_HOSTS = 10_000


class Robots:
    """The robots.txt of each host, asked for once. Threads may share one."""

    def __init__(self, asker: Asker, agent: str) -> None:
        self._asker = asker
        self._agent = agent
        self._rules: OrderedDict[str, _Rules] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, url: str) -> float:
        """The seconds that the host wants between two requests; 0 where it does not say.

        Raises `ImageRefusedError`: `disallowed`, or as for an image where robots.txt cannot be had
        for a reason that may pass (RFC 9309 takes that for a refusal of everything).
        """
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            rules = self._rules.setdefault(root, _Rules())
            self._rules.move_to_end(root)
            if len(self._rules) > _HOSTS:
                self._rules.popitem(last=False)
        parsed = rules.parsed(self._asker, f"{root}/robots.txt")
        if parsed is None:
            return 0.0
        if not parsed.can_fetch(url, self._agent):
            raise ImageRefusedError("disallowed", "robots.txt")
        return min(float(parsed.crawl_delay(self._agent) or 0.0), _MAX_DELAY)


class _Rules:
    """One host's rules; the first who needs them asks, the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_known = False
        self._parsed: Any = None

    def parsed(self, asker: Asker, url: str) -> Any:
        """The parsed file; None where there is none."""
        from protego import Protego

        with self._lock:
            if not self._is_known:
                try:
                    body = asker.ask(url, _MAX_BYTES).body
                except ImageRefusedError as error:
                    if error.status not in ("gone", "refused", "redirects", "too_large"):
                        raise
                else:
                    self._parsed = Protego.parse(body.decode("utf-8", "replace"))
                self._is_known = True
            return self._parsed
