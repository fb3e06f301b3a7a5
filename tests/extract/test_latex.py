"""LaTeX strings: cleaning, checking, comparing, tokens and macros."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infimm_spark.extract.latex import (
    Macro,
    check,
    clean,
    expand_macros,
    is_tex,
    normal_form,
    parse_macros,
    tokens,
)
from infimm_spark.extract.latex.tokenizer import group_end

PIECES = st.sampled_from(
    [*"{}^_&'~$%#.,()[]|+-=<>! xyab12", r"\frac", r"\sqrt", r"\left", r"\right", r"\begin{matrix}",
     r"\end{matrix}", r"\begin{array}{cc}", r"\end{array}", r"\begin{cases}", r"\end{cases}", "\\\\",
     r"\mathrm", r"\text", r"\mathbf", r"\mathbb", r"\over", r"\atop", r"\rm", r"\not", r"\hat", r"\overset",
     r"\underset", r"\sin", r"\alpha", r"\,", r"\quad", r"\pmod", r"\genfrac", r"\hspace", r"\kern",
     r"\operatorname", r"\xrightarrow", r"\substack", r"\binom", r"\prime", "é", "≤", "′", "ℝ", r"\ce",
     r"\color", "\\", r"\{", r"\|", r"\mathrm{a}", r"\begin{align}", r"\end{align}"]
)  # fmt: skip
TEX = st.lists(PIECES, max_size=14).map("".join)


@pytest.mark.parametrize(
    ("tex", "cleaned"),
    [
        (r"$\bg_white\dpi{150} x^2$", "x^2"),
        (r"\inline \large a+b", "a+b"),
        (r"{\displaystyle x^{2}}", "x^{2}"),
        (r"\[ a \]", "a"),
        (r"$$a$$", "a"),
        (r"\begin{equation}a\end{equation}", "a"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("a %comment\n+ b", "a + b"),
        (r"50\% of x", r"50\% of x"),
        ("50% of x", r"50\% of x"),
        ("% an arrow", ""),
        ("a\x00b\u200b", "ab"),
    ],
)
def test_clean_removes_what_is_not_the_formula(tex: str, cleaned: str) -> None:
    """Delimiters, comments, image-service commands, entities and control bytes go; the formula
    stays."""
    assert clean(tex) == cleaned


@pytest.mark.parametrize(
    "tex", [r"$a$ and $b$", r"\[a\] \[b\]", r"{\displaystyle a}+{\displaystyle b}"]
)
def test_clean_leaves_two_formulas_apart(tex: str) -> None:
    """Delimiters at both ends that do not belong together are left alone."""
    assert clean(tex) == tex


@given(TEX)
def test_clean_is_idempotent(tex: str) -> None:
    """Cleaning a clean formula changes nothing."""
    assert clean(clean(tex)) == clean(tex)


@pytest.mark.parametrize(
    ("tex", "reason"),
    [
        (r"\frac{a}{b}", None),
        (r"\{ \left\{ a \right.", None),
        (r"\begin{matrix}a&b\end{matrix}", None),
        ("a < b", None),
        ("  ", "empty"),
        ("x" * 20_001, "too_long"),
        ("a\x00", "control_bytes"),
        ("<b>x</b>", "html_inside"),
        ("{a", "unbalanced_braces"),
        ("a}", "unbalanced_braces"),
        (r"\left( a", "unbalanced_left_right"),
        (r"\left( {a \right)", "unbalanced_left_right"),
        (r"\begin{matrix}a", "unclosed_environment"),
        (r"\foo\bar\baz x", "unknown_commands"),
    ],
)
def test_check_names_what_is_wrong(tex: str, reason: str | None) -> None:
    """A formula that can be typeset passes; any other is named by its first fault."""
    assert check(tex) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\dfrac12 \leq {x}^{2}", r"\frac{1}{2}\le x²"),
        (r"a\over b", r"\frac ab"),
        (r"{\rm d}x", r"\mathrm{d} x"),
        (
            r"\left(\begin{matrix}a&b\\c&d\\\end{matrix}\right)",
            r"\begin{pmatrix}a & b\\[2pt]c & d\end{pmatrix}",
        ),
        (
            r"\left\{\begin{array}{ll}a&b\\c&d\end{array}\right.",
            r"\begin{cases}a&b\\c&d\end{cases}",
        ),
        (r"\begin{align*}a&=b\\c&=d\end{align*}", r"\begin{aligned}a=b\\c=d\end{aligned}"),
        (r"\sum\limits_{i=1}^n x_i", r"\sum^n_{i=1}x_{i}"),
        (r"x \not= y", r"x\neq y"),
        (r"\not\in", r"\notin"),
        (r"f'", r"f^{\prime}"),
        (r"f''", "f″"),
        (r"\operatorname{sin} x", r"\sin x"),
        (r"\text{if }", r"\mathrm{if}"),
        (r"a\equiv b\pmod n", r"a\equiv b(\mathrm{mod}\ n)"),
        (r"\genfrac{(}{)}{0pt}{}{n}{k}", r"\binom{n}{k}"),
        (r"\overset{a}{\underset{b}{x}}", r"\underset{b}{\overset{a}{x}}"),
        (r"\mathbb{R}", "ℝ"),
    ],
)
def test_normal_form_joins_spellings_of_one_formula(one: str, other: str) -> None:
    """Spellings that say the same have one normal form."""
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("x^2", "x_2"), ("x^2", "x2"), (r"{ab}^2", "ab^2"), (r"\alpha", "a"), (r"\frac{a}{b}", r"\frac{b}{a}"),
     (r"\begin{matrix}1&2\end{matrix}", r"\begin{matrix}12\end{matrix}"), (r"\mathbb{R}", "R")],
)  # fmt: skip
def test_normal_form_keeps_different_formulas_apart(one: str, other: str) -> None:
    """Formulas that say different things have different normal forms."""
    assert normal_form(one) != normal_form(other)


@settings(max_examples=400, deadline=None)
@given(TEX)
def test_normal_form_is_idempotent(tex: str) -> None:
    """The normal form of a normal form is itself, for any input."""
    once = normal_form(tex)
    assert normal_form(once) == once


@pytest.mark.parametrize(
    "tex", ["{" * 20_000, "x^" * 9_000, r"\not" * 9_000, r"\rm" * 9_000, r"\over" * 9_000, r"\hat" * 9_000,
            r"\begin{a}" * 9_000, "{" * 90 + "x" + "}" * 90, r"\sqrt[" * 3_000]
)  # fmt: skip
def test_deep_nesting_exhausts_nothing(tex: str) -> None:
    """However deep a formula nests, it is compared and checked without an error."""
    normal_form(tex)
    check(tex)


def test_tokens_are_those_of_tex() -> None:
    """Control words, control symbols and environments are one token each, all else one a
    character."""
    assert tokens("\\frac12 \\, % note\n\\begin{matrix}x") == [
        r"\frac",
        "1",
        "2",
        r"\,",
        r"\begin{matrix}",
        "x",
    ]


def test_definitions_are_read_from_tex() -> None:
    """All the ways of defining a command are understood."""
    source = (
        r"\newcommand{\R}{\mathbb{R}} \def\norm#1{\|#1\|} \DeclareMathOperator*{\argmax}{arg\,max}"
        r"\newcommand\x[2][d]{#1_{#2}} \let\e\varepsilon"
    )
    assert parse_macros(source) == {
        "R": Macro(0, r"\mathbb{R}"),
        "norm": Macro(1, r"\|#1\|"),
        "argmax": Macro(0, r"\operatorname*{arg\,max}"),
        "x": Macro(2, "#1_{#2}", "d"),
        "e": Macro(0, r"\varepsilon"),
    }


def test_definitions_are_read_from_a_configuration() -> None:
    """MathJax writes [body, arguments, default], KaTeX a body with #n and a backslash in the
    name."""
    config = {
        "R": r"\mathbb{R}",
        "norm": [r"\|#1\|", 1],
        r"\half": r"\frac12",
        "p": ["#1#2", 2, "a"],
        "bad": 7,
    }
    assert parse_macros(config) == {
        "R": Macro(0, r"\mathbb{R}"),
        "norm": Macro(1, r"\|#1\|"),
        "half": Macro(0, r"\frac12"),
        "p": Macro(2, "#1#2", "a"),
    }


def test_macros_are_expanded_where_they_are_used() -> None:
    """Arguments, defaults and nested macros are replaced; other text stays as it was."""
    macros = parse_macros(r"\def\R{\mathbb{R}}\def\n#1{|#1|}\newcommand\x[2][d]{#1_{#2}}")
    assert (
        expand_macros(r"\n{\x3} \in \R x \text{a  b}", macros)
        == r"|d_{3}| \in \mathbb{R} x \text{a  b}"
    )
    assert expand_macros(r"\x[q]{4}", macros) == "q_{4}"
    assert expand_macros("x^2", macros) == "x^2"


@pytest.mark.parametrize("source", [r"\def\a{\a}", r"\def\a{\b\b}\def\b{\a}", r"\def\a{\a\a}"])
def test_macro_bombs_are_refused(source: str) -> None:
    """A definition that never ends gives None."""
    assert expand_macros(r"\a", parse_macros(source)) is None


@pytest.mark.parametrize(
    "text",
    [r"\frac{1}{2}", "x^2+1", "a_{ij} = 0", "E = mc^2", "$x$", r"f(x)=\sin x", r"\alpha", r"\(y\)"],
)
def test_alternative_text_that_is_tex_is_recognised(text: str) -> None:
    """Commands, delimiters and the build of a formula give it away."""
    assert is_tex(text)


@pytest.mark.parametrize(
    "text",
    ["", "a photo of a cat", "image_1.png", "logo", "my_photo_3", "Figure 2: the graph of f", "x"],
)
def test_other_alternative_text_is_not_taken_for_tex(text: str) -> None:
    """Sentences, file names and single words are no formulas."""
    assert not is_tex(text)


@pytest.mark.parametrize(
    ("tex", "end"),
    [
        ("{a}", 2),
        (r"{a\}{b}}c}", 7),
        ("{a}}", 2),
        (r"{a\\}", 4),
        ("{a", 2),
        (r"{a\}", 4),
        ("{\\", 2),
    ],
)
def test_a_group_ends_at_its_own_brace(tex: str, end: int) -> None:
    """Inner groups and escaped braces do not close it; what nothing closes ends with the text."""
    assert group_end(tex, 1) == end


def test_a_dollar_sign_in_text_stays_in_the_normal_form() -> None:
    r"""`\$` inside text is a sign; only a bare dollar is a delimiter there."""
    assert normal_form(r"\text{A\$B\$C}") == normal_form(r"\mathrm{A\$B\$C}")
    assert normal_form(r"\text{A\$B}").count(r"\$") == 1
