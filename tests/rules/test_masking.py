"""Masking of e-mail addresses and telephone numbers."""

from __future__ import annotations

import pytest

from infimm_spark.rules.masking import masked


@pytest.mark.parametrize(
    ("text", "expected", "emails", "phones"),
    [
        ("Write to a.b+c@math.example.edu.", "Write to [email].", 1, 0),
        ("联系：zhang_san@163.com，谢谢", "联系：[email]，谢谢", 1, 0),
        ("Call +49 89 1234567 or (555) 234-5678.", "Call [phone] or [phone].", 0, 2),
        ("电话：010-12345678", "电话：[phone]", 0, 1),
        ("手机：13800138000", "手机：[phone]", 0, 1),
        ("Tel. 089 123 4567, room 5", "Tel. [phone], room 5", 0, 1),
        ("x@example.org, y@example.org", "[email], [email]", 2, 0),
    ],
)
def test_addresses_and_numbers_are_masked(
    text: str, expected: str, emails: int, phones: int
) -> None:
    """Each is replaced by a word and counted; what stands around it stays."""
    assert masked(text, ["email", "phone"]) == (expected, {"email": emails, "phone": phones})


@pytest.mark.parametrize(
    "text",
    [
        "The product A@B.dot(C) and @property stay",
        "The integer 13800138000 is even",
        "$1234-567-8901 + x$ and $$a@b.com$$",
        "234 + 567 - 8910 = -8109",
        "from 1990-1995, pages 100-234, 3.14159-2.71828",
        "2023-11-28 12:30:00 and 10.1145/3292500.3330919",
        "1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144",
        "hotel 1234567890",
        "ISBN 978-3-16-148410-0",
    ],
)
def test_mathematics_is_not_masked(text: str) -> None:
    """Numbers, formulas, code, dates and identifiers stay as they are."""
    assert masked(text, ["email", "phone"]) == (text, {"email": 0, "phone": 0})


def test_only_what_was_asked_for() -> None:
    """A kind that is not named stays and is not counted."""
    text = "x@example.org, +49 89 1234567"
    assert masked(text, ["phone"]) == ("x@example.org, [phone]", {"phone": 1})


def test_time_is_linear() -> None:
    """Texts of one repeated character or fragment are read once."""
    for fragment in ("1", "1-", "a@", "a.", "+1 ", "@a."):
        masked(fragment * 100_000, ["email", "phone"])
