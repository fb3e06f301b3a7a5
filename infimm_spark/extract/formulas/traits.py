"""What a page says about its own mathematics: libraries loaded, delimiters configured, macros."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from infimm_spark.extract.formulas import js, rendered

Pair = tuple[str, str]


@dataclass(slots=True)
class Traits:
    """Read from the page's scripts before its text is walked.

    `inline` and `display` are the delimiters declared by the page (None: not declared). `library`
    is True when MathJax, KaTeX or a kin of them is loaded. `asciimath` is True when backticks
    delimit AsciiMath. `khan` marks exercise templates whose TeX sits in `<code>`.
    """

    library: bool = False
    inline: list[Pair] | None = None
    display: list[Pair] | None = None
    environments: bool = True
    ignore_class: re.Pattern[str] | None = None
    process_class: re.Pattern[str] | None = None
    skip_tags: frozenset[str] = frozenset()
    """Elements the configuration leaves alone, beside those that are never read."""
    code_is_read: bool = False
    """Whether `<code>\\(x\\)</code>` is a formula here."""
    itex: bool = False
    """Whether `[itex]` is the inline delimiter, so that `[tex]` is the display one."""
    imath: bool = False
    """Whether `[imath]` is the inline delimiter, so that `[math]` is the display one."""
    asciimath: list[Pair] = field(default_factory=list)
    khan: bool = False
    var_is_tex: bool = False
    """Whether `<var>` holds TeX, as on AtCoder."""
    macros: dict[str, Any] = field(default_factory=dict)
    rendered: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Element id → (TeX, display) of `katex.render("...", element)` calls."""


def read_traits(text: str, scripts: list[tuple[str, str]]) -> Traits:
    """Traits of a page from its decoded text and its scripts as (src, content) pairs."""
    traits = Traits()
    for source, content in scripts:
        if source:
            _read_source(source, traits)
        if content:
            _read_configuration(content, traits)
    if "renderMathInElement" in text and traits.inline is None and traits.display is None:
        # called by an attribute: `<script onload="renderMathInElement(document.body, {…})">`
        for match in _CALL_IN_ATTRIBUTE.finditer(text):
            _read_configuration(html.unescape(match[1] or match[2]), traits)
    traits.itex = "[itex]" in text
    traits.imath = "[imath]" in text
    if "math-code" in text:  # a script of R Markdown sites
        traits.code_is_read = True
    if "data-require=" in text and 'class="exercise"' in text:
        traits.khan = True
    if "<var>" in text and not traits.khan:
        traits.var_is_tex = _TEX_IN_VAR.search(text) is not None
    if not traits.library:
        traits.library = any(sign in text for sign in rendered.LIBRARY_MARKUP)
    if traits.library and ("tex2jax_" in text or "mathjax_" in text) and _MYST not in text:
        # MathJax's own names, in force where the page declares no others
        traits.ignore_class = traits.ignore_class or _IGNORED_BY_DEFAULT
        traits.process_class = traits.process_class or _PROCESSED_BY_DEFAULT
    return traits


_CALL_IN_ATTRIBUTE = re.compile(
    r"\son\w+\s*=\s*(?:\"([^\"]{0,4000}renderMathInElement[^\"]{0,4000})\""
    r"|'([^']{0,4000}renderMathInElement[^']{0,4000})')"
)
_TEX_IN_VAR = re.compile(
    r"<var>[^<>\\]{0,200}\\(?:leq?|geq?|ldots|dots|times|cdots?|frac|neq|mathrm|sum|text)\b"
)
# MyST marks whole documents with both; the dollars its parser left there are mathematics all the
# same.
_MYST = "tex2jax_ignore mathjax_ignore"
_IGNORED_BY_DEFAULT = re.compile(r"(?:^|\s)(?:tex2jax_ignore|mathjax_ignore)(?:\s|$)")
_PROCESSED_BY_DEFAULT = re.compile(r"(?:^|\s)(?:tex2jax_process|mathjax_process)(?:\s|$)")


_LIBRARY_SOURCES = (
    "mathjax",
    "katex",
    "mathquill",
    "jsmath",
    "asciimath",
    "latexit",
    "temml",
    "mathml",
)


def _read_source(source: str, traits: Traits) -> None:
    lowered = source.lower()
    if not any(name in lowered for name in _LIBRARY_SOURCES):
        if "khan-exercise" in source:
            traits.khan = True
        return
    traits.library = True
    if (
        "asciimath" in lowered
        or "am_htmlormml" in lowered
        or "am_chtml" in lowered
        or "asciitex" in lowered
    ):
        traits.asciimath.append(("`", "`"))
    if "asciimathml" in lowered and traits.inline is None:
        traits.inline = [("$", "$"), ("\\(", "\\)")]
    if "jsmath" in lowered and traits.inline is None:
        traits.inline = [("$", "$"), ("\\(", "\\)")]


def _read_configuration(content: str, traits: Traits) -> None:
    if "khan-exercise" in content:
        traits.khan = True
    if not any(sign in content for sign in _CONFIGURATION):
        return
    if "MathJax" in content or "renderMathInElement" in content:
        traits.library = True
    # A library may stand in the page whole: no pattern is tried on it whose word it lacks.
    for match in _matches(_PAIRS, content, "inlineMath", "displayMath"):
        value = js.literal(content, match.end())
        if isinstance(value, dict):  # version 4: {'[+]': [['$', '$']]}
            value = value.get("[+]")
        pairs = _pairs(value)
        if pairs:
            if match[1] == "inlineMath":
                traits.inline = pairs
            else:
                traits.display = pairs
    for match in _matches(_DELIMITERS, content, "delimiters"):
        value = js.literal(content, match.end())
        if "ascii" in content[max(0, match.start() - 80) : match.start()].lower():
            traits.asciimath.extend(_pairs(value))
        else:
            _read_katex(value, traits)
    _read_flags(content, traits)
    for match in _matches(_MACROS, content, "acros"):
        macros = js.literal(content, match.end())
        if isinstance(macros, dict):
            traits.macros.update(macros)
    for match in _matches(_RENDER, content, "katex.render("):
        options = content[match.end() : match.end() + 120].partition("katex.render")[0]
        quoted = match["raw"] or match["tex"]
        traits.rendered[match["id"] or match["name"]] = (
            quoted[1:-1] if match["raw"] else js.string(quoted),
            _DISPLAY_MODE.search(options) is not None,
        )
    if ("input/asciimath" in content or "asciimath2jax" in content) and not traits.asciimath:
        traits.asciimath.append(("`", "`"))


def _matches(pattern: re.Pattern[str], content: str, *words: str) -> Iterable[re.Match[str]]:
    return pattern.finditer(content) if any(word in content for word in words) else ()


_CONFIGURATION = ("MathJax", "katex", "KaTeX", "inlineMath", "renderMathInElement")
_PAIRS = re.compile(r"\b[\"']?(inlineMath|displayMath)[\"']?\s*:\s*(?=[\[{])")
_DELIMITERS = re.compile(r"\b[\"']?delimiters[\"']?\s*:\s*(?=\[)")
_FLAG = re.compile(r"\b[\"']?processEnvironments[\"']?\s*:\s*(true|false|!0|!1)")
_CLASSES = re.compile(
    r"\b[\"']?(ignoreClass|ignoreHtmlClass|ignoredClasses|processClass|processHtmlClass)[\"']?\s*:\s*(?=[\"'\[])"
)
_TAGS = re.compile(r"\b[\"']?(?:skipTags|skipHtmlTags|ignoredTags)[\"']?\s*:\s*(?=[\[{])")
# Left alone without being asked, or the whole page.
_NEVER_READ = frozenset(
    [
        "script",
        "noscript",
        "style",
        "textarea",
        "pre",
        "code",
        "annotation",
        "annotation-xml",
        "option",
        "select",
        "body",
        "html",
    ]
)
_MACROS = re.compile(r"\b[\"']?[mM]acros[\"']?\s*:\s*(?=\{)")
# `katex.render("x", document.getElementById("a"))`, `…querySelector("#a")`, or the element by its
# id
_RENDER = re.compile(
    r"katex\.render\(\s*(?:String\.raw(?P<raw>`[^`]*`)"
    r"|(?P<tex>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`))\s*,"
    r"\s*(?:document\.(?:getElementById\(\s*[\"']|querySelector\(\s*[\"']#)(?P<id>[^\"']+)[\"']"
    r"|(?P<name>[A-Za-z_]\w*)\s*[,)])"
)
_DISPLAY_MODE = re.compile(r"displayMode[\"']?\s*:\s*(?:true|!0)")


def _pairs(value: Any) -> list[Pair]:
    if not isinstance(value, list):
        return []
    return [
        (pair[0], pair[1])
        for pair in value
        if isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(side, str) and 0 < len(side) <= 40 for side in pair)
    ]


def _read_katex(value: Any, traits: Traits) -> None:
    """`delimiters: [{left: "$$", right: "$$", display: true}, …]` of KaTeX's auto-render."""
    if not isinstance(value, list):
        return
    inline: list[Pair] = []
    display: list[Pair] = []
    for item in value:
        if isinstance(item, dict):
            left, right = item.get("left"), item.get("right")
            if isinstance(left, str) and isinstance(right, str) and left and right:
                (display if item.get("display") else inline).append((left, right))
    if inline or display:
        traits.library = True
        traits.inline = inline
        traits.display = display


def _read_flags(content: str, traits: Traits) -> None:
    for match in _matches(_FLAG, content, "processEnvironments"):
        traits.environments = match[1] in ("true", "!0")
    for match in _matches(_TAGS, content, "Tags"):
        value = js.literal(content, match.end())
        if isinstance(value, dict):  # version 3: {'[+]': […], '[-]': […]}
            removed = value.get("[-]")
            traits.code_is_read |= isinstance(removed, list) and "code" in removed
            value = value.get("[+]")
        if isinstance(value, list):
            names = {name.lower() for name in value if isinstance(name, str)}
            traits.skip_tags |= frozenset(names - _NEVER_READ)
    for match in _matches(_CLASSES, content, "Class"):
        value = js.literal(content, match.end())
        if isinstance(value, list):  # KaTeX's ignoredClasses
            value = "|".join(name for name in value if isinstance(name, str))
        if not isinstance(value, str) or not value or len(value) > 200:
            continue
        # MathJax joins the names into (^| )(names)( |$); only plain alternatives are honoured
        alternatives = [re.escape(name) for name in value.split("|") if name and name != ".*"]
        if not alternatives:
            continue
        pattern = re.compile(r"(?:^|\s)(?:" + "|".join(alternatives) + r")(?:\s|$)")
        if match[1].startswith("ignore"):
            traits.ignore_class = pattern
        else:
            traits.process_class = pattern
