"""A client of OpenAI-compatible chat endpoints: vLLM, TGI, llama.cpp, or a cloud.

One blocking call, for use from many threads. Everything that may pass is tried again with full-jitter
back-off, `Retry-After` honoured; each try has a deadline for the whole answer, not just for silence.
The key is read from the environment, sent in one header to one host (redirects are refused) and
blanked out of everything that a server might send back.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infimm_spark.errors import ConfigError

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FATAL = frozenset({401, 402, 403, 404, 405})
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_BACKOFF_CAP = 30.0  # seconds
_RETRY_AFTER_CAP = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where documents go. Raises `ConfigError` for an address or a key that cannot be used."""

    url: str
    """As for OpenAI's clients, such as ``http://localhost:8000/v1``."""
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 120.0
    """Seconds for one whole answer."""
    attempts: int = 6
    """Tries of one request."""
    max_tokens: int = 1_024
    """Of an answer: room for a reasoning model's thoughts."""
    backoff: float = 1.0
    """Seconds; the n-th pause is uniform in [0, backoff * 2**n], at most half a minute."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("--endpoint is no web address; expected http(s)://HOST[:PORT]/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError(
                "--endpoint holds credentials or a query; expected http(s)://HOST[:PORT]/v1, and the "
                "key in the environment"
            )
        # http.client would repeat such a key in its error.
        if self.api_key is not None and not (
            self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key
        ):
            raise ConfigError(
                "the API key holds spaces, line breaks or other characters no key has; expected one "
                "printable word in the environment"
            )

    @property
    def shown(self) -> str:
        """The address, for messages and reports."""
        return self.url.rstrip("/")

    @property
    def chat_url(self) -> str:
        """Where chat completions are asked for."""
        base = self.shown
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


def key_from_environment(name: str) -> str | None:
    """The API key in the environment variable `name`; None where it is unset or empty."""
    return os.environ.get(name) or None


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of an answer, and the tokens the endpoint counted, if it did."""

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None


class ChatError(Exception):
    """A request failed for good; internal to annotation, which counts it by `reason`.

    `fatal` asks to stop the job: the key or the address is wrong. `of_endpoint` tells a failing endpoint from a
    document it will not take.
    """

    def __init__(
        self, reason: str, message: str, *, fatal: bool = False, of_endpoint: bool = True
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.fatal = fatal
        self.of_endpoint = of_endpoint


class ChatClient:
    """Asks one endpoint; safe to use from many threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.retries = 0
        """Requests sent again."""
        self._opener = urllib.request.build_opener(_NoRedirects())
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Send nothing more: calls under way end after their present try."""
        self._stopped.set()

    def complete(self, messages: list[dict[str, str]]) -> Answer:
        """The answer to `messages`; raises `ChatError` when all tries failed."""
        last: ChatError | None = None
        for attempt in range(self.endpoint.attempts):
            if self._stopped.is_set():
                break
            try:
                return self._once(messages)
            except _TransientError as error:
                last = error
            if attempt + 1 < self.endpoint.attempts:
                with self._lock:
                    self.retries += 1
                self._stopped.wait(self._pause(attempt, last.retry_after))
        if last is None:
            raise ChatError("stopped", "was not asked: the job ended", of_endpoint=False)
        raise ChatError(last.reason, str(last), of_endpoint=last.of_endpoint)

    def _once(self, messages: list[dict[str, str]]) -> Answer:
        body = json.dumps(
            {
                "model": self.endpoint.model,
                "messages": messages,
                "temperature": 0,
                "max_tokens": self.endpoint.max_tokens,
            }
        ).encode("ascii")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.endpoint.api_key is not None:
            headers["Authorization"] = f"Bearer {self.endpoint.api_key}"
        request = urllib.request.Request(self.endpoint.chat_url, data=body, headers=headers)
        deadline = time.monotonic() + self.endpoint.timeout
        try:
            with self._opener.open(request, timeout=self.endpoint.timeout) as response:
                data = _read(response, deadline)
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except TimeoutError:
            raise _TransientError(
                "timeout", f"gave no answer in {self.endpoint.timeout:g} s"
            ) from None
        except (http.client.HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise _TransientError(
                    "timeout", f"gave no answer in {self.endpoint.timeout:g} s"
                ) from None
            raise _TransientError("connection", f"broke off ({type(reason).__name__})") from None
        return _answer(data)

    def _refused(self, error: urllib.error.HTTPError) -> ChatError:
        status = error.code
        said = self._said(error)
        if status in _TRANSIENT:
            return _TransientError(
                f"http_{status}",
                f"answered {status}{said}",
                retry_after=_seconds(error.headers.get("Retry-After")),
            )
        if 300 <= status < 400:
            return ChatError(
                "redirect",
                f"answered {status}: it redirects, and a key is not sent on; expected the final "
                "address",
                fatal=True,
            )
        expected = {
            401: "; expected a valid key in the environment",
            404: "; expected an address that ends before /chat/completions, and a model it serves",
        }.get(status, "")
        return ChatError(
            f"http_{status}",
            f"answered {status}{said}{expected}",
            fatal=status in _FATAL,
            of_endpoint=status >= 500,
        )

    def _said(self, error: urllib.error.HTTPError) -> str:
        """The server's own short message, the key blanked out should it repeat it."""
        try:
            data = _read(error, time.monotonic() + 5.0)[:4_096]
            said = json.loads(data)["error"]
            said = said["message"] if isinstance(said, dict) else said
        except Exception:  # whatever is wrong with the body of an error is no news
            return ""
        finally:
            error.close()
        text = " ".join(str(said).split())
        key = self.endpoint.api_key
        if key:
            # Some servers repeat a key's end with its middle starred out.
            text = text.replace(key, "[key]")
            text = text.replace(key[-4:], "[key]") if len(key) > 8 else text
        return f" ({text[:200]})" if text else ""

    def _pause(self, attempt: int, retry_after: float | None) -> float:
        pause = random.uniform(0, min(_BACKOFF_CAP, self.endpoint.backoff * 2**attempt))
        return max(pause, min(retry_after or 0.0, _RETRY_AFTER_CAP))


class _TransientError(ChatError):
    """A failure that may pass."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        retry_after: float | None = None,
        of_endpoint: bool = True,
    ) -> None:
        super().__init__(reason, message, of_endpoint=of_endpoint)
        self.retry_after = retry_after


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _read(response: Any, deadline: float) -> bytes:
    """The whole body; a server that drips bytes does not outlast the deadline."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(65_536):
        parts.append(part)
        size += len(part)
        if size > _MAX_ANSWER_BYTES:
            raise _TransientError("too_long", f"sent more than {_MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    if getattr(response, "length", None):
        # http.client notices a short body in read(), not in read1().
        raise http.client.IncompleteRead(b"".join(parts))
    return b"".join(parts)


def _answer(data: bytes) -> Answer:
    """The first choice of a completion; raises `_TransientError` for anything else."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        raise _TransientError("not_json", "answered with something other than JSON") from None
    try:
        text = parsed["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise _TransientError("no_completion", "answered with JSON that is no completion") from None
    if text is None:  # a reasoning model that ran out of tokens
        text = ""
    if not isinstance(text, str):
        raise _TransientError("no_completion", "answered with JSON that is no completion")
    usage = parsed.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Answer(text, _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _seconds(value: str | None) -> float | None:
    """`Retry-After` in seconds; its other form, a date, is left to the back-off."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
