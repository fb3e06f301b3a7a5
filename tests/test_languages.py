"""Languages: what each record says, and that nothing else spells them out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infimm_spark.classify.language import LanguageIdentifier, check_languages
from infimm_spark.config import BuildConfig, MinHashConfig
from infimm_spark.dedup import shingles
from infimm_spark.errors import ConfigError
from infimm_spark.languages import CHINESE, ENGLISH, LANGUAGES, language_of
from infimm_spark.rules.metrics import text_metrics

PACKAGE = Path(__file__).resolve().parents[1] / "infimm_spark"


@pytest.mark.parametrize("label", ["en", "EN", "eng_Latn", "en-GB", "eng"])
def test_labels_of_one_language(label: str) -> None:
    """Whatever the model's alphabet of labels, the record is found."""
    assert language_of(label) is ENGLISH


@pytest.mark.parametrize("label", ["zh", "zh-TW", "zh_Hans", "zho_Hans", "yue", "cmn"])
def test_written_chinese_is_one_language(label: str) -> None:
    """Variants of Chinese have its record."""
    assert language_of(label) is CHINESE


def test_another_language_is_one_of_words() -> None:
    """German has no record: words, the defaults, no lexicon of its own."""
    german = language_of("de")
    assert (german.code, german.units, german.punctuation_rule) == ("de", "words", False)
    assert language_of(None).units == "words"


def test_units_decide_on_shingles_and_repetition() -> None:
    """Words are counted in German, characters in Chinese."""
    options = MinHashConfig()
    assert shingles.tokens_of("de", options) == shingles.tokens_of("en", options) == 5
    assert shingles.tokens_of("zh", options) == 10
    said_twice = "Der Satz des Pythagoras gilt hier. " * 2
    assert text_metrics(said_twice, "de").word_repetition_ratio > 0
    assert text_metrics("勾股定理在直角三角形中成立" * 2, "zh").word_repetition_ratio > 0


def test_no_module_asks_for_a_language_by_its_code() -> None:
    """A comparison with "zh" or "en" belongs into the record."""
    compared = re.compile(r"""(?:==|!=|\bin|startswith\()\s*[({]?\s*["'](?:en|zh)["']""")
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "languages.py" and "sample" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if compared.search(line)
    ]
    assert found == []


def test_the_paper_s_languages_have_records() -> None:
    """What is extracted by default is known."""
    assert set(BuildConfig().extract.languages) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [("EN", "did you mean 'en'"), ("yue", "counts as 'zh'"), ("eng_Latn", "expected labels of:")],
)
def test_a_language_without_a_label_is_refused(wanted: str, says: str) -> None:
    """No text could have it: the run would end with an empty corpus."""
    with pytest.raises(ConfigError, match=r"extract\.languages.*no label") as caught:
        check_languages(["en", wanted], LanguageIdentifier(), "lid.176")
    assert says in str(caught.value)
    assert " de " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_languages_with_labels_pass() -> None:
    """The paper's and German."""
    check_languages(["en", "zh", "de"], LanguageIdentifier(), "lid.176")
