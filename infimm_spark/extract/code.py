"""Code elements as their source: lines, exponents and the language kept, line numbers left out."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.sources import Attributes, class_of

_LINES = frozenset({"div", "li", "p", "tr", "dd"})
_LEFT_OUT = frozenset({"button", "style", "script", "template", "select", "-comment"})
_LINE_CLASS = re.compile(
    r"(?:^|\s)(?:line|token-line|code-line|view-line|hljs-ln-line|cl-line)(?:\s|$)"
)
_NUMBER_CLASS = re.compile(
    r"(?:^|\s)(?:ln|lnt|lineno|linenos|linenumber|line-?numbers?|line-numbers-rows|hljs-ln-numbers|hljs-ln-n|"
    r"pre-numbering|gutter|rouge-gutter|gl|blob-num|react-syntax-highlighter-line-number|code-?block-?line-?number|"
    r"copy-?(?:btn|button|code-button)|btn-clipboard|prev-btn)(?:\s|$)"
)
# What calls for a closer look than the text of all descendants.
_MARKUP = (
    "br, sup, sub, div, li, p, tr, button, script, style, .line, .token-line, .code-line, .ln, "
    ".lnt, .lineno, "
    "span[style*='display:block'], span[style*='display: block'], "
    ".linenos, .linenumber, .line-number, .line-numbers-rows, .gutter"
)


def source_of(node: LexborNode) -> str:
    """The text of a code element: `10<sup>5</sup>` is `10^{5}`, each `<div>` or `<li>` a line."""
    child = node.first_child
    if child is None:
        return ""
    if child.next is None and child.tag == "-text":
        return child.text_content or ""
    if node.css_first(_MARKUP) is None:
        return node.text()
    return _Source().read(node)


class _Source:
    """Walks a code element once, without recursion."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._at_start = True  # of a line
        self._pending = False  # whether a line has ended whose line break is still to come

    def read(self, root: LexborNode) -> str:
        todo: list[LexborNode | str] = []
        child: LexborNode | None = root.first_child
        while child is not None or todo:
            if child is None:
                item = todo.pop()
                if not isinstance(item, str):
                    child = item
                elif item == "\n":
                    self._pending = not self._at_start
                elif item:
                    self._add(item)
                continue
            node, child = child, child.next
            tag = node.tag
            if tag == "-text":
                self._add(node.text_content or "")
                continue
            if tag is None or tag in _LEFT_OUT:
                continue
            classes = class_of(node)
            if classes and _NUMBER_CLASS.search(classes):
                continue
            if child is not None:
                todo.append(child)
            child = node.first_child
            if tag == "br":
                self._add("\n")
                self._pending = False
            elif (
                tag in _LINES
                or (classes and _LINE_CLASS.search(classes))
                or (tag == "span" and _is_shown_as_block(node))
            ):
                if not self._at_start:
                    self._pending = True
                todo.append("\n")
            elif tag in ("sup", "sub"):
                self._add("^{" if tag == "sup" else "_{")
                todo.append("}")
        return "".join(self._pieces)

    def _add(self, text: str) -> None:
        if not text:
            return
        if self._pending:
            self._pending = False
            if not text.startswith("\n"):
                self._pieces.append("\n")
        self._pieces.append(text)
        self._at_start = text.endswith("\n")


def _is_shown_as_block(span: LexborNode) -> bool:
    style = span.attributes.get("style")
    return style is not None and _BLOCK_STYLE.search(style) is not None


_BLOCK_STYLE = re.compile(r"display\s*:\s*block")


def fenced(source: str, language: str = "") -> str:
    """A code block between fences longer than any in it."""
    fence = "```"
    if fence in source:
        fence = "`" * (max(map(len, _TICKS.findall(source))) + 1)
    return f"{fence}{language}\n{source}\n{fence}"


def span(source: str) -> str:
    """Inline code on one line between enough backticks (CommonMark)."""
    source = " ".join(source.split())
    if "`" not in source:
        return f"`{source}`"
    fence = "`" * (max(map(len, _TICKS.findall(source))) + 1)
    return f"{fence} {source} {fence}"


_TICKS = re.compile("`+")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|src-|highlight-source-|highlight-(?=\w+(?:\s|$))|brush:\s*|code-)([A-Za-z][\w+#.-]{0,20})",
    re.I,
)
# `class="sourceCode python"`, `class="hljs python"`
_BESIDE = re.compile(
    r"(?:^|\s)(?:sourceCode|hljs|prettyprint)\s+([A-Za-z][\w+#-]{0,15})(?:\s|$)"
    r"|(?:^|\s)([A-Za-z][\w+#-]{0,15})\s+hljs(?:\s|$)"
    r"|(?:^|\s)highlight\s+(c|cpp|java|javascript|js|python|py|r|bash|sh|shell|html|css|sql|go|rust|ruby|php|matlab|latex|"
    r"tex|yaml|json|xml|haskell|julia|scala|kotlin|swift|csharp|perl|lua|diff|makefile|fortran)(?:\s|$)"
)
_NO_LANGUAGE = frozenset(
    {"text", "none", "plaintext", "plain", "txt", "default", "nohighlight", "no-highlight", "notranslate", "output",  # noqa: E501
     "raw", "code", "auto", "linenums", "language", "undefined", "block", "wrapper", "hljs", "math", "highlight"}  # noqa: E501
)  # fmt: skip
_ALIASES = {
    "ipython3": "python",
    "ipython2": "python",
    "ipython": "python",
    "py": "python",
    "js": "javascript",
}


def language_of(pre: LexborNode, attrs: Attributes) -> str:
    """The language a code block declares on itself, its `<code>` or the elements around it."""
    code = pre.css_first("code") if pre.tag == "pre" else None
    around = pre.parent
    elements = [attrs, code.attributes if code is not None else None]
    steps = 2
    while steps and around is not None and around.tag in _AROUND_CODE:
        elements.append(around.attributes)
        # Lines of code may stand in a table, their numbers in its first column.
        steps -= around.tag not in _TABLE
        around = around.parent
    for element in elements:
        if not element:
            continue
        for name in ("data-lang", "data-language", "data-enlighter-language", "lang"):
            language = _known(element.get(name))
            if name == "lang" and language not in _LANGUAGES:
                continue  # that of a people
            if language:
                return language
        classes = element.get("class")
        if classes:
            for pattern in (_LANGUAGE, _BESIDE):
                match = pattern.search(classes)
                language = _known(match[1] or match[match.lastindex or 1]) if match else ""
                if language:
                    return language
            if classes.strip().lower() in _LANGUAGES:
                return _known(classes)
    return ""


# Languages that a class or an attribute may name alone: `<pre class="python">`.
_LANGUAGES = frozenset(
    "ada asm awk bash bat c clojure cmake cobol cpp cs csharp css cuda dart diff elixir elm "  # noqa: SIM905
    "erlang fortran fsharp gap go golang groovy haskell html ini java javascript js json julia "
    "kotlin latex lean lisp lua maple mathematica matlab maxima ocaml octave pascal perl php "
    "powershell prolog python python3 py r ruby rust sage scala scheme shell sh sql stata swift "
    "tcl tex toml typescript ts vb verilog vhdl xml yaml".split()
)
_TABLE = frozenset({"td", "tr", "tbody", "table"})
_AROUND_CODE = _TABLE | {"div", "figure"}


def _known(name: str | None) -> str:
    language = (name or "").strip().lower()
    if not _NAME.fullmatch(language) or language in _NO_LANGUAGE:
        return ""
    return _ALIASES.get(language, language)


_NAME = re.compile(r"[a-z][\w+#-]{0,20}")

_PROSE = f"p, h2, h3, {rendered.SELECTOR}"
_STRUCTURE = f"ul, ol, table, {_PROSE}"
_LISTS = frozenset({"ul", "ol", "table"})


def holds_structure(code: LexborNode) -> bool:
    """Whether a code element holds what code never does: paragraphs, lists, formulas.

    An unclosed `<code>` swallows the page; some sites set formulas in monospace. A list or table
    that is all the element holds is its lines.
    """
    child = code.first_child
    while child is not None and child.tag == "-text":
        child = child.next
    if child is None or _is_flat(child):
        return False
    found = code.css_first(_STRUCTURE)
    if found is None or _NUMBER_CLASS.search(class_of(found)) is not None:
        return False
    return found.tag not in _LISTS or not _is_all(code, found) or code.css_first(_PROSE) is not None


_LEAVES = frozenset({"sup", "sub", "br", "span", "b", "i", "em", "strong", "wbr", "var", "mark"})
_MOST_LEAVES = 12


def _is_flat(child: LexborNode) -> bool:
    """Whether an element and its next siblings are a few small ones with nothing but text
    inside."""
    node: LexborNode | None = child
    for _ in range(_MOST_LEAVES):
        if node is None:
            return True
        if node.tag != "-text":
            if node.tag not in _LEAVES or node.attributes:
                return False
            inner = node.first_child
            if inner is not None and (inner.tag != "-text" or inner.next is not None):
                return False
        node = node.next
    return False


def _is_all(code: LexborNode, inner: LexborNode) -> bool:
    """Whether one element holds all text of a code element."""
    return len((inner.text() or "").split()) == len((code.text() or "").split())
