"""Just enough JavaScript to read configuration literals: arrays, objects, strings, numbers."""

from __future__ import annotations

import re
from typing import Any

_MAX_DEPTH = 30
_MAX_LENGTH = 100_000
_SKIP = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.S)
_KEY = re.compile(r"[A-Za-z_$][\w$\-]*")
_BARE = re.compile(r"[^,\]}\s]+")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r?\n|.)", re.S)
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`", re.S)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def literal(source: str, position: int = 0, longest: int = _MAX_LENGTH) -> Any:
    """The array, object, string, number or word that starts at `position`; None if there is none.

    Functions and expressions read as None; what follows a broken place is left out.
    """
    value, _ = _value(source[position : position + longest], 0, 0)
    return value


def string(quoted: str) -> str:
    """The value of a quoted JavaScript string: `"\\\\(x"` → `\\(x`."""
    return _ESCAPE.sub(_unescape, quoted[1:-1])


def _unescape(match: re.Match[str]) -> str:
    body = match[1]
    if len(body) > 1 and body[0] in "ux":
        return chr(int(body[1:], 16))
    if body[-1] == "\n":
        return ""
    return _CONTROL.get(body, body)


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    at = _skip(text, at)
    if at >= len(text) or depth > _MAX_DEPTH:
        return None, len(text)
    character = text[at]
    if character in "\"'`":
        match = _STRING.match(text, at)
        return (string(match[0]), match.end()) if match else (None, len(text))
    if character == "[":
        return _array(text, at + 1, depth)
    if character == "{":
        return _object(text, at + 1, depth)
    match = _BARE.match(text, at)
    if match is None:
        return None, at + 1
    word = match[0]
    if word in ("true", "false"):
        return word == "true", match.end()
    try:
        return (int(word) if word.isdigit() else float(word)), match.end()
    except ValueError:
        return None, match.end()


def _array(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while True:
        at = _skip(text, at)
        if at >= len(text) or text[at] == "]":
            return items, at + 1
        if text[at] == ",":
            at += 1
            continue
        if text[at] == "}":
            return items, at
        value, at = _value(text, at, depth + 1)
        items.append(value)


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    items: dict[str, Any] = {}
    while True:
        at = _skip(text, at)
        if at >= len(text) or text[at] == "}":
            return items, at + 1
        if text[at] in ",;":
            at += 1
            continue
        key_match = _STRING.match(text, at) or _KEY.match(text, at)
        if key_match is None:
            at += 1
            continue
        key = string(key_match[0]) if text[at] in "\"'`" else key_match[0]
        at = _skip(text, key_match.end())
        if at >= len(text) or text[at] != ":":
            continue
        value, at = _value(text, at + 1, depth + 1)
        items[key] = value


def _skip(text: str, at: int) -> int:
    match = _SKIP.match(text, at)
    return match.end() if match else at
