"""A client of OpenAI-compatible chat endpoints: vLLM, TGI, llama.cpp, or a cloud.

One blocking call, safe to use from many threads. Transient failures are retried with full-jitter
back-off, honouring `Retry-After`; each attempt has a deadline for the whole answer, not just for
silence. The key is read from the environment, sent in one header to one host (redirects are
refused) and blanked out of everything that a server sends back.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
    wait_random_exponential,
)

from infimm_spark.errors import ConfigError

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FATAL = frozenset({401, 402, 403, 404, 405})
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_READING_TEMPERATURE = 0.7
"""Of second readings: at 0 a model would only repeat itself."""
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
            raise ConfigError("--endpoint is not a web address; expected http(s)://HOST[:PORT]/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError(
                "--endpoint holds credentials or a query; expected http(s)://HOST[:PORT]/v1, and "
                "the "
                "key in the environment"
            )
        # An HTTP library would repeat such a key in its error.
        if self.api_key is not None and not (
            self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key
        ):
            raise ConfigError(
                "the API key holds spaces, line breaks or other characters no key has; expected "
                "one "
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

    `fatal` asks to stop the job: the key or the address is wrong. `of_endpoint` tells a failing
    endpoint from a document it will not take.
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
        self._client = httpx.Client(
            timeout=endpoint.timeout, limits=httpx.Limits(max_connections=None)
        )
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Send nothing more: calls under way end after their present attempt."""
        self._stopped.set()

    def complete(self, messages: list[dict[str, str]], reading: int = 0) -> Answer:
        """The answer to `messages`; raises `ChatError` when all attempts failed.

        Answers to reading 0 are the model's most probable ones, those to further readings drawn.
        """
        if self._stopped.is_set():
            raise ChatError("stopped", "was not asked: the job ended", of_endpoint=False)
        attempts = Retrying(
            retry=retry_if_exception_type(_TransientError),
            stop=stop_after_attempt(self.endpoint.attempts) | stop_when_event_set(self._stopped),
            wait=self._pause,
            sleep=sleep_using_event(self._stopped),
            before_sleep=self._count_retry,
            reraise=True,
        )
        return attempts(self._once, messages, reading)

    def _once(self, messages: list[dict[str, str]], reading: int) -> Answer:
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": messages,
            "temperature": _READING_TEMPERATURE if reading else 0,
            "max_tokens": self.endpoint.max_tokens,
        }
        if reading:
            body["seed"] = reading
        key = self.endpoint.api_key
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        deadline = time.monotonic() + self.endpoint.timeout
        try:
            with self._client.stream(
                "POST", self.endpoint.chat_url, json=body, headers=headers
            ) as response:
                if not response.is_success:
                    raise self._refused(response)
                data = _read(response, deadline)
        except httpx.TimeoutException:
            raise _TransientError(
                "timeout", f"gave no answer in {self.endpoint.timeout:g} s"
            ) from None
        except (httpx.HTTPError, OSError) as error:
            raise _TransientError("connection", f"broke off ({type(error).__name__})") from None
        return _answer(data)

    def _refused(self, response: httpx.Response) -> ChatError:
        status = response.status_code
        said = self._said(response)
        if status in _TRANSIENT:
            return _TransientError(
                f"http_{status}",
                f"answered {status}{said}",
                retry_after=_seconds(response.headers.get("Retry-After")),
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

    def _said(self, response: httpx.Response) -> str:
        """The server's own short message, with the key blanked out should it repeat it."""
        try:
            data = _read(response, time.monotonic() + 5.0)
            said = json.loads(data)["error"]
            said = said["message"] if isinstance(said, dict) else said
        except Exception:  # an error's body that cannot be read tells nothing
            return ""
        text = " ".join(str(said).split())
        key = self.endpoint.api_key
        if key:
            # Some servers repeat a key's end with its middle starred out.
            text = text.replace(key, "[key]")
            text = text.replace(key[-4:], "[key]") if len(key) > 8 else text
        return f" ({text[:200]})" if text else ""

    def _pause(self, state: RetryCallState) -> float:
        """Seconds to the next attempt: full jitter, and no less than the server asks for."""
        pause = wait_random_exponential(multiplier=self.endpoint.backoff, max=_BACKOFF_CAP)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, _TransientError) else None
        return max(pause, min(asked or 0.0, _RETRY_AFTER_CAP))

    def _count_retry(self, state: RetryCallState) -> None:
        with self._lock:
            self.retries += 1


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


def _read(response: httpx.Response, deadline: float) -> bytes:
    """The whole body; a server that drips bytes does not outlast the deadline."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > _MAX_ANSWER_BYTES:
            raise _TransientError("too_long", f"sent more than {_MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the deadline for the whole answer has passed")
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
