"""Signs that MathJax assembles from several glyphs: tall brackets, long arrows, bars and braces."""

from __future__ import annotations

_BRACE_PIECES = frozenset("\ue150\ue151\ue152\ue153")
_STRETCHED = frozenset("⏞⏟⏜⏝⎴⎵→←↔⇒⇐⇔―‾_¯–^~˜ˆ−=")
_SHAFTS = frozenset("−–―-=\ue020\ue154")
# Pieces that tall delimiters are assembled from.
_PIECES = {
    "⎛": "(", "⎜": "(", "⎝": "(", "⎞": ")", "⎟": ")", "⎠": ")", "⎡": "[", "⎢": "[", "⎣": "[", "⎤": "]",
    "⎥": "]", "⎦": "]", "⎧": "{", "⎨": "{", "⎩": "{", "⎪": "{", "⎫": "}", "⎬": "}", "⎭": "}",
    "⏐": "|", "∣": "|", "∥": "‖",
}  # fmt: skip


def is_of_pieces(text: str) -> bool:
    """Whether all of a text are pieces of tall delimiters."""
    return bool(text) and all(char in _PIECES for char in text)


def assembled(text: str) -> str:
    """The sign that glyphs in a row, or one below the other, make up; the text itself where they
    make none."""
    if text[0] in _BRACE_PIECES and set(text) <= _BRACE_PIECES | _SHAFTS:
        # MathJax's own brace pieces: the left end comes first
        return "⏞" if text[0] == "\ue150" else "⏟"
    if len(set(text)) == 1 and text[0] in _STRETCHED:
        return text[0]
    stretched = [char for char in text if char in _STRETCHED]
    heads = [char for char in stretched if char not in _SHAFTS] or stretched
    if heads and set(text) - set(heads) <= _SHAFTS:
        return "↔" if set(heads) == {"←", "→"} else heads[0]
    if not is_of_pieces(text):
        return text
    pieces = set(text)
    if pieces <= {"⎢", "⎣"}:
        return "⌊" if "⎣" in pieces else "|"
    if pieces <= {"⎢", "⎡"}:
        return "⌈"
    if pieces <= {"⎥", "⎦"}:
        return "⌋"
    if pieces <= {"⎥", "⎤"}:
        return "⌉"
    return _PIECES[next(char for char in text if char != "⎪")] if pieces != {"⎪"} else "|"
