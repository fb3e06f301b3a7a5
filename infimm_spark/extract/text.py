r"""Blocks to Markdown-like text.

The rules, applied everywhere: headings `#`, lists `-` and `1.`, quotations `>`, data tables as pipe
rows, code fenced or between backticks; white space folded, `<br>` a line break; `<sup>` and `<sub>`
with meaning become `^{…}` and `_{…}` (ordinals and marks such as ™ are plain, footnote numbers stand
in brackets); a formula is `$…$` or, on a line of its own outside tables and headings, `$$…$$`; a
dollar sign or backtick that delimits nothing is written `\$`, `` \` `` outside code, so that
`formulas_in` reads back exactly the formulas that were written.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from infimm_spark.extract import marks
from infimm_spark.extract.tree import Block, literal

HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}


_READING = re.compile(
    r"^[ >\-0-9.]*(?P<fence>```+)\n.*?\n(?P=fence)$"  # fenced code
    r"|(?P<ticks>(?<!`)`+(?!`)).*?(?<!`)(?P=ticks)(?!`)"  # a code span
    r"|\\."
    r"|\$\$(?P<display>(?:\\.|[^\\$])+)\$\$"
    r"|\$(?P<inline>(?:\\.|[^\\$])+)\$",
    re.DOTALL | re.MULTILINE,
)


def formulas_in(text: str) -> list[tuple[str, bool]]:
    """(LaTeX, display) of the formulas in text written by this package, in order."""
    found: list[tuple[str, bool]] = []
    for match in _READING.finditer(text):
        if match["display"] is not None:
            found.append((match["display"], True))
        elif match["inline"] is not None:
            found.append((match["inline"], False))
    return found


def literal_spans(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, whether it is a formula) of formulas and code, in order: never to be cut."""
    return [
        (match.start(), match.end(), match["display"] is not None or match["inline"] is not None)
        for match in _READING.finditer(text)
        if match.end() - match.start() > 2  # an escaped character is neither
    ]


class Renderer:
    """Writes the kept blocks of a tree as text with marks for formulas, code and images."""

    def __init__(self, scan: Callable[[str], str], is_display: Callable[[int], bool]) -> None:
        self._scan = scan
        self._is_display = is_display
        self._out: list[str] = []
        self._prefix = ""
        self._bullet: str | None = None
        self._list = 0  # number of the outermost list the walk is in; 0 outside lists
        self._last_list = 0
        self._lists = 0
        self._numbers: dict[int, int] = {}

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
        if parent is not None and parent.tag == "ol":
            number = self._numbers.get(id(parent), 0) + 1
            self._numbers[id(parent)] = number
            bullet = f"{number}. "
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
        text = self._scan(run)
        if "$" in text or "`" in text:
            text = literal(text)
        if "\\" in text:
            text = _BACKSLASH_BEFORE_MARK.sub(r"\1 ", text)
        if marks.SUP in text or marks.SUB in text or marks.RAISED_END in text:
            text = _without_raised(text)
        if marks.EMPHASIS in text:
            text = text.replace(marks.EMPHASIS, "")
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

    def _table(self, table: Block) -> Callable[[], None] | None:
        rows = _rows(table)
        if rows is None or not _is_data(rows):
            if rows is not None:
                self._layout_rows(rows)
                return _DONE
            return None
        lines: list[str] = []
        pictures: list[str] = []
        width = max(len(row) for row in rows)
        for row in rows:
            cells = []
            for cell in row:
                text = self.line(cell).replace("|", "\\|")
                if marks.IMAGE in text:
                    pictures.extend(marks.IMAGE_MARK.findall(text))
                    text = " ".join(marks.IMAGE_MARK.sub(" ", text).split())
                cells.append(text)
            if any(cells):
                lines.append("| " + " | ".join(cells + [""] * (width - len(cells))) + " |")
        if lines:
            if len(lines) > 1:
                lines.insert(1, "|" + " --- |" * width)
            self._emit("\n".join(lines))
        for picture in pictures:
            self._emit(f"{marks.IMAGE}{picture}{marks.CLOSE}")
        return _DONE

    def _layout_rows(self, rows: list[list[Block]]) -> None:
        """A table that only places things: a paragraph a row."""
        for row in rows:
            self._paragraph(" ".join(flattened(cell) for cell in row), row[0])


def _done() -> None:
    """A block that `_enter` has already written."""


_DONE = _done
_DEEPEST_PREFIX = 60
"""Characters of indentation beyond which deeper lists and quotations are not told apart."""
_MARK_AND_POINT = re.compile(r"\s*\ue000([0-9]+)\ue003(?:\s?[.,;:。，；](?=\s|$))?\s*")
_LINES = re.compile(r"[ ]*\n[ \n]*")
_ORDINAL = re.compile(r"st|nd|rd|th|er|re|e|ème|TM|SM", re.I)
_MARK = re.compile(r"[®™©℠†‡ªº°]|\*+")
_RAISED = re.compile("(.?)([\ue005\ue006])([^\ue005-\ue007]*)\ue007", re.S)
_SHORT_TOKENS = 40


_BACKSLASH_BEFORE_MARK = re.compile("(\\\\(?=[\ue000\ue001])|`(?=\ue001))")
_DEEPEST_RAISED = 6
_RAISED_LEFT = re.compile("[\ue005-\ue007]")


def _without_raised(text: str) -> str:
    """Innermost scripts first; what nests deeper than any formula is plain text."""
    if "\u2044" in text or "/" in text:
        text = _STACKED.sub(_stacked, text)
    for _ in range(_DEEPEST_RAISED):
        text, count = _RAISED.subn(_raised, text)
        if not count:
            break
    return _RAISED_LEFT.sub("", text)


# `2<sup>1</sup>⁄<sub>3</sub>` is two and a third, no power.
_STACKED = re.compile(
    "(\\d?)\ue005\\s*(\\d{1,6})\\s*\ue007\\s*([\u2044/])\\s*\ue006\\s*(\\d{1,6})\\s*\ue007"
)


def _stacked(match: re.Match[str]) -> str:
    whole = f"{match[1]} " if match[1] else ""
    return f"{whole}{match[2]}{match[3]}{match[4]}"


def _raised(match: re.Match[str]) -> str:
    before, kind, inside = (
        match[1],
        match[2],
        " ".join(match[3].replace(marks.EMPHASIS, "").split()),
    )
    if not inside:
        return before
    if kind == marks.SUP and (
        _MARK.fullmatch(inside)
        or (_ORDINAL.fullmatch(inside) and (not before.isalpha() or len(inside) > 1))
    ):
        return before + inside
    if marks.FORMULA in inside or marks.IMAGE in inside or marks.CODE in inside:
        return before + inside
    if not before or before.isspace() or len(inside) > _SHORT_TOKENS or inside.count(" ") > 3:
        return f"{before} {inside} " if before.strip() else before + inside
    return f"{before}{'^' if kind == marks.SUP else '_'}{{{inside}}}"


def flattened(block: Block) -> str:
    """All text of a block as one run; inner blocks are separated by line breaks."""
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
            todo.append(marks.BREAK)
        todo.extend(reversed(item.children))
    return "".join(pieces)


_ROW_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_STRUCTURE = frozenset(
    {"table", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "form"}
)


def _rows(table: Block) -> list[list[Block]] | None:
    """Rows of cells, or None if a cell holds structure of its own (a layout table)."""
    rows: list[list[Block]] = []
    groups = [child for child in table.children if isinstance(child, Block) and child.kept]
    for group in groups:
        members = group.children if group.tag in _ROW_GROUPS else [group]
        for row in members:
            if not isinstance(row, Block) or not row.kept:
                continue
            if row.tag != "tr":
                return None
            cells = [
                cell
                for cell in row.children
                if isinstance(cell, Block) and cell.tag in ("td", "th")
            ]
            if any(_has_structure(cell) for cell in cells):
                return None
            if cells:
                rows.append(cells)
    return rows


def _has_structure(cell: Block) -> bool:
    blocks = [child for child in cell.children if isinstance(child, Block)]
    paragraphs = 0
    while blocks:
        block = blocks.pop()
        if block.tag in _STRUCTURE:
            return True
        paragraphs += 1
        if paragraphs > 6 or block.length > 1_000:
            return True
        blocks.extend(child for child in block.children if isinstance(child, Block))
    return cell.length > 1_000


def _is_data(rows: list[list[Block]]) -> bool:
    wide = sum(len(row) > 1 for row in rows)
    return len(rows) > 1 and wide * 2 > len(rows)
