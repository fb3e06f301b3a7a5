"""A table as a grid: spans filled, caption apart, head first and foot last; and whether it holds
data.

A layout table only places things on the page. It is told from a table of data by its role, by what
its cells hold (headings, forms, long texts, blocks of code) and by its shape; `<th>`, `<thead>` and
`<caption>` speak for data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from infimm_spark.extract import marks
from infimm_spark.extract.tree import Block


@dataclass(slots=True)
class Table:
    """`rows` are all of one length; None stands where a cell of another row or column reaches."""

    rows: list[list[Block | None]]
    captions: list[Block]
    is_data: bool


@dataclass(slots=True)
class _Parts:
    captions: list[Block] = field(default_factory=list)
    groups: list[list[list[Block]]] = field(default_factory=list)
    """Rows of cells of each group, in the order in which a browser shows them."""
    has_head: bool = False


def read_table(table: Block, codes: list[str]) -> Table | None:
    """The grid of a table; None if its cells hold structure of their own, each to be written apart.

    `codes` are the page's pieces of code, which marks in the cells name by number.
    """
    parts = _parts(table)
    if parts is None:
        return None
    named = parts.has_head or bool(parts.captions)
    rows = [row for group in parts.groups for row in group]
    structured = False
    for row in rows:
        for cell in row:
            named = named or cell.tag == "th"
            weight = _structure_of(cell, codes)
            if weight == _LAYOUT:
                return None
            structured = structured or weight == _LISTS
    grid = [line for group in parts.groups for line in _grid(group)]
    width = max(map(len, grid), default=0)
    wide = sum(len(line) > 1 for line in grid)
    for line in grid:
        line.extend([None] * (width - len(line)))
    role = table.attrs.get("role")
    is_data = role not in ("presentation", "none") and _is_data(rows, width, wide, named)
    if structured and not (is_data and (named or _is_regular(rows))):
        return None
    return Table(grid, parts.captions, is_data)


_GROUPS = frozenset({"thead", "tbody", "tfoot"})


def _parts(table: Block) -> _Parts | None:
    parts = _Parts()
    heads: list[list[list[Block]]] = []
    feet: list[list[list[Block]]] = []
    loose: list[list[Block]] = []  # rows outside of groups
    for child in table.children:
        if not isinstance(child, Block) or not child.kept:
            continue
        if child.tag == "caption":
            parts.captions.append(child)
        elif child.tag in _GROUPS:
            rows: list[list[Block]] = []
            for member in child.children:
                if isinstance(member, Block) and not _add_row(member, rows):
                    return None
            loose = []
            group = {"thead": heads, "tfoot": feet}.get(child.tag, parts.groups)
            group.append(rows)
        else:
            if not loose:
                parts.groups.append(loose)
            if not _add_row(child, loose):
                return None
    parts.has_head = bool(heads)
    parts.groups = [*heads, *parts.groups, *feet]
    return parts


def _add_row(row: Block, rows: list[list[Block]]) -> bool:
    """Add the cells of a row; whether it is a row at all."""
    if row.kept:
        if row.tag != "tr":
            return False
        cells = [c for c in row.children if isinstance(c, Block) and c.tag in ("td", "th")]
        if cells:
            rows.append(cells)
    return True


# --- spans --------------------------------------------------------------------------------------

_WIDEST = 300
"""Columns of a table; what reaches farther is not a span of cells but a mistake."""
_MOST_COVERED = 100_000
"""Places covered by spans in one table; spans beyond it are not followed."""


def _grid(rows: list[list[Block]]) -> list[list[Block | None]]:
    """The rows of one group with its spans; a cell that spans stands at its first place."""
    grid: list[list[Block | None]] = []
    reaching: dict[int, int] = {}  # column -> rows that a cell above still covers
    covers = 0  # places that cells have covered beside their own
    for at, row in enumerate(rows):
        line: list[Block | None] = []
        covered = {column: left - 1 for column, left in reaching.items() if left > 1}
        for cell in row:
            while reaching.get(len(line), 0) > 0:
                line.append(None)
            across = min(_span(cell, "colspan"), max(1, _WIDEST - len(line)))
            down = _span(cell, "rowspan") or len(rows)
            down = min(down, len(rows) - at)
            across = across or 1
            if across * down > 1:
                covers += across * down
                if covers > _MOST_COVERED:
                    across = down = 1
            if down > 1:
                covered.update(dict.fromkeys(range(len(line), len(line) + across), down - 1))
            line.append(cell)
            line.extend([None] * (across - 1))
        while line and line[-1] is None:
            line.pop()
        reaching = covered
        grid.append(line)
    return grid


def _span(cell: Block, name: str) -> int:
    """A declared span: 1 where there is none or nonsense, 0 as declared (to the end)."""
    value = (cell.attrs.get(name) or "1").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 1


# --- data or layout -----------------------------------------------------------------------------

_NOTHING, _LISTS, _LAYOUT = range(3)
_LAYOUT_TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "form", "blockquote"})
_LIST_TAGS = frozenset({"ul", "ol", "dl", "pre", "table"})
_LONGEST_CELL = 1_000
_MOST_BLOCKS = 24
_MOST_PARAGRAPHS = 6


def _structure_of(cell: Block, codes: list[str]) -> int:
    """What a cell holds beside text: nothing, lists and the like, or what only a layout table
    holds."""
    if cell.length > _LONGEST_CELL:
        return _LAYOUT
    blocks = [child for child in cell.children if isinstance(child, Block) and child.kept]
    found = _NOTHING
    paragraphs = count = 0
    while blocks:
        block = blocks.pop()
        count += 1
        tag = block.tag
        if tag in _LAYOUT_TAGS or count > _MOST_BLOCKS:
            return _LAYOUT
        if tag in _LIST_TAGS:
            found = _LISTS
            if tag == "pre" and _is_long_code(block, codes):
                return _LAYOUT
            if tag == "table" and _is_grid(block):
                return _LAYOUT
        elif tag not in _INSIDE_LISTS:
            paragraphs += 1
            if paragraphs > _MOST_PARAGRAPHS:
                return _LAYOUT
        blocks.extend(child for child in block.children if isinstance(child, Block) and child.kept)
    return found


_INSIDE_LISTS = frozenset({"li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "hr"})


def _is_long_code(pre: Block, codes: list[str]) -> bool:
    """Whether a code block has more than one line, which no row of a table can hold."""
    for child in pre.children:
        if isinstance(child, str) and child.startswith(marks.CODE):
            source = codes[int(child[1:-1])]
            if source.count("\n") > 2:
                return True
    return False


def _is_grid(table: Block) -> bool:
    """Whether a table inside a cell has two rows of two cells, so that it is one of its own."""
    wide = looked = 0
    todo = [table]
    while todo:
        block = todo.pop()
        looked += 1
        if looked > _MOST_BLOCKS * 2:
            return True
        cells = 0
        for child in block.children:
            if isinstance(child, Block) and child.kept:
                cells += child.tag in ("td", "th")
                todo.append(child)
        wide += cells > 1
    return wide > 1


_SHORT = 80


def _is_data(rows: list[list[Block]], width: int, wide: int, named: bool) -> bool:
    """`width` in columns; `wide` rows have more than one, with those that cells above cover."""
    if named:
        if width > 1:
            return wide * 2 > len(rows) or (wide > 0 and len(rows) > 2)
        return len(rows) > 2 and all(cell.length <= _SHORT for row in rows for cell in row)
    return len(rows) > 1 and wide * 2 > len(rows)


def _is_regular(rows: list[list[Block]]) -> bool:
    """Whether all rows have the same number of short cells: data, though nothing names it so."""
    return (
        len(rows) > 2
        and len({len(row) for row in rows}) == 1
        and all(cell.length <= _SHORT * 3 for row in rows for cell in row)
    )
