r"""LaTeX drawn as MathML, which browsers typeset by themselves: no script, no font, no network.

`math-core` converts. Its answer is parsed and written
anew from a list of elements and attributes, so that whatever a page's TeX holds, nothing but
mathematics reaches the browser: no link, no identifier, no inline style. A formula that cannot be
drawn is shown by its source, marked as such, with the reason.

Time and space are bounded: a formula longer than `MAX_LENGTH` or nested deeper than `MAX_DEPTH` is
not drawn, and the converter works in a thread of its own whose stack is larger than the deepest
nesting that fits in such a formula.
"""

from __future__ import annotations

import importlib
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape, unescape
from queue import SimpleQueue

from infimm_spark.extract.latex.check import MAX_LENGTH

MAX_DEPTH = 150
"""Elements within elements; browsers cut trees at 512."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A formula as safe HTML. `failure` says why the source stands in its place, None if drawn."""

    html: str
    failure: str | None = None


def draw(tex: str, display: bool = False) -> Drawn:
    r"""A formula (without its delimiters) as one `<span class="formula">`.

    Drawn formulas hold a `<math>` element and their source as `title`; others are
    `<span class="formula unrendered"><code>…`, and `failure` says why.
    """
    result = _converted(tex, display)
    kind = "formula display" if display else "formula"
    if isinstance(result, _Failure):
        why = escape(result.reason)
        html = f'<span class="{kind} unrendered" title="cannot be drawn: {why}"><code>{escape(tex)}</code></span>'  # noqa: E501
        return Drawn(html, result.reason)
    return Drawn(f'<span class="{kind}" title="{escape(tex)}">{result}</span>')


def can_draw() -> bool:
    """Whether the converter is installed."""
    return _converter() is not None


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str


@lru_cache(maxsize=20_000)
def _converted(tex: str, display: bool) -> str | _Failure:
    convert = _converter()
    if convert is None:
        return _Failure("math-core is not installed: pip install math-core")
    if not tex.strip():
        return _Failure("it is empty")
    if len(tex) > MAX_LENGTH:
        return _Failure(f"it has {len(tex):,} characters; at most {MAX_LENGTH:,} are drawn")
    answer = _worker()(lambda: convert(_prepared(tex), display))
    if isinstance(answer, _Failure):
        return answer
    try:
        return _safe(answer)
    except (ET.ParseError, _NotMathematicsError) as error:
        return _Failure(str(error))


# --- the converter ----------------------------------------------------------------------------


@cache
def _converter() -> Callable[[str, bool], str | _Failure] | None:
    try:
        math_core = importlib.import_module("math_core")
    except ImportError:
        return None
    converter = math_core.LatexToMathML(fancy_error=False, macros=_MACROS)

    def convert(tex: str, display: bool) -> str | _Failure:
        try:
            return str(converter.convert_with_local_state(tex, displaystyle=display))
        except math_core.LatexError as error:
            return _Failure(re.sub(r"^\d+: ", "", str(error).strip()).splitlines()[0][:200])

    return convert


# What pages write and the converter lacks, by what comes nearest.
_MACROS = {"mbox": r"\text{#1}", "hbox": r"\text{#1}", "widetilde": r"\tilde{#1}", "strut": ""}
# Labels are for references, which a formula alone has none of. The number of `\tag{3}` is drawn.
_LABEL = re.compile(r"\\(?:label|nonumber|notag)(?:\s*\{[^{}]*\})?")
_TAG = re.compile(r"\\tag\*?\s*\{([^{}]*)\}")
_CR = re.compile(r"\\cr(?![A-Za-z])")
# Environments of numbered lines are drawn as their inner forms, which stand anywhere.
_INNER = re.compile(
    r"\\(begin|end)\s*\{(?:align|split|eqnarray|gather|multline|flalign|equation)\*?\}"
)
_INNER_OF = {"gather": "gathered", "multline": "gathered", "equation": "gathered"}
_COLOUR = re.compile(r"\\(color|textcolor)\s*\{(#?)([A-Za-z]+|[0-9A-Fa-f]{3,8})\}")


def _prepared(tex: str) -> str:
    tex = _LABEL.sub(" ", tex)
    tex = _TAG.sub(r"\\qquad\\text{(\1)}", tex)
    tex = _CR.sub(r"\\\\ ", tex)
    tex = _COLOUR.sub(lambda found: "" if found[1] == "color" else "{}", tex)

    def inner(found: re.Match[str]) -> str:
        name = found[0][found[0].index("{") + 1 : -1].rstrip("*")
        return rf"\{found[1]}{{{_INNER_OF.get(name, 'aligned')}}}"

    return _INNER.sub(inner, tex)


@cache
def _worker() -> Callable[[Callable[[], str | _Failure]], str | _Failure]:
    """Runs a conversion in a thread with a stack of 64 MiB: the converter calls itself for every
    nested group and would end the process where a smaller stack is full."""
    work: SimpleQueue[tuple[Callable[[], str | _Failure], Future[str | _Failure]]] = SimpleQueue()

    def loop() -> None:
        while True:
            task, answer = work.get()
            try:
                answer.set_result(task())
            except Exception as error:  # the converter's own faults are not the reader's
                answer.set_result(_Failure(f"the converter failed: {error}"))

    before = threading.stack_size(64 << 20)
    try:
        threading.Thread(target=loop, name="formulas", daemon=True).start()
    finally:
        threading.stack_size(before)

    def run(task: Callable[[], str | _Failure]) -> str | _Failure:
        answer: Future[str | _Failure] = Future()
        work.put((task, answer))
        return answer.result()

    return run


# --- the answer, written anew -------------------------------------------------------------------

_ELEMENTS = frozenset(
    ["math", "mi", "mo", "mn", "mrow", "msub", "msup", "msubsup", "mspace", "mfrac", "mtext",
     "mover", "munder", "munderover", "mtable", "mtr", "mtd", "msqrt", "mroot",
     "mpadded", "mphantom", "menclose", "mmultiscripts", "mprescripts", "mstyle", "merror"]
)  # fmt: skip
_TEXT_ELEMENTS = frozenset({"b", "i", "span", "u", "em", "strong"})  # inside <mtext>
_ATTRIBUTES = {
    "display": re.compile(r"block|inline"),
    "mathvariant": re.compile(r"normal"),
    "form": re.compile(r"prefix|infix|postfix"),
    "notation": re.compile(r"[a-z ]{1,60}"),
    "scriptlevel": re.compile(r"[+-]?\d"),
    "columnspan": re.compile(r"\d{1,3}"),
    **dict.fromkeys(
        ("stretchy", "symmetric", "largeop", "movablelimits", "accent", "accentunder",
         "displaystyle", "fence", "separator"),
        re.compile(r"true|false"),
    ),
    **dict.fromkeys(
        ("lspace", "rspace", "width", "height", "depth", "voffset", "minsize", "maxsize",
         "linethickness"),
        re.compile(r"[+-]?\d{0,3}(?:\.\d{1,9})?(?:em|ex|rem|px|pt|%)?"),
    ),
}  # fmt: skip
# Declarations of the converter's inline styles, which a strict policy forbids, as classes.
STYLE_CLASSES = {
    "text-align: left": "m-left",
    "text-align: right": "m-right",
    "padding-left: 0": "m-joined-left",
    "padding-right: 0": "m-joined-right",
    "border-top: 0.05em solid currentcolor": "m-top",
    "border-bottom: 0.05em solid currentcolor": "m-bottom",
    "border-left: 0.05em solid currentcolor": "m-bar-left",
    "border-right: 0.05em solid currentcolor": "m-bar-right",
}
"""Declaration -> class; `templates/style.css` gives them the same look."""


_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9a-fA-F]+);)[A-Za-z]+;")
_DROPPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class _NotMathematicsError(ValueError):
    pass


def _safe(mathml: str) -> str:
    """`mathml` written anew with the elements and attributes that draw mathematics."""
    if len(mathml) > _LONGEST:
        raise _NotMathematicsError("its drawing is too large")
    source = _DROPPED.sub("", _ENTITY.sub(lambda found: unescape(found[0]), mathml))
    out: list[str] = []
    _write(ET.fromstring(source), out, 1)
    return "".join(out)


def _write(element: ET.Element, out: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _NotMathematicsError(f"it is nested more than {MAX_DEPTH} deep")
    out += (_opening(element), escape(element.text or "", quote=False))
    for child in element:
        _write(child, out, depth + 1)
        out.append(escape(child.tail or "", quote=False))
    out.append(f"</{element.tag}>")


_LONGEST = 2_000_000


def _opening(element: ET.Element) -> str:
    if element.tag not in _ELEMENTS and element.tag not in _TEXT_ELEMENTS:
        raise _NotMathematicsError(f"its drawing holds <{element.tag}>")
    parts = [element.tag]
    for name, value in element.attrib.items():
        pattern = _ATTRIBUTES.get(name)
        if pattern is not None and pattern.fullmatch(value):
            parts.append(f'{name}="{escape(value)}"')
    declared = (part.strip() for part in element.attrib.get("style", "").split(";"))
    classes = [STYLE_CLASSES[part] for part in declared if part in STYLE_CLASSES]
    if classes:
        parts.append(f'class="{" ".join(classes)}"')
    return f"<{' '.join(parts)}>"
