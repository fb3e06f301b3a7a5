"""The tables of mathematical characters."""

from __future__ import annotations

import pytest

from infimm_spark.extract.latex import check
from infimm_spark.extract.latex.symbols import CHAR_OF, COMMAND_OF, FONT_OF, char_to_tex


def test_every_preferred_command_prints_its_character() -> None:
    """Character -> command -> character comes back, so that nothing is renamed on the way."""
    for char, command in COMMAND_OF.items():
        assert CHAR_OF[command[1:]] == char


def test_every_character_is_valid_tex() -> None:
    """What a character becomes can be typeset, scripts and primes included."""
    for char in [*COMMAND_OF, *FONT_OF]:
        assert check("x" + char_to_tex(char)) is None, char


@pytest.mark.parametrize(
    ("char", "tex"),
    [("𝔞", r"\mathfrak{a}"), ("ℝ", r"\mathbb{R}"), ("𝛼", r"\alpha"), ("𝐱", r"\mathbf{x}"), ("ℒ", r"\mathcal{L}"),
     ("𝑥", "x"), ("ℎ", "h"), ("𝟙", r"\mathbb{1}"), ("−", "-"), ("Α", "A"), ("é", "é"), ("𝜖", r"\epsilon")],
)  # fmt: skip
def test_mathematical_alphabets_become_font_commands(char: str, tex: str) -> None:
    """Styled letters are set in their font; italics are TeX's default."""
    assert char_to_tex(char) == tex
