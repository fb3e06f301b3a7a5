"""A canonical key for URLs: two URLs with the same key name the same page."""

from __future__ import annotations

import re

_URL = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
"""scheme, authority, path, query, fragment (the expression of RFC 3986, appendix B): matches
anything."""
_PORT = re.compile(r"(.*?)(?::(\d*))?", re.DOTALL)
_WWW = re.compile(r"www\d*\.(?=.*\.)")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|([^!$&'()*+,;=:@/?A-Za-z0-9._~|-])")
"""`%7e` or a character that must be escaped."""
_SESSION = re.compile(r";jsessionid=[^;/]*", re.IGNORECASE)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_WHITE = re.compile(r"[\t\r\n]")

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

TRACKING_PARAMETERS = frozenset(
    [
        "fbclid",
        "gclid",
        "gclsrc",
        "gbraid",
        "wbraid",
        "dclid",
        "msclkid",
        "yclid",
        "twclid",
        "ttclid",
        "igshid",
        "mc_cid",
        "mc_eid",
        "_ga",
        "_gl",
        "_hsenc",
        "_hsmi",
        "mkt_tok",
        "oly_anon_id",
        "oly_enc_id",
        "vero_id",
        "wickedid",
        "spm",
        "phpsessid",
        "jsessionid",
    ]
)
"""Query parameters (besides `utm_*`) that identify the visit, not the page."""


def url_key(url: str) -> str:
    """The key of `url`, in SURT order: `https://www.Example.com:443/a/../b?utm_source=x` is
    `com,example)/b`.

    Dropped: the scheme, user and password, a leading `www.`, a default port, tracking and session
    parameters, and the fragment unless it is a hash-bang. Host lower-case; percent-encoding in its
    shortest form; dot segments resolved; parameters ordered by name. A trailing slash and the case
    of the path count. Total: text that is no URL yields itself, trimmed.
    """
    text = _WHITE.sub("", url.strip())
    match = _URL.fullmatch(text)
    if match is None or not match[2]:
        return text
    scheme, authority, path, query, fragment = match.groups(default="")
    key = _host_key(authority, scheme.lower()) + _path_key(path)
    parameters = _query_key(query)
    if parameters:
        key += "?" + parameters
    if fragment.startswith("!"):
        key += "#" + _escape(fragment)
    return key


def _host_key(authority: str, scheme: str) -> str:
    host_port = authority.rpartition("@")[2]
    if host_port.startswith("["):
        host, bracket, rest = host_port.partition("]")
        host, port = (host + bracket).lower(), rest.removeprefix(":")
    else:
        match = _PORT.fullmatch(host_port)
        host, port = (match[1], match[2] or "") if match else (host_port, "")
        host = (
            _WWW.sub("", _ascii_host(host), count=1)
            if host[:3].lower() == "www"
            else _ascii_host(host)
        )
        if not _IPV4.fullmatch(host):
            host = ",".join(reversed(host.split(".")))
    port = port.lstrip("0")
    return f"{host})" if port in {"", _DEFAULT_PORTS.get(scheme)} else f"{host}:{port})"


def _ascii_host(host: str) -> str:
    host = host.lower().rstrip(".")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _path_key(path: str) -> str:
    path = _escape(_SESSION.sub("", path))
    if not path.startswith("/"):
        path = "/" + path
    return _without_dot_segments(path) if "/." in path else path


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _query_key(query: str) -> str:
    if not query:
        return ""
    parameters = [_escape(part) for part in query.split("&") if part]
    names = [part.partition("=")[0] for part in parameters]
    kept = [
        (name, part)
        for name, part in zip(names, parameters, strict=True)
        if name.lower() not in TRACKING_PARAMETERS and not name.lower().startswith("utm_")
    ]
    # A stable sort: repeated parameters keep their order, which may mean something.
    return "&".join(part for _, part in sorted(kept, key=lambda pair: pair[0]))


def _escape(text: str) -> str:
    """Percent-encoding with unreserved characters plain and hexadecimal digits in upper case."""
    return _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else "%" + match[1].upper()
    return "".join(f"%{byte:02X}" for byte in match[2].encode("utf-8", "surrogatepass"))
