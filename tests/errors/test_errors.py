"""Errors say what they mean, and scripts can tell them apart by exit code."""

from __future__ import annotations

from collections import Counter

from infimm_spark import errors


def test_each_error_has_a_meaning_and_an_exit_code_of_its_own() -> None:
    """No two classes end a command in the same way, and each says in a sentence what happened."""
    listed = errors.exit_codes()
    assert max(Counter(code for code, _, _ in listed).values()) == 1
    assert all(0 <= code < 128 or code in (130, 143) for code, _, _ in listed)
    for _, name, meaning in listed:
        assert meaning.endswith("."), name
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.InfimmError)
    }
    assert {name for _, name, _ in listed if name} == defined - {"InfimmError"}


def test_the_tree_that_opens_the_module_is_the_classes() -> None:
    """Each class stands in the drawing with its own code."""
    drawing = errors.__doc__ or ""
    for code, name, _ in errors.exit_codes():
        if name:
            (line,) = [line for line in drawing.splitlines() if f" {name} " in line]
            assert f" {code} " in line
