"""The normaliser: what a text becomes before fastText reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.classify.features import (
    count_formulas,
    excerpt,
    found_formulas,
    normalise,
    without_formulas,
)
from infimm_spark.classify.lexicon import CHINESE, ENGLISH


def words(text: str, language: str = "en") -> list[str]:
    """The line's tokens without the facts of the whole text."""
    return [token for token in normalise(text, language).split() if not token.startswith("__")]


FIELDS = {f"__{field}" for field in ENGLISH}


def fields(text: str, language: str = "en") -> list[str]:
    """The fields of the words, in order."""
    return [token for token in normalise(text, language).split() if token in FIELDS]


def facts(text: str, language: str = "en") -> set[str]:
    """The facts of the whole text."""
    return {token for token in normalise(text, language).split() if token.startswith("__")}


def test_english_words_are_lower_case_and_singular() -> None:
    """Case and plurals make no difference to a word."""
    assert words("Theorems and PROOFS") == words("theorem and proof")


def test_words_that_end_in_s_by_nature_keep_it() -> None:
    """Only plurals lose their s."""
    assert words("class analysis radius") == ["class", "analysis", "radius"]


def test_numbers_become_one_token() -> None:
    """A number of any form is <NUM>."""
    assert words("7 1,000 3.14159 12:30") == ["<NUM>"] * 4


def test_all_dashes_are_alike() -> None:
    """Hyphen, en dash, em dash and minus sign part words in the same way."""
    assert len({normalise(f"well{dash}known fact", "en") for dash in "-‐–—−"}) == 1


def test_apostrophes_are_alike() -> None:
    """A typographic apostrophe is read as a straight one."""
    assert words("Euler’s") == words("Euler's") == ["euler"]


def test_tokens_over_100_characters_are_dropped() -> None:
    """A word of 100 characters stays, one of 101 goes."""
    assert words("a" * 100 + " end") == ["a" * 100, "end"]
    assert words("a" * 101 + " end") == ["end"]


def test_chinese_is_read_by_characters() -> None:
    """Each Chinese character is a token; Latin words among them stay whole."""
    assert words("设函数f连续", "zh") == ["设", "函", "数", "f", "连", "续"]


def test_chinese_touches_formulas() -> None:
    """Chinese sets no space beside a formula; Latin letters and prices do not make one."""
    assert [found[2] for found in found_formulas("设$x>0$，则$y$为正，价格$5和$10元")] == [
        "x>0",
        "y",
    ]
    assert not list(found_formulas("价格$5和$10，路径$HOME与$PATH"))
    assert not list(found_formulas("a$x$ b"))


def test_commands_of_a_formula_are_kept_and_its_variables_are_not() -> None:
    """A formula is its size, its commands and whether it relates two sides."""
    assert words(r"so $\frac{a}{b} = c$ here") == ["so", "$f2", r"\frac", "$=", "here"]


def test_display_differs_from_inline() -> None:
    """Display formulas have tokens of their own."""
    assert words("$$x+1$$") == ["$d1"]
    assert words("$x+1$") == ["$f1"]


@pytest.mark.parametrize(
    "source", [r"\(\alpha\le 1\)", r"\[\alpha\le 1\]", r"\begin{align}\alpha\le 1\end{align}"]
)
def test_all_delimiters_are_read(source: str) -> None:
    """The quick text shows formulas in the page's own delimiters."""
    assert r"\alpha" in words(source)
    assert words(source)[0][:2] in ("$f", "$d")


@pytest.mark.parametrize(
    "text",
    [
        "it costs $5 now and $10 later",
        "echo $HOME and $PATH",
        "from $20 to $30, only today",
        "$5 per month; upgrade for just $9",
    ],
)
def test_prices_and_shell_variables_are_no_formulas(text: str) -> None:
    """A dollar sign alone makes no mathematics."""
    assert not any(token[:2] in ("$f", "$d") for token in words(text))
    assert "__fc0" in facts(text)


def test_a_formula_too_many_commands_long_does_not_outweigh_the_page() -> None:
    """At most sixteen commands of one formula are kept."""
    assert words("$" + r"\alpha" * 40 + "$").count(r"\alpha") == 16


def test_facts_grow_with_the_text() -> None:
    """Facts are repeated so that their weight does not vanish in a long text, up to a limit."""
    short = normalise("word " * 10, "en").split().count("__fc0")
    long = normalise("some other word here " * 200, "en").split().count("__fc0")
    longest = normalise("some other word here " * 20_000, "en").split().count("__fc0")
    assert short < long <= longest == normalise("word " * 50_000, "en").split().count("__fc0")


@pytest.mark.parametrize(("count", "filling"), [(0, 200), (30, 170), (199, 1), (200, 0), (900, 0)])
def test_a_short_text_is_filled_up(count: int, filling: int) -> None:
    """A text of few tokens is filled to 200 with one of no meaning, a longer one is not."""
    assert normalise("word " * count, "en").split().count("__few") == filling


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("triangle", "__school"),
        ("polynomials", "__secondary"),
        ("eigenvalue", "__university"),
        ("cohomology", "__research"),
        ("suppose", "__logic"),
        ("kubernetes", "__computing"),
        ("solving", "__secondary"),
        ("plotted", "__secondary"),
        ("linearly", "__university"),
        ("evening", "__news"),
    ],
)
def test_a_word_counts_as_one_of_its_field(text: str, field: str) -> None:
    """Listed words, their plurals and what is derived from them; a listed word is not derived from
    another."""
    assert fields(text) == [field]


def test_fields_stand_in_the_order_of_their_words() -> None:
    """Words of no field leave nothing."""
    assert fields("the matrix whatsoever, then a triangle") == [
        *("__secondary", "__logic", "__school")
    ]


def test_chinese_terms_count_as_words_of_their_field() -> None:
    """A term is two characters; Latin words among them count as well."""
    assert fields("定理，矩阵", "zh") == ["__university", "__university"]
    assert fields("函数 theorem", "zh") == ["__secondary", "__secondary"]
    assert fields("定理，矩阵", "en") == []


def test_different_terms_are_a_fact() -> None:
    """One term over and over is less than as many different ones."""
    once = facts("triangle " * 40) & {f"__mt{n}" for n in range(7)}
    many = facts("triangle square circle angle matrix lemma proof group ring field " * 4)
    assert once == {"__mt0"} or once == {"__mt1"}
    assert many & {"__mt4", "__mt5"}


def test_typographic_marks_part_words_as_spaces_do() -> None:
    """Quotation marks, ellipses, bullets and no-break spaces, in a text of ASCII and in another."""
    marked = "“see” • ‘this’… and\u00a0that"
    assert words(marked) == words("see this and that")
    assert words(marked + " α") == words("see this and that α")


def test_repetition_is_a_fact() -> None:
    """A text that says one sentence over and over differs from one that does not."""
    farm = "best calculator for conveyor motor online " * 60
    prose = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(360))
    assert facts(farm) & {"__dv0", "__dv1"}
    assert not facts(prose) & {"__dv0", "__dv1"}


def test_the_head_is_not_all_of_an_excerpt() -> None:
    """A long text is represented by its head, its tail and slices between."""
    text = " ".join(f"w{i}" for i in range(5_000))
    piece = excerpt(text, 1_000)
    assert len(piece) <= 1_000 + 10
    assert piece.startswith("w0 ")
    assert piece.endswith("w4999")
    assert {"w1", "w4990"} <= set(piece.split())
    assert set(piece.split()) <= set(text.split())


def test_a_short_text_is_its_own_excerpt() -> None:
    """Nothing is cut from a text within the limit."""
    assert excerpt("a b", 3) == "a b"


@given(st.text(max_size=400), st.sampled_from(["en", "zh"]))
def test_any_text_becomes_one_clean_line(text: str, language: str) -> None:
    """Whatever the text, the line has single spaces, no line break, no label, no oversized
    token."""
    line = normalise(text, language)
    assert line.split() == line.split(" ")
    assert "__label__" not in line
    assert all(len(token) <= 100 for token in line.split())


@given(st.text(alphabet="ab $\\(){}1", max_size=80))
def test_white_space_never_matters(text: str) -> None:
    """Line breaks outside formulas and doubled spaces leave the words as they are."""
    plain = text.replace("$", "").replace("\\", "")
    assert words(plain.replace(" ", " \n ")) == words(plain)


def test_formulas_are_taken_out_and_prices_stay() -> None:
    """Every delimiter's content goes; what only looks like a formula stays, and is not counted."""
    text = "a $x^2$ b $$y$$ c \\(z\\) d \\[w\\] it costs $5 or $7 today"
    assert count_formulas(text) == 4
    assert without_formulas(text).split() == [
        "a",
        "b",
        "c",
        "d",
        "it",
        "costs",
        "$5",
        "or",
        "$7",
        "today",
    ]


@pytest.mark.parametrize("lexicon", [ENGLISH, CHINESE])
def test_no_word_is_listed_twice(lexicon: dict[str, str]) -> None:
    """A word has one field."""
    listed = [word for block in lexicon.values() for word in block.split()]
    assert len(listed) == len(set(listed))


def test_chinese_terms_are_two_characters() -> None:
    """Pairs of characters are what is looked for."""
    assert {len(term) for block in CHINESE.values() for term in block.split()} == {2}
