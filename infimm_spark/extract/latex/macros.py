r"""Macros that pages define: reading the definitions, and expanding them within bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infimm_spark.extract.latex.tokenizer import (
    ends_in_word,
    group_end,
    tokens_and_spaces,
    without_comments,
)

MAX_EXPANSIONS = 2_000
"""Macro calls expanded in one formula."""

MAX_EXPANDED_LENGTH = 50_000
"""Characters of the longest expansion."""

_MAX_DEFINITION = 5_000


@dataclass(frozen=True, slots=True)
class Macro:
    r"""One definition: ``\newcommand{\norm}[1]{\|#1\|}`` is ``Macro(1, r'\|#1\|')``.

    `default` is the value of an optional first argument, None where there is none.
    """

    arguments: int
    body: str
    default: str | None = None


# \newcommand{\R}{\mathbb{R}}, \renewcommand\x[2][d]{...}, \DeclareMathOperator*{\foo}{foo},
# \def\R{..}
_DEFINITION = re.compile(
    r"\\(?P<kind>newcommand|renewcommand|providecommand|DeclareMathOperator|def|gdef|edef|let"
    r"|DeclareRobustCommand)(?P<star>\*?)(?![A-Za-z])"
)
_NAME = re.compile(r"\s*(?:\{\s*\\([A-Za-z@]+|.)\s*\}|\\([A-Za-z@]+|.))", re.DOTALL)
_COUNT = re.compile(r"\s*\[\s*(\d)\s*\]")
_DEFAULT = re.compile(r"\s*\[([^\]\[]*)\]")
_TARGET = re.compile(r"\s*=?\s*(\\(?:[A-Za-z@]+|.)|\S)")
_PARAMETERS = re.compile(r"\s*((?:#\d)*)\s*(?=\{)")


def parse_macros(source: str | Mapping[str, object]) -> dict[str, Macro]:
    r"""Definitions by command name, without the backslash.

    `source` is TeX with ``\newcommand``, ``\renewcommand``, ``\providecommand``, ``\def``,
    ``\let`` and ``\DeclareMathOperator``, or the `macros` object of a MathJax or KaTeX
    configuration: ``{"R": "\\mathbb{R}", "norm": ["\\|#1\\|", 1], "\\half": "\\frac12"}``.
    Later definitions win; a definition that cannot be read is skipped.
    """
    if isinstance(source, str):
        return _from_tex(without_comments(source))
    macros: dict[str, Macro] = {}
    for key, value in source.items():
        name = key.removeprefix("\\")
        match value:
            case str(body):
                macros[name] = Macro(_highest_parameter(body), body)
            case [str(body)]:
                macros[name] = Macro(0, body)
            case [str(body), int(count)] if 0 <= count <= 9:
                macros[name] = Macro(count, body)
            case [str(body), int(count), str(default), *_] if 1 <= count <= 9:
                macros[name] = Macro(count, body, default)
            case _:
                continue
    return {name: macro for name, macro in macros.items() if len(macro.body) <= _MAX_DEFINITION}


def _highest_parameter(body: str) -> int:
    return max((int(digit) for digit in re.findall(r"#([1-9])", body)), default=0)


def _from_tex(source: str) -> dict[str, Macro]:
    return {name: macro for _, _, name, macro in _definitions(source) if macro is not None}


def without_definitions(tex: str) -> tuple[str, dict[str, Macro]]:
    r"""TeX without ``\newcommand{...}[n]{...}``, ``\def\x#1{...}`` and their kin, and the macros taken out.

    A definition that cannot be read goes as well.
    """
    if "\n" in tex:
        tex = without_comments(tex)
    kept: list[str] = []
    macros: dict[str, Macro] = {}
    position = 0
    for start, end, name, macro in _definitions(tex):
        kept.append(tex[position:start])
        position = end
        if macro is not None:
            macros[name] = macro
    kept.append(tex[position:])
    rest = "".join(kept)
    if position and rest.lstrip().startswith("%"):  # a comment on the definitions
        rest = ""
    return rest, macros


def _definitions(source: str) -> Iterator[tuple[int, int, str, Macro | None]]:
    """(start, end, name, macro) of each definition; no macro for one that cannot be read."""
    at = 0
    while match := _DEFINITION.search(source, at):
        at = match.end()
        name = _NAME.match(source, at)
        if name is None:
            yield match.start(), at, "", None
            continue
        at = name.end()
        command = name[1] or name[2]
        count, default = 0, None
        kind = match["kind"]
        if kind == "let":
            target = _TARGET.match(source, at)
            if target is not None:
                at = target.end()
            yield match.start(), at, command, Macro(0, target[1]) if target else None
            continue
        readable = True
        if kind in ("def", "gdef", "edef"):
            parameters = _PARAMETERS.match(source, at)
            if parameters is None:  # delimited parameters are not worth their danger
                readable = False
                at = max(source.find("{", at), at)
            else:
                at, count = parameters.end(), len(parameters[1]) // 2
        elif kind != "DeclareMathOperator":
            given = _COUNT.match(source, at)
            if given is not None:
                at, count = given.end(), int(given[1])
                optional = _DEFAULT.match(source, at)
                if optional is not None:
                    at, default = optional.end(), optional[1]
        body, at = _braced(source, at)
        if body is None or not readable:
            yield match.start(), at, command, None
            continue
        if kind == "DeclareMathOperator":
            body = f"\\operatorname{match['star']}{{{body}}}"
        yield match.start(), at, command, Macro(count, body, default)


def _braced(source: str, at: int) -> tuple[str | None, int]:
    """The group that starts at or after `at`, without its braces, and the position after it."""
    while at < len(source) and source[at].isspace():
        at += 1
    if at >= len(source):
        return None, at
    if source[at] != "{":
        single = re.compile(r"\\(?:[A-Za-z@]+|.)|\S", re.DOTALL).match(source, at)
        return (single[0], single.end()) if single else (None, at)
    body = source[at + 1 : at + _MAX_DEFINITION]
    end = group_end(body, 0)
    return (body[:end], at + end + 2) if end < len(body) else (None, at + 1)


def expand_macros(tex: str, macros: Mapping[str, Macro]) -> str | None:
    r"""The formula with every macro replaced by its definition, or None where that is unsafe.

    Unsafe is a formula that needs more than `MAX_EXPANSIONS` replacements (recursion included) or
    grows beyond `MAX_EXPANDED_LENGTH` characters; the caller keeps such a formula as it is. Text
    that uses no macro is returned unchanged.
    """
    if not macros or "\\" not in tex:
        return tex
    toks = tokens_and_spaces(tex)
    if not any(token[0] == "\\" and token[1:] in macros for token in toks):
        return tex
    # A stack of tokens yet to read, last first: an expansion is pushed and read again, as in TeX.
    pending = toks[::-1]
    out: list[str] = []
    length = expansions = pushed = 0
    while pending:
        token = pending.pop()
        macro = macros.get(token[1:]) if token[0] == "\\" and len(token) > 1 else None
        if macro is None:
            if out and token[0].isalpha() and ends_in_word(out[-1]):
                out.append(" ")
            out.append(token)
            length += len(token)
            if length > MAX_EXPANDED_LENGTH:
                return None
            continue
        expansions += 1
        body = _replaced(macro, pending)
        pushed += len(body)
        if expansions > MAX_EXPANSIONS or pushed > MAX_EXPANDED_LENGTH:
            return None
        pending.extend(reversed(body))
    return "".join(out)


def _replaced(macro: Macro, pending: list[str]) -> list[str]:
    """Tokens of the macro's body with its arguments, which are taken off `pending`."""
    body = tokens_and_spaces(macro.body)
    if not macro.arguments:
        return body
    values: list[list[str]] = []
    if macro.default is not None:
        values.append(_optional_argument(pending) or tokens_and_spaces(macro.default))
    while len(values) < macro.arguments:
        values.append(_argument(pending))
    out: list[str] = []
    index = 0
    while index < len(body):
        token = body[index]
        if token == "#" and index + 1 < len(body) and body[index + 1].isdigit():
            number = int(body[index + 1])
            if 1 <= number <= len(values):
                out.extend(values[number - 1])
            index += 2
            # A bomb doubles here: stop before it is built.
            if len(out) > MAX_EXPANDED_LENGTH:
                break
        else:
            out.append(token)
            index += 1
    return out


def _argument(pending: list[str]) -> list[str]:
    while pending and pending[-1].isspace():
        pending.pop()
    if not pending or pending[-1] == "}":
        return []
    token = pending.pop()
    if token != "{":
        return [token]
    depth, out = 1, []
    while pending:
        token = pending.pop()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if not depth:
                break
        out.append(token)
    return out


def _optional_argument(pending: list[str]) -> list[str] | None:
    if not pending or pending[-1] != "[":
        return None
    out: list[str] = []
    for token in reversed(pending[:-1]):
        if token == "]":
            del pending[-len(out) - 2 :]
            return out
        out.append(token)
    return None
