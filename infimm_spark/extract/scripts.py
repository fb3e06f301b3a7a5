r"""Marks of raised, lowered, overlined and struck text to what is written: `x^{2}`, `_{1}`, `\overline{AB}`.

Ordinals, primes and signs such as ™ are plain. One pass with a stack, linear in the text; what nests
deeper than any formula is plain text.
"""  # noqa: E501

from __future__ import annotations

import re

from infimm_spark.extract import marks

_MARKS = re.compile("([\ue005-\ue007\ue009\ue00a])")
_DEEPEST = 6
_LONGEST = 40
"""Characters of a script; what is longer is small print."""
_MOST_BLANKS = 3

# `2<sup>1</sup>⁄<sub>3</sub>` is two and a third, no power.
_STACKED = re.compile(
    "(\\d?)\ue005\\s*(\\d{1,6})\\s*\ue007\\s*([\u2044/])\\s*\ue006\\s*(\\d{1,6})\\s*\ue007"
    "|()\ue005\\s*(\\w{1,6})\\s*\ue007\\s*(\u2044)\\s*\ue006\\s*(\\w{1,6})\\s*\ue007"
)
_ORDINAL = re.compile(r"st|nd|rd|th|er|re|ers|ème|e|TM|SM", re.I)
_SIGN = re.compile(r"[®™©℠ªº°]+|[*†‡]+")
# The number of a source, `[12]`, `[2,3]`, `[a]`, and what editors want: `[citation needed]`.
_CITATION = re.compile(
    r"\[(?:\d{1,4}(?:\s*[-,;–]\s*\d{1,4})*|[a-z]|[^\W\d_]{3,}(?: [^\W\d_]+){0,3}\??)\]"
)
_LETTER = re.compile(r"(?<![^\W\d_])[^\W\d_\u3040-\u9fff]$")
_PRIMES = re.compile(r"[′″‴⁗'’´]+")
_ROMAN = re.compile(r"(?<![A-Za-z])[IVXLCDM]{2,}$")
_LETTER_OR_CLOSING = re.compile(r"(?:(?<![^\W\d_])[^\W\d_]|[)\]}|])$")
_BASE = re.compile(r"[\w)\]}|!′'∫∑∏⋃⋂Σ%°.\ue003]$")


def has_scripts(text: str) -> bool:
    """Whether a run holds a mark that `written` resolves."""
    return not text.isascii() and _MARKS.search(text) is not None


def written(text: str) -> str:
    """A run of text with its marks of scripts and lines resolved."""
    if "\u2044" in text or "/" in text:
        text = _STACKED.sub(_stacked, text)
    pieces = _MARKS.split(text)
    frames: list[tuple[str, list[str]]] = []
    out: list[str] = []
    ignored = 0  # scripts that are open but nest too deep
    struck: int | None = None  # where the text of a struck passage begins in `out`
    after_script = False
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            if piece:
                out.append(piece)
                after_script = False
        elif piece == marks.STRUCK:
            if frames:
                continue
            if struck is None:
                struck = len(out)
            else:
                _strike(out, struck)
                struck = None
        elif piece != marks.RAISED_END:
            if len(frames) >= _DEEPEST:
                ignored += 1
            else:
                frames.append((piece, out))
                out = []
        elif ignored:
            ignored -= 1
        elif frames:
            inside = " ".join("".join(out).replace(marks.EMPHASIS, "").split())
            kind, out = frames.pop()
            following = pieces[at + 1] or ("x" if at + 2 < len(pieces) else "")
            after_script = _close(out, kind, inside, following, after_script)
    while frames:
        inner = out
        _, out = frames.pop()
        out.extend(inner)
    return "".join(out)


def as_tex(raw: str) -> str:
    """The marks in a formula's source as the TeX that a converter took for markup.

    `10<sup>6</sup>` was `10^6`; where braces do not match, `(10<sup>{6})</sup>3`, a converter took
    two carets for the ends of a superscript.
    """
    pieces = _MARKS.split(raw)
    opened: list[int] = []
    for at in range(1, len(pieces), 2):
        mark = pieces[at]
        if mark == marks.STRUCK:
            pieces[at] = "~~"
        elif mark != marks.RAISED_END:
            opened.append(at)
        elif opened:
            start = opened.pop()
            opening, closing = _TEX[pieces[start]]
            if pieces[start] != marks.OVER and at == start + 2 and _is_unbalanced(pieces[at - 1]):
                opening = closing = opening[0]
            pieces[start], pieces[at] = opening, closing
        else:
            pieces[at] = "}"
    for start in opened:
        pieces[start] = _TEX[pieces[start]][0]
    return "".join(pieces)


_TEX = {marks.SUP: ("^{", "}"), marks.SUB: ("_{", "}"), marks.OVER: ("\\overline{", "}")}


def _is_unbalanced(tex: str) -> bool:
    """Whether a brace lacks its other half, or a parenthesis behind a group of TeX does."""
    if tex.startswith("{") and tex.count("(") != tex.count(")"):
        return True
    depth = 0
    for brace in _BRACES.findall(tex):
        depth += 1 if brace == "{" else -1 if brace == "}" else 0
        if depth < 0:
            return True
    return depth != 0


_BRACES = re.compile(r"\\.|[{}]", re.S)


def _stacked(match: re.Match[str]) -> str:
    if match[3]:
        return (f"{match[1]} " if match[1] else "") + f"{match[2]}{match[3]}{match[4]}"
    return f"{match[6]}{match[7]}{match[8]}"


def _strike(out: list[str], start: int) -> None:
    inner = "".join(out[start:])
    del out[start:]
    stripped = inner.strip()
    if not stripped:
        out.append(inner)
        return
    at = inner.index(stripped)
    out.append(f"{inner[:at]}~~{stripped}~~{inner[at + len(stripped) :]}")


def _close(out: list[str], kind: str, inside: str, following: str, after_script: bool) -> bool:
    """Write a script behind `out`; whether the next script stands on the same base."""
    if not inside:
        return after_script
    if kind == marks.OVER:
        out.append(f"\\overline{{{inside}}}" if len(inside) <= _LONGEST * 2 else inside)
        return False
    before = out[-1] if out else ""
    if len(before) < 12 and len(out) > 1:
        before = "".join(out[-4:])
    before = before[-12:].replace(marks.EMPHASIS, "")
    if kind == marks.SUP and _is_plain(before, inside):
        out.append(inside)
        return False
    if marks.IMAGE in inside or marks.CODE in inside:
        out.append(inside)
        return False
    if len(inside) > _LONGEST or inside.count(" ") > _MOST_BLANKS:
        out.append(f" {inside} " if before.strip() else inside)
        return False
    if not before.strip() and not after_script and not _is_followed(following):
        out.append(inside)  # the number of a note before its text
        return False
    sign = "^" if kind == marks.SUP else "_"
    if inside.startswith(sign + "{") and inside.find("}") == len(inside) - 1:
        inside = inside[2:-1]  # a `<sup>` inside what a style raises
    script = f"{sign}{{{inside}}}"
    if not after_script and before and before[-1].isspace() and _has_base(before, following):
        # `log <sub>2</sub> 8`: the blank between a base and its script says nothing
        _strip_blank(out)
    out.append(script)
    return True


def _is_plain(before: str, inside: str) -> bool:
    """Whether raised text is an ordinal, a prime or a sign, which are written as they are."""
    if _PRIMES.fullmatch(inside):
        return True
    if _CITATION.fullmatch(inside):
        return _LETTER.search(before) is None
    if _SIGN.fullmatch(inside):
        return inside[0] not in "*†‡" or _LETTER_OR_CLOSING.search(before) is None
    if _ORDINAL.fullmatch(inside) is None or not before or before[-1].isspace():
        return False
    if inside.lower() == "e":
        return _ROMAN.search(before) is not None
    return before[-1].isdigit() or before[-1].isalpha()


def _has_base(before: str, following: str) -> bool:
    """Whether a script behind a blank belongs to what stands before the blank, not to what
    follows."""
    if _is_followed(following):
        return False  # `uses <sup>14</sup>C`
    return _BASE.search(before.rstrip()) is not None


def _is_followed(following: str) -> bool:
    """Whether a script stands right before a letter, digit or formula."""
    return following[:1].isalnum() or following[:1] in (marks.EMPHASIS, marks.FORMULA)


def _strip_blank(out: list[str]) -> None:
    while out:
        last = out[-1]
        stripped = last.rstrip()
        if stripped.endswith(marks.EMPHASIS) and not stripped.strip(marks.EMPHASIS + " "):
            stripped = ""
        if stripped:
            out[-1] = stripped
            return
        out.pop()
