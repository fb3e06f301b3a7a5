"""Who may ask the browser's server, and what its pages may do.

The server listens on 127.0.0.1 alone. Other programs and web pages of this machine can reach it
there, so that a request must also name the server by its address (a page that rebinds a name of its
own to 127.0.0.1 cannot), and carry the token of the address that was printed: once in the URL, from
then on in a cookie that no script reads. What changes something must come from the server's own
pages.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infimm_spark.browse.policies import POLICY

COOKIE = "infimm-browse-{port}"

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-dns-prefetch-control": "off",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}


def new_token() -> str:
    """256 bits that nobody guesses."""
    return secrets.token_urlsafe(32)


class Guard:
    """Lets through requests with the right host and token, and sets the headers of all answers."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = COOKIE.format(port=port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope)
        await (self._app if answer is None else answer)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer in place of the application, None where it may answer."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("the Host header names another server", 421)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("only GET and POST are answered", 405)
        if scope["method"] == "POST" and headers.get("origin") != f"http://{host}":
            return PlainTextResponse("the request comes from another page", 403)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token")
        if given is not None and scope["method"] == "GET":
            if not self._right(given):
                return _no_token()
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            # The path alone: `//host` would lead away.
            path = "/" + scope["path"].lstrip("/\\")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return answer
        return None if self._right(self._of_cookie(headers)) else _no_token()

    def _right(self, given: str) -> bool:
        return compare_digest(given.encode(), self._token.encode())

    def _of_cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value


def _no_token() -> Response:
    return PlainTextResponse(
        "open the address that `infimm browse` printed: it ends in ?token=…", 403
    )
