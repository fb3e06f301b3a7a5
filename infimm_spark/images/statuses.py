"""What can become of an image URL, and which of it is worth asking for again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """A value of the column `status`; with `retry`, a later run of the command asks again."""

    name: str
    meaning: str
    retry: bool = False
    dead: bool = False
    """The place is dead, so that an archive may have the image."""


STATUSES = (
    Status("ok", "the image is there"),
    Status("gone", "the server has no such image (HTTP 404, 410)", dead=True),
    Status("refused", "the server does not give the image to us (other HTTP 4xx)"),
    Status("disallowed", "robots.txt or an X-Robots-Tag such as noimageai forbids it"),
    Status("busy", "the server asked to come back later (HTTP 429, 503)", retry=True),
    Status("server_error", "the server failed (HTTP 5xx)", retry=True),
    Status("timeout", "the server was silent or too slow", retry=True),
    Status("unreachable", "no name, no connection, or no valid certificate", retry=True, dead=True),
    Status("broken_answer", "the connection broke, or the answer was no HTTP", retry=True),
    Status("redirects", "redirects in a circle, too many of them, or to no web address"),
    Status("private_address", "the name leads into a private network, which is never asked"),
    Status("bad_url", "no http(s) address"),
    Status("too_large", "more bytes than images.fetch.max_bytes"),
    Status("bomb", "more pixels than images.fetch.max_pixels"),
    Status("too_small", "narrower or lower than images.min_side"),
    Status("not_an_image", "the bytes are no image of images.fetch.formats"),
)
"""Every status."""

RETRIED = frozenset(status.name for status in STATUSES if status.retry)
DEAD = frozenset(status.name for status in STATUSES if status.dead)
