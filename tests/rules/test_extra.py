"""Filter rules of the user's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infimm_spark import usercode
from infimm_spark.config import RulesConfig
from infimm_spark.errors import ConfigError, InfimmError
from infimm_spark.rules import extra
from infimm_spark.rules.filters import failed_rule
from infimm_spark.rules.metrics import text_metrics


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the Python path whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    usercode.load.cache_clear()
    extra._loaded.cache_clear()


RULES = """
def too_short(text, metrics):
    return "too_short" if metrics.size < 20 else None

def shouting(text, metrics):
    return "shouting" if text.isupper() else None

def broken(text, metrics):
    raise ValueError("no such thing")

def numbers(text, metrics):
    return 3
"""


def judged(text: str, *names: str) -> tuple[str, float | None] | None:
    config = RulesConfig(extra=[f"my_rules:{name}" for name in names])
    return failed_rule(text, "en", text_metrics(text, "en"), None, config)


def test_the_first_reason_counts(modules: Path) -> None:
    """Rules are asked in order; None keeps a text."""
    (modules / "my_rules.py").write_text(RULES)
    assert judged("NO", "too_short", "shouting") == ("too_short", None)
    assert judged("NO", "shouting", "too_short") == ("shouting", None)
    assert judged("A quiet and long enough sentence", "too_short", "shouting") is None


def test_built_in_rules_come_first(modules: Path) -> None:
    """A text that both drop is counted under the built-in rule."""
    (modules / "my_rules.py").write_text(RULES)
    assert judged("lorem ipsum", "too_short") == ("lorem_ipsum", 11.0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("broken", "my_rules:broken raised ValueError: no such thing"),
        ("numbers", "my_rules:numbers returned 3; expected None"),
        ("missing", "module my_rules has no function 'missing'"),
    ],
)
def test_a_rule_that_is_none_is_one_line(modules: Path, name: str, says: str) -> None:
    """Whatever is wrong with it, the message names the rule and what was expected."""
    (modules / "my_rules.py").write_text(RULES)
    with pytest.raises(ConfigError) as caught:
        judged("text", name)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_there(modules: Path) -> None:
    """The message says where it is looked for."""
    with pytest.raises(ConfigError, match=r"rules\.extra: 'nowhere:x'.*--py-files"):
        usercode.load("nowhere:x", extra.KEY)


def test_a_name_without_a_function_is_refused() -> None:
    """`module` alone is no rule."""
    with pytest.raises(ValueError, match="extra"):
        RulesConfig(extra=["my_rules"])


def test_the_digest_follows_the_source(modules: Path) -> None:
    """The source of a module, and every file of a package, make its identity."""
    (modules / "my_rules.py").write_text(RULES)
    (modules / "company").mkdir()
    (modules / "company" / "__init__.py").write_text("from company.rules import keep\n")
    (modules / "company" / "rules.py").write_text("def keep(text, metrics): return None\n")
    before = [usercode.source_digest(n, "k") for n in ("my_rules:too_short", "company:keep")]
    assert before == [usercode.source_digest(n, "k") for n in ("my_rules:broken", "company:keep")]
    (modules / "my_rules.py").write_text(RULES + "\n# changed\n")
    (modules / "company" / "rules.py").write_text("def keep(text, metrics): return 'no'\n")
    after = [usercode.source_digest(n, "k") for n in ("my_rules:too_short", "company:keep")]
    assert not set(before) & set(after)


def test_a_built_in_module_has_no_source() -> None:
    """What cannot be named by its source cannot be resumed: it is refused."""
    with pytest.raises(InfimmError, match="source"):
        usercode.source_digest("math:sqrt", "k")
