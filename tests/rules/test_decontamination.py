"""Evaluation questions are found in texts however they are written, and nothing else is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.config import DecontaminateConfig, EvaluationSet
from infimm_spark.errors import ConfigError, InputError
from infimm_spark.rules.decontamination import Question, QuestionIndex, best_alignment
from infimm_spark.rules.evaluation_sets import PRESETS, load_questions, questions_digest
from infimm_spark.rules.units import units, units_with_places

CONFIG = DecontaminateConfig()
TANK = Question(
    "sums",
    3,
    "A tank holds 240 litres of water. A pump fills it at $2$ litres a minute and a hole loses "
    "half a litre a minute. After how many minutes is the tank full, if it was empty at first?",
)
SERIES = Question(
    "series",
    0,
    r"Let $f(x) = \frac{1}{2} x^{2} + 3x$ for all real $x \le 7$. Find the sum of the values of "
    r"$f(n)$ over the integers $n$ from $1$ to $6$, and show that it is no prime.",
)
CLOCK = Question("sums", 9, "How long do two equally long candles burn together?")
WELL = Question("题", 1, "一口井深18米，一只蜗牛白天爬上3米，夜里滑下1米，第几天爬出井口？")
INDEX = QuestionIndex([TANK, SERIES, CLOCK, WELL], CONFIG)
BEFORE = "Exercises of this chapter are sorted by their difficulty, the easy ones first.\n\n"
AFTER = "\n\nSolutions stand at the end of the book; try each of them before you turn there."


def found(text: str, index: QuestionIndex = INDEX) -> list[tuple[str, int]]:
    """Set and number of the questions in a text, between other sentences."""
    matches = index.matches(BEFORE + text + AFTER)
    return [(match.question.set, match.question.number) for match in matches]


@pytest.mark.parametrize("question", [TANK, SERIES, CLOCK, WELL])
def test_a_question_is_found_where_it_stands(question: Question) -> None:
    """The evidence is the question's own characters, all of it."""
    text = BEFORE + question.text + AFTER
    (match,) = INDEX.matches(text)
    assert match.question == question
    assert match.share == 1.0
    assert text[match.start : match.end].strip("$.?？ ") == question.text.strip("$.?？ ")


@pytest.mark.parametrize(
    "text",
    [
        TANK.text.upper(),
        TANK.text.replace(" ", "\n"),
        TANK.text.replace(",", " —").replace(".", "!"),
        TANK.text.replace("240", "２４０").replace("$2$", "2"),
    ],
)
def test_case_width_and_punctuation_do_not_count(text: str) -> None:
    """What typing changes leaves the question what it is."""
    assert found(text) == [("sums", 3)]


@pytest.mark.parametrize(
    "formula",
    [
        r"$$f(x)=\dfrac12x^2+3x$$",
        r"$f \left( x \right) = \tfrac{1}{2}\,x^2 + 3x$",
        "f(x) = 1/2 x² + 3x",
    ],
)
def test_formulas_are_compared_by_what_they_say(formula: str) -> None:
    """Another spelling of the formula is the same formula, in TeX or in plain text."""
    text = SERIES.text.replace(r"$f(x) = \frac{1}{2} x^{2} + 3x$", formula)
    text = text.replace(r"\le", r"\leqslant")
    assert text != SERIES.text
    (match,) = INDEX.matches(BEFORE + text + AFTER)
    assert match.share == 1.0


def test_a_changed_question_is_found_by_its_share() -> None:
    """Two words changed lower the share; a threshold above it lets the text pass."""
    text = TANK.text.replace("water", "oil").replace("empty", "dry")
    (match,) = INDEX.matches(text)
    assert 0.9 < match.share < 1
    strict = QuestionIndex([TANK], CONFIG.replaced(threshold=0.99))
    assert strict.matches(text) == []


def test_a_part_of_a_question_is_not_the_question() -> None:
    """A run of words in common is a reason to look; less than the share is none to drop."""
    part = TANK.text[: len(TANK.text) // 2]
    assert found(part) == []
    assert found(WELL.text[:12]) == []


def test_short_questions_are_looked_for_as_a_whole() -> None:
    """One word else and a short question is another; one that is too short is not looked for."""
    assert found(CLOCK.text.replace("candles", "matches")) == []
    tiny = Question("sums", 1, "What is 2 plus 3?")
    symbols = Question("sums", 2, "x = 1, y = 2, z = 3, a = 4, b = 5")
    index = QuestionIndex([tiny, symbols], CONFIG)
    assert [question.number for question in index.too_short] == [1, 2]
    assert found(f"{tiny.text} {symbols.text}", index) == []


def test_prices_are_no_formulas() -> None:
    """Dollars before amounts do not swallow the words between them."""
    shop = Question(
        "shop",
        0,
        "A farmer sells eggs for $2 each. How much does he earn in a week if he pays $15 for feed "
        "and sells nine eggs every day?",
    )
    index = QuestionIndex([shop], CONFIG)
    assert found(shop.text, index) == [("shop", 0)]
    assert found(shop.text.replace("$", r"\$"), index) == [("shop", 0)]


def test_traditional_chinese_is_compared_by_option() -> None:
    """With the option a traditional text contains the simplified question; without it does not."""
    pytest.importorskip("opencc")
    traditional = "一口井深18米，一隻蝸牛白天爬上3米，夜裡滑下1米，第幾天爬出井口？"
    assert found(traditional) == []
    index = QuestionIndex([WELL], CONFIG.replaced(simplify_chinese=True))
    assert found(traditional, index) == [("题", 1)]


@given(st.text(st.sampled_from("ab １2,.$\\{}^_井深x²Ａé\n"), max_size=80))
def test_units_have_places(text: str) -> None:
    """With and without places the units are the same, in order, inside the text."""
    placed = units_with_places(text)
    assert [unit for unit, _, _ in placed] == units(text)
    assert all(0 <= start < end <= len(text) for _, start, end in placed)
    starts = [start for _, start, _ in placed]
    assert starts == sorted(starts)


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20),
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60),
    st.data(),
)
def test_an_alignment_is_a_common_subsequence(
    question: list[str], words: list[str], data: st.DataObject
) -> None:
    """The share lies in 0 … 1 and the span in the text, wherever the search begins."""
    place = data.draw(st.integers(0, len(words) - 1))
    best = best_alignment(question, words, [place])
    if best is None:
        assert words[place] not in question
        return
    share, first, last, longest = best
    assert 0 < share <= 1
    assert 0 <= first < last <= len(words)
    assert 1 <= longest <= round(share * len(question))


# -- sets ------------------------------------------------------------------------------------------


def jsonl(path: Path, rows: list[dict[str, Any]]) -> str:
    """A file of JSON lines."""
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return str(path)


def loaded(**entry: Any) -> list[Question]:
    """The questions of one set."""
    return load_questions(DecontaminateConfig(sets=[EvaluationSet(**entry)]))


def test_a_set_is_read_from_its_columns(tmp_path: Path) -> None:
    """JSON lines, compressed or not, and Parquet give the same questions, in order."""
    rows = [{"a": "How many", "b": "eggs?"}, {"a": "How much", "b": None}]
    expected = [Question("eggs", 0, "How many\neggs?"), Question("eggs", 1, "How much")]
    plain = jsonl(tmp_path / "eggs.jsonl", rows)
    packed = jsonl(tmp_path / "eggs.jsonl.gz", rows)
    table = str(tmp_path / "eggs.parquet")
    pq.write_table(pa.Table.from_pylist(rows), table)
    for path in (plain, packed, table):
        assert loaded(path=path, columns=["a", "b"]) == expected
    other = loaded(path=plain, columns=["a"], name="other")
    assert {question.set for question in other} == {"other"}
    assert questions_digest(expected) != questions_digest(other)


@pytest.mark.parametrize(
    ("preset", "row"),
    [
        ("gsm8k", {"question": "Q", "answer": "A"}),
        ("math", {"problem": "Q", "solution": "A"}),
        ("mmlu-stem", {"question": "Q", "answer": 1}),
        ("mathverse", {"question": "Q", "image": None}),
        ("we-math", {"question": "Q", "answer": "A"}),
        ("cmath", {"question": "Q", "golden": "A"}),
        ("gaokao", {"passage": None, "question": "Q", "label": "A"}),
        (
            "mgsm-zh",
            {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]},
        ),
    ],
)
def test_presets_know_the_fields(preset: Any, row: dict[str, Any], tmp_path: Path) -> None:
    """A published set needs no columns; the answer is never part of a question."""
    path = jsonl(tmp_path / "set.jsonl", [row])
    assert loaded(path=path, preset=preset) == [Question(preset, 0, "Q")]
    assert preset in PRESETS


def test_choices_complete_a_question_that_is_too_short(tmp_path: Path) -> None:
    """A short question is looked for together with its choices, a long one alone."""
    choices = ["a body cavity with lungs", "a body cavity with a heart", "none of the two"]
    rows = [
        {"question": "Which is it?", "choices": choices},
        {"question": TANK.text, "choices": choices},
    ]
    short, long = loaded(path=jsonl(tmp_path / "set.jsonl", rows), preset="mmlu-stem")
    assert short.text == "\n".join(["Which is it?", *choices])
    assert long.text == TANK.text


@pytest.mark.parametrize(
    ("content", "entry", "error", "said"),
    [
        (b'{"a": "x"}', {"columns": ["b"]}, ConfigError, "has no column 'b'; expected one of a"),
        (
            b'{"a": "x"}',
            {"preset": "gsm8k"},
            ConfigError,
            "no column question, as gsm8k has; found a",
        ),
        (b'{"a": "x"}', {}, ConfigError, "expected a preset"),
        (b'{"a": "x"}\nno json', {"columns": ["a"]}, InputError, "line 2 is not a JSON object"),
        (b"", {"columns": ["a"]}, InputError, "holds no question"),
    ],
)
def test_a_set_that_is_none_is_one_line(
    content: bytes, entry: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    """The line names the set, its file, and what was expected."""
    path = tmp_path / "eggs.jsonl"
    path.write_bytes(content)
    with pytest.raises(error, match=said) as raised:
        loaded(path=str(path), **entry)
    assert "decontaminate.sets: " in str(raised.value)
    assert "eggs.jsonl" in str(raised.value)


@pytest.mark.parametrize("name", ["absent.jsonl", "broken.parquet", "broken.jsonl.gz"])
def test_a_file_that_cannot_be_read_is_one_line(name: str, tmp_path: Path) -> None:
    """A missing file, and one that is not what its name says."""
    if "broken" in name:
        (tmp_path / name).write_bytes(b"none of it")
    with pytest.raises(InputError, match=r"decontaminate\.sets: .* (does not exist|is not)"):
        loaded(path=str(tmp_path / name), columns=["a"])
