r"""Negatives for a judge that counts formulas: pages on which formulas say nothing.

Spam quotes formulas to look learned, and no graded page does. Here ordinary pages of the training
sites get formulas strewn into their prose, and words of mathematics are put together at random.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from infimm_spark.classify.features import count_formulas
from infimm_spark.classify.lexicon import CHINESE, ENGLISH, SMALL_CHINESE, SMALL_ENGLISH
from infimm_spark.languages import LANGUAGES, language_of
from infimm_spark.training.fitting import Example

STREWN = "strewn"

_PER_SITE = 2
_WEIGHT = 0.5
_PLAIN_GRADE, _FEW_FORMULAS, _SHORTEST = 2, 3, 300
"""A page is ordinary up to this grade, below these formulas, from these characters on."""

_SALAD_TEXTS = 40
"""Texts of each kind and language."""
_SALAD_WEIGHT = 0.3

_PLACE = re.compile(r"(?<=[.!?,;:。！？，；：])\s*|\n")
_FIELDS = ("school", "secondary", "university", "logic", "exercise")


def strewn_examples(examples: Iterable[Example]) -> list[Example]:
    """Ordinary pages of `examples` with formulas strewn in, at most two of a site; they belong to
    the page's site, are trained on and never measured."""
    taken: Counter[str] = Counter()
    found = []
    for example in sorted(examples, key=lambda e: (e.site, e.page)):
        if _is_ordinary(example) and taken[example.site] < _PER_SITE:
            taken[example.site] += 1
            order = random.Random(f"strewn {example.page}")
            text = _strewn(example.text, order)
            found.append(
                replace(
                    example,
                    text=text,
                    page=f"{example.page} {STREWN}",
                    view=STREWN,
                    weight=_WEIGHT,
                    measured=False,
                )
            )
    return found


def salad_examples() -> list[Example]:
    """Words of mathematics at random with formulas between them, as sentences and as lists; never
    measured, trained on in every fold."""
    return [
        Example(
            text=_salad(language, listed, random.Random(f"salad {language} {listed} {number}")),
            language=language,
            label=0,
            site=f"salad-{language}-{'list' if listed else 'sentences'}",
            page=f"salad {language} {listed} {number}",
            view="text",
            weight=_SALAD_WEIGHT,
            measured=False,
            written=True,
        )
        for language in LANGUAGES
        for listed in (False, True)
        for number in range(_SALAD_TEXTS)
    ]


def _is_ordinary(example: Example) -> bool:
    return (
        example.view == "text"
        and example.score is not None
        and example.score <= _PLAIN_GRADE
        and len(example.text) >= _SHORTEST
        and count_formulas(example.text) < _FEW_FORMULAS
    )


def _strewn(text: str, order: random.Random) -> str:
    """`text` with a formula at every so many ends of clauses and lines."""
    formulas = _stock(order)
    every = order.choice((1, 2, 3, 5, 8))
    displayed = order.random() < 0.25
    pieces = [piece for piece in _PLACE.split(text) if piece]
    joined = []
    breaks = "\n" if order.random() < 0.5 else " "
    for number, piece in enumerate(pieces):
        joined.append(piece)
        if number % every == 0:
            formula = order.choice(formulas)
            joined.append(f"\n\n$${formula}$$\n\n" if displayed else f"${formula}$")
        if number % 4 == 3:
            joined.append(breaks)
    return " ".join(joined)


def _salad(language: str, listed: bool, order: random.Random) -> str:
    """Words at random: as sentences, or as a list of keywords."""
    words = _vocabulary(language)
    is_characters = language_of(language).is_characters
    small = list(SMALL_CHINESE) if is_characters else SMALL_ENGLISH
    formulas = _stock(order)
    lines = []
    for _ in range(order.randrange(8, 40)):
        chosen = order.choices(words, k=order.randrange(4, 18))
        if not listed:
            chosen = [w for word in chosen for w in (word, *order.choices(small, k=1))]
        chosen.insert(order.randrange(len(chosen)), f"${order.choice(formulas)}$")
        gap = order.choice((", ", " ", " | ")) if listed else " "
        if is_characters:
            gap = order.choice("，、 ") if listed else ""
        lines.append(gap.join(chosen) + ("" if listed else "。" if is_characters else "."))
    return order.choice(("\n", "\n\n", " ")).join(lines)


def _vocabulary(language: str) -> Sequence[str]:
    lexicon = CHINESE if language_of(language).is_characters else ENGLISH
    return [word for field in _FIELDS for word in lexicon[field].split()]


def _stock(order: random.Random) -> list[str]:
    """Formulas a page chooses from: few that return, or so many that hardly any does."""
    return [_formula(order) for _ in range(order.choice((3, 6, 12, 40)))]


def _formula(order: random.Random) -> str:
    a, b, c, f = order.sample("abcdefghkmnpqrstuvwxyzABCGHMNPRSTVX", 4)
    numbers = str(order.randrange(1, 30)), str(order.randrange(2, 5))
    filled = zip("ABCF12", (a, b, c, f, *numbers), strict=True)
    return order.choice(_SHAPES).translate({ord(blank): text for blank, text in filled})


_SHAPES = (
    "A",
    "A_1",
    "A=1",
    "A+B",
    "A^2",
    "F(A)",
    r"\frac{A}{B}",
    r"A\in B",
    r"A=BC^2",
    r"F(A)=A^2+1A",
    r"A^2+B^2=C^2",
    r"\sum_{A=1}^{B} A^2",
    r"\int_1^B F(A)\,dA",
    r"\lim_{A\to\infty} F(A)=1",
    r"\frac{dF}{dA}=1F",
    r"A=\frac{-B\pm\sqrt{B^2-2AC}}{2C}",
    r"\sqrt{A^2+1}",
    r"\log_2 A\le B",
    r"\binom{A}{B}=\binom{A}{A-B}",
    r"\lambda A=B A",
    r"\alpha+\beta=1",
    r"\theta_1\geq 2",
    r"P(A\mid B)=1/2",
    r"\begin{pmatrix}1&A\\B&2\end{pmatrix}",
    r"A\otimes B\to C",
    r"\nabla F=\partial A",
    r"A\equiv 1\pmod{B}",
    r"\forall A\exists B: A<B",
    r"e^{A+1}",
    r"\sin^2 A+\cos^2 A=1",
)
