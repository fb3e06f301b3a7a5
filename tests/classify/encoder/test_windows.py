"""Which passages of a text an encoder sees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.classify.encoder.windows import windows


def test_a_short_text_is_one_window() -> None:
    """A text of one window is read whole."""
    assert windows("A short text.", "en", 3, 320) == ["A short text."]


def test_windows_are_spread_over_the_text() -> None:
    """A long text gives all windows, the first at its head, each beginning at a word."""
    text = " ".join(f"word{number:04d}" for number in range(2_000))
    found = windows(text, "en", 3, 90)
    assert len(found) == 3
    assert found[0].startswith("word0000")
    assert all(window.startswith("word") for window in found)
    assert [int(window[4:8]) for window in found[1:]] == [667, 1334]


def test_a_long_formula_is_shortened() -> None:
    """The TeX of one formula does not fill a window."""
    text = "Before $" + "x = " * 60 + "y$ after."
    assert windows(text, "en", 1, 320)[0].endswith("… after.")


def test_a_chinese_window_has_fewer_characters() -> None:
    """A Chinese character says as much as three English ones."""
    assert len(windows("数学" * 500, "zh", 2, 300)[0]) == 100


@given(st.text(max_size=300), st.integers(1, 4))
def test_any_text_can_be_encoded(text: str, count: int) -> None:
    """Windows are UTF-8 without NUL, at most as many as asked for, none of them empty."""
    for window in windows(text + "\ud800\0", "en", count, 50):
        assert window.encode()
        assert "\0" not in window
    assert len(windows(text, "en", count, 50)) <= count
