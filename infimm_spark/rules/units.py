r"""Texts as units that survive a change of notation: words, numbers, Chinese characters, and what a
formula says in those.

`$\frac12 x^{2}$`, `$\dfrac{1}{2}x^2$` and `1/2 x²` all are `1 2 x 2`: formulas pass through the
package's normal form, and of its commands only those count that are said aloud in prose as well
(Greek letters, functions). Case, width (Unicode NFKC), punctuation and the commas of thousands do
not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from infimm_spark.extract.latex import normal_form
from infimm_spark.extract.latex.facts import WRITTEN_FORMULA
from infimm_spark.extract.latex.symbols import FUNCTIONS

Unit = tuple[str, int, int]
"""(unit, start, end): the characters of the text it was read from."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_IS_HAN = re.compile(f"[{HAN}]")
_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_PROSE = re.compile(rf"[{HAN}]|{_NUMBER}|[^\W\d_{HAN}]+")
_TEX = re.compile(rf"\\[A-Za-z]+|[{HAN}]|{_NUMBER}|[^\W\d_{HAN}]+")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z]+\*?\}")
# Content of dollars that is prose: "2 per egg. How much is it for " between two prices.
_PROSE_WORDS = re.compile(r"(?<![\\A-Za-z{])[a-z]{3,}\s+(?:[a-z]+\s+){1,}")
_TEX_SIGN = re.compile(r"[\\^_{}=]")
_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "pi rho sigma tau upsilon phi varphi chi psi omega"
)
_SAID = FUNCTIONS | {*_GREEK.split(" "), "sqrt"}
_SPELLED = {"varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi"}


class _Widths(dict[int, str]):
    """NFKC and lower case of single characters, so that each keeps its place."""

    def __missing__(self, point: int) -> str:
        made = unicodedata.normalize("NFKC", chr(point)).lower()
        self[point] = made
        return made


_WIDTHS = _Widths()


def units(text: str, simplify: bool = False) -> list[str]:
    """The units of a text in order; with `simplify`, traditional Chinese as simplified."""
    found: list[str] = []
    for is_formula, piece, _ in _pieces(text):
        if is_formula:
            found += _formula_units(piece)
        else:
            found += _PROSE.findall(_even(piece))
    found = [unit.replace(",", "") if "," in unit else unit for unit in found]
    return [unit.translate(_simplified()) for unit in found] if simplify else found


def units_with_places(text: str, simplify: bool = False) -> list[Unit]:
    """`units`, each with the characters it stands at; those of a formula stand at the formula."""
    found: list[Unit] = []
    for is_formula, piece, start in _pieces(text):
        if is_formula:
            end = start + len(piece)
            found += ((unit, start, end) for unit in _formula_units(piece))
            continue
        even = _even(piece)
        if len(even) == len(piece):  # each character stands where it stood
            found += (
                (match[0], start + match.start(), start + match.end())
                for match in _PROSE.finditer(even)
            )
            continue
        places = [at for at, char in enumerate(piece) for _ in _even(char)]
        for match in _PROSE.finditer(even):
            first, last = places[match.start()], places[match.end() - 1]
            found.append((match[0], start + first, start + last + 1))
    table = _simplified() if simplify else {}
    return [(unit.replace(",", "").translate(table), start, end) for unit, start, end in found]


def is_han(unit: str) -> bool:
    """Whether a unit is a Chinese character."""
    return _IS_HAN.match(unit) is not None


def _pieces(text: str) -> Iterator[tuple[bool, str, int]]:
    """(whether it is a formula, its content, where that begins) from the first to the last
    character."""
    done = 0
    if "\\$" in text:
        text = text.replace("\\$", "\ufdd1 ")  # a dollar, and no delimiter; nothing moves
    if "$" in text:
        for match in WRITTEN_FORMULA.finditer(text):
            group = 1 if match[1] is not None else 2
            content = match[group]
            if not _TEX_SIGN.search(content) and _PROSE_WORDS.search(content):
                continue  # prices
            yield False, text[done : match.start()], done
            yield True, content, match.start(group)
            done = match.end()
    yield False, text[done:], done


def _even(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_WIDTHS)


@lru_cache(maxsize=65_536)
def _formula_units(tex: str) -> tuple[str, ...]:
    plain = _even(_ENVIRONMENT.sub(" ", normal_form(tex)))
    found = []
    for unit in _TEX.findall(plain):
        if unit.startswith("\\"):
            name = unit[1:]
            if name in _SAID:
                found.append(_SPELLED.get(name, name))
        else:
            found.append(unit.replace(",", ""))
    return tuple(found)


_TABLE: dict[int, str] | None = None


def _simplified() -> dict[int, str]:
    """Traditional to simplified, character by character (OpenCC's table; the extra `chinese`)."""
    global _TABLE
    if _TABLE is None:
        from opencc import OpenCC

        blocks = [(0x3400, 0x4DC0), (0x4E00, 0xA000)]
        characters = [chr(point) for low, high in blocks for point in range(low, high)]
        simple = OpenCC("t2s").convert("\n".join(characters)).split("\n")
        pairs = zip(characters, simple, strict=True)
        _TABLE = {ord(a): b for a, b in pairs if a != b and len(b) == 1}
    return _TABLE
