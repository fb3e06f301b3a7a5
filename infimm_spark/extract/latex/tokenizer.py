r"""The one TeX tokenizer of the package, and where a group of TeX ends."""

from __future__ import annotations

import re

# One TeX token: an environment's begin or end, a control word (with the star that belongs to it),
# a control symbol, or one character. Example: `\frac12` -> `\frac`, `1`, `2`.
_TOKEN = re.compile(
    r"\\(?:begin|end)\s*\{[^{}\\]*\}"
    r"|\\(?:operatorname|hspace|vspace|tag|DeclareMathOperator|newcommand|renewcommand"
    r"|providecommand)\*"
    r"|\\[A-Za-z@]+|\\.|\\|[^\s\\]",
    re.DOTALL,
)
# The same with runs of white space, for work that must give the source back.
_TOKEN_OR_SPACE = re.compile(_TOKEN.pattern + r"|\s+", re.DOTALL)
# A comment: an unescaped % up to and with the end of its line. `50\% % half` -> `50\% `.
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*(?:\n[ \t]*|\Z)")


def tokens(tex: str) -> list[str]:
    r"""TeX tokens in order, without spaces and comments.

    Control words and symbols are one token each (``\alpha``, ``\,``), so are ``\begin{env}`` and
    ``\end{env}``; all else is one token a character. Linear in the input.
    """
    return _TOKEN.findall(without_comments(tex))


def tokens_and_spaces(tex: str) -> list[str]:
    """Tokens and white space; joined they are the input, comments included."""
    return _TOKEN_OR_SPACE.findall(tex)


def without_comments(tex: str) -> str:
    """The source without ``%`` comments, as TeX reads it."""
    return _COMMENT.sub(r"\1", tex) if "%" in tex else tex


def group_end(tex: str, start: int) -> int:
    r"""Index of the brace that closes the group whose content begins at `start`.

    The length of `tex` where nothing closes it. Escaped braces do not count: in ``{a\}{b}}c`` the
    group whose content begins at 1 ends at 7.
    """
    depth = 1
    chars = enumerate(tex[start:], start)
    for index, char in chars:
        if char == "\\":
            next(chars, None)
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return index
    return len(tex)


def join(parts: list[str]) -> str:
    r"""Concatenates TeX, with the space that a control word needs before a letter.

    ``['\\alpha', 'x', '+']`` gives ``\alpha x+``.
    """
    out: list[str] = []
    word = False
    for part in parts:
        if not part:
            continue
        if word and (part[0].isalpha() or part[0] == "@"):
            out.append(" ")
        out.append(part)
        word = ends_in_word(part)
    return "".join(out)


def ends_in_word(tex: str) -> bool:
    r"""Whether the last token is a control word, which swallows letters that follow it."""
    if not (tex[-1].isalpha() or tex[-1] == "@"):
        return False
    if not tex.isascii():
        # TeX's letters are ASCII here; `\alphaé` ends its control word before the é.
        return _ENDING_WORD.search(tex[-40:]) is not None
    cut = tex.rfind("\\")
    if cut < 0 or len(tex) - cut < 2:
        return False
    return _ENDING_WORD.search(tex, max(cut - 1, 0)) is not None


_ENDING_WORD = re.compile(r"\\[A-Za-z@]+\Z")
