r"""Blocks to Markdown-like text.

The rules, applied everywhere: headings `#`, lists `-` and `1.` (as numbered on the page), quotations `>`, data tables as pipe
rows, code fenced or between backticks; white space folded, `<br>` a line break; `<sup>` and `<sub>`
with meaning become `^{…}` and `_{…}` (ordinals and marks such as ™ are plain, footnote numbers stand
in brackets); a formula is `$…$` or, on a line of its own outside tables and headings, `$$…$$`; a
dollar sign or backtick that delimits nothing is written `\$`, `` \` `` outside code, so that
`formulas_in` reads back exactly the formulas that were written.
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from infimm_spark.extract import code, marks, scripts
from infimm_spark.extract.numbering import Numbering
from infimm_spark.extract.tables import Table, read_table
from infimm_spark.extract.tree import Block, literal

HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}


_READING = re.compile(
    # fenced code
    r"^(?:[ >]|- |-?\d+\. |[A-Za-z]{1,9}\. )*(?P<fence>```+)[\w+#-]*\n.*?\n[ >]*(?P=fence)$"
    r"|(?P<ticks>(?<!`)`+(?!`)).*?(?<!`)(?P=ticks)(?!`)"  # a code span
    r"|\\."
    r"|\$\$(?P<display>(?:\\.|[^\\$])+)\$\$"
    r"|\$(?P<inline>(?:\\.|[^\\$])+)\$",
    re.DOTALL | re.MULTILINE,
)


PartKind = Literal["prose", "code", "inline", "display"]


def formulas_in(text: str) -> list[tuple[str, bool]]:
    """(LaTeX, display) of the formulas in text written by this package, in order."""
    found: list[tuple[str, bool]] = []
    for match in _READING.finditer(text):
        if match["display"] is not None:
            found.append((match["display"], True))
        elif match["inline"] is not None:
            found.append((match["inline"], False))
    return found


def parts_of(text: str) -> Iterator[tuple[PartKind, str]]:
    r"""The prose, code and formulas of text written by this package, in order.

    Joined they are the text but for the dollars around formulas and the backslashes of `\$` and
    ``\```; code keeps its backticks.
    """
    end = 0
    for match in _READING.finditer(text):
        if match.start() > end:
            yield "prose", text[end : match.start()]
        end = match.end()
        if match["display"] is not None:
            yield "display", match["display"]
        elif match["inline"] is not None:
            yield "inline", match["inline"]
        elif match["fence"] or match["ticks"]:
            yield "code", match[0]
        else:
            yield "prose", match[0][1:] if match[0][1] in "$`" else match[0]
    if end < len(text):
        yield "prose", text[end:]


def literal_spans(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, whether it is a formula) of formulas and code, in order: never to be cut."""
    return [
        (match.start(), match.end(), match["display"] is not None or match["inline"] is not None)
        for match in _READING.finditer(text)
        if match.end() - match.start() > 2  # an escaped character is neither
    ]


class Renderer:
    """Writes the kept blocks of a tree as text with marks for formulas, code and images."""

    def __init__(
        self,
        scan: Callable[[str], str],
        is_display: Callable[[int], bool],
        codes: list[str] | None = None,
    ) -> None:
        """`scan` puts marks in the place of delimited formulas, `is_display` asks whether a formula
        is displayed, `codes` are the pieces of code that marks name by number."""
        self._scan = scan
        self._codes = codes if codes is not None else []
        self._is_display = is_display
        self._out: list[str] = []
        self._prefix = ""
        self._bullet: str | None = None
        self._list = 0  # number of the outermost list the walk is in; 0 outside lists
        self._last_list = 0
        self._lists = 0
        self._numbers: dict[int, Numbering] = {}

    def render(self, root: Block) -> str:
        """The text of all kept blocks; without recursion."""
        todo: list[tuple[Block, int]] = [(root, 0)]
        closers: list[Callable[[], None] | None] = [None]
        while todo:
            block, index = todo.pop()
            children = block.children
            run: list[str] = []
            descended = False
            while index < len(children):
                child = children[index]
                index += 1
                if isinstance(child, str):
                    run.append(child)
                    continue
                if not child.kept or not child.children:
                    continue
                if run:
                    self._paragraph("".join(run), block)
                    run = []
                closer = self._enter(child)
                if closer is _DONE:
                    continue
                todo.append((block, index))
                todo.append((child, 0))
                closers.append(closer)
                descended = True
                break
            if descended:
                continue
            if run:
                self._paragraph("".join(run), block)
            closing = closers.pop()
            if closing is not None:
                closing()
        return "".join(self._out)

    def line(self, block: Block) -> str:
        """All text of a block on one line, with marks; nothing is written."""
        return self._folded(flattened(block)).replace("\n", " ")

    def _enter(self, block: Block) -> Callable[[], None] | None:
        """Prepare for a block's children; `_DONE` if it has been written whole."""
        tag = block.tag
        if tag == "table":
            return self._table(block)
        if tag in ("pre", "listing", "xmp", "plaintext"):
            self._emit(flattened(block))
            return _DONE
        if tag == "li":
            return self._enter_item(block)
        if tag in ("ul", "ol", "menu", "dir"):
            return self._enter_list(block)
        if tag == "blockquote":
            before = self._prefix
            if len(before) < _DEEPEST_PREFIX:
                self._prefix = before + "> "

            def leave() -> None:
                self._prefix = before

            return leave
        if tag in HEADINGS:
            text = self.line(block)
            if text.strip():
                self._emit(HEADINGS[tag] + text)
            return _DONE
        return None

    def _enter_list(self, block: Block) -> Callable[[], None]:
        outermost = self._list == 0
        if outermost:
            self._lists += 1
            self._list = self._lists

        def leave() -> None:
            if outermost:
                self._list = 0

        return leave

    def _enter_item(self, block: Block) -> Callable[[], None]:
        before = self._prefix
        pending = self._bullet
        bullet = "- "
        parent = block.parent
        if parent is not None and parent.tag == "div" and parent.parent is not None:
            parent = parent.parent  # items wrapped one by one
        if parent is not None and parent.tag == "ol":
            numbering = self._numbers.get(id(parent))
            if numbering is None:
                numbering = self._numbers[id(parent)] = Numbering(parent)
            bullet = numbering.before(block)
        self._bullet = bullet
        if len(before) < _DEEPEST_PREFIX:
            self._prefix = before + " " * len(bullet)
        else:
            self._bullet = None

        def leave() -> None:
            self._prefix = before
            self._bullet = pending if self._bullet is not None else None

        return leave

    def _paragraph(self, run: str, block: Block) -> None:
        if run.isspace():
            return
        text = self._folded(run)
        if not text:
            return
        if marks.FORMULA in text:
            text = self._on_own_lines(text)
        self._emit(text)

    def _folded(self, run: str) -> str:
        if "\n" in run and not run.isascii():
            run = _BETWEEN_HAN.sub(r"\1", run)
        text = self._scan(run)
        if "$" in text or "`" in text:
            text = literal(text)
        if scripts.has_scripts(text):
            text = scripts.written(text)
        if marks.EMPHASIS in text:
            text = text.replace(marks.EMPHASIS, "")
        if "\\" in text or "`" in text:
            text = _BACKSLASH_BEFORE_MARK.sub(r"\1 ", text)
        if marks.BREAK not in text:
            return " ".join(text.split())
        lines = [" ".join(line.split()) for line in text.split(marks.BREAK)]
        return "\n".join(line for line in lines if line)

    def _on_own_lines(self, text: str) -> str:
        def placed(match: re.Match[str]) -> str:
            if not self._is_display(int(match[1])):
                return match[0]
            return f"\n{match[0].strip()}\n"

        return _LINES.sub("\n", _MARK_AND_POINT.sub(placed, text)).strip()

    def _emit(self, text: str) -> None:
        if self._out:
            tight = self._list != 0 and self._last_list == self._list
            self._out.append("\n" if tight else "\n\n")
        self._last_list = self._list
        prefix = self._prefix
        if not prefix:
            self._out.append(text)
            return
        first = prefix
        if self._bullet is not None:
            first = prefix[: len(prefix) - len(self._bullet)] + self._bullet
            self._bullet = None
        self._out.append(first + text.replace("\n", "\n" + prefix))

    def _table(self, block: Block) -> Callable[[], None] | None:
        table = read_table(block, self._codes)
        if table is None:
            return None
        for caption in table.captions:
            self._paragraph(flattened(caption), caption)
        if table.is_data:
            self._data_rows(table)
        else:
            self._layout_rows(table)
        return _DONE

    def _data_rows(self, table: Table) -> None:
        lines: list[str] = []
        pictures: list[str] = []
        for row in table.rows:
            cells = []
            for cell in row:
                text = self._cell(cell).replace("|", "\\|") if cell is not None else ""
                if marks.IMAGE in text:
                    pictures.extend(marks.IMAGE_MARK.findall(text))
                    text = " ".join(marks.IMAGE_MARK.sub(" ", text).split())
                cells.append(text)
            if any(cells):
                lines.append("| " + " | ".join(cells) + " |")
        if lines:
            if len(lines) > 1:
                lines.insert(1, "|" + " --- |" * len(table.rows[0]))
            self._emit("\n".join(lines))
        for picture in pictures:
            self._emit(f"{marks.IMAGE}{picture}{marks.CLOSE}")

    def _cell(self, cell: Block) -> str:
        """A cell on one line: items of lists are parted by semicolons, blocks of code are spans."""
        text = flattened(cell, "; ")
        for index in _FENCED_MARK.findall(text):
            source = self._codes[int(index)]
            # What has become a span already has no line break.
            if "\n" in source:
                self._codes[int(index)] = code.span(source.split("\n", 1)[1].rpartition("\n")[0])
        text = self._folded(text).replace("\n", " ")
        if not any(isinstance(child, Block) for child in cell.children):
            return text  # a semicolon at its end is its own
        return _SEMICOLONS.sub("; ", text).strip("; ")

    def _layout_rows(self, table: Table) -> None:
        """A table that only places things: a paragraph a row."""
        for row in table.rows:
            cells = [cell for cell in row if cell is not None]
            if cells:
                self._paragraph(" ".join(_over_rule(cell) for cell in cells), cells[0])


def _done() -> None:
    """A block that `_enter` has already written."""


_DONE = _done
_DEEPEST_PREFIX = 60
"""Characters of indentation beyond which deeper lists and quotations are not told apart."""
_MARK_AND_POINT = re.compile(r"\s*\ue000([0-9]+)\ue003(?:\s?[.,;:。，；](?=\s|$))?\s*")
_LINES = re.compile(r"[ ]*\n[ \n]*")
_FENCED_MARK = re.compile("\ue001([0-9]+)\ue003")
_SEMICOLONS = re.compile(r"\s*;(?:\s*;)+\s*")
# A line break of the source between two Han characters, kana or their punctuation is no blank.
_BETWEEN_HAN = re.compile(
    r"([\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff5e]\ue008*)[ \t\r]*\n\s*"
    r"(?=\ue008*[\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff5e])"
)
_BACKSLASH_BEFORE_MARK = re.compile("(\\\\(?=[\ue000\ue001])|`(?=\ue001))")


def flattened(block: Block, between: str = "") -> str:
    """All text of a block as one run; inner blocks are separated by line breaks, items of lists and
    rows of tables by `between`."""
    pieces: list[str] = []
    todo: list[str | Block] = [block]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        if not item.kept:
            continue
        if item is not block:
            pieces.append(marks.BREAK)
            todo.append(between + marks.BREAK if item.tag in ("li", "tr") else marks.BREAK)
        todo.extend(reversed(item.children))
    return "".join(pieces)


def _over_rule(cell: Block) -> str:
    """The text of a layout cell; `a + b<hr>2c` is the fraction that TtH and HeVeA set so."""
    rules = [
        at
        for at, child in enumerate(cell.children)
        if isinstance(child, Block) and child.tag == "hr" and child.kept
    ]
    if len(rules) == 1 and all(
        isinstance(child, str) for at, child in enumerate(cell.children) if at != rules[0]
    ):
        runs = [
            "".join(child for child in part if isinstance(child, str)).strip(_BLANK)
            for part in (cell.children[: rules[0]], cell.children[rules[0] + 1 :])
        ]
        if all(0 < len(run) <= _SHORT_SIDE and marks.BREAK not in run for run in runs):
            return f" ({runs[0]})/({runs[1]}) "
    return flattened(cell)


_BLANK = " \t\r\n\u00a0" + marks.BREAK
_SHORT_SIDE = 60
