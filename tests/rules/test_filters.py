"""The rules and their words."""

from __future__ import annotations

import pytest

from infimm_spark.config import RulesConfig
from infimm_spark.rules.filters import RULES, first_failed
from infimm_spark.rules.metrics import text_metrics

CONFIG = RulesConfig()


def judged(text: str, language: str = "en", config: RulesConfig = CONFIG) -> str | None:
    """Name of the rule that drops a text, None if all pass."""
    failed = first_failed(text, language, text_metrics(text, language), config)
    return failed and failed[0]


def test_short_lorem_ipsum_goes_long_stays() -> None:
    """Placeholder text drops a short page; a long page may quote it."""
    assert judged("Lorem Ipsum dolor sit amet") == "lorem_ipsum"
    assert judged("lorem\nipsum " + "and a long article on typography " * 100) is None


def test_punctuation_in_english_only() -> None:
    """More than three marks in ten tokens drop an English page, not a Chinese one."""
    dots = "a . b . c . d ."
    assert judged(dots) == "punctuation_ratio"
    assert judged(dots, "zh") is None


def test_punctuation_at_the_limit_stays() -> None:
    """A ratio of exactly 0.3 is not above it."""
    assert judged("one two three four five six seven . . .") is None


def test_scores_are_the_deciding_values() -> None:
    """What is reported is the value compared, so that a threshold can be chosen from the
    rejects."""
    text = "a . b . c . d ."
    metrics = text_metrics(text, "en")
    assert first_failed(text, "en", metrics, CONFIG) == ("punctuation_ratio", 0.5)
    text = "porn and more porn"
    assert first_failed(text, "en", text_metrics(text, "en"), CONFIG) == ("nsfw", 2.0)


def test_a_page_is_counted_under_its_first_failure() -> None:
    """The order of the table decides the reason when several rules fail."""
    assert [rule.name for rule in RULES] == [
        "lorem_ipsum",
        "punctuation_ratio",
        "nsfw",
        "unicode_error",
        "repetition",
    ]
    assert judged("lorem ipsum porn \ufffd . . . .") == "lorem_ipsum"
    assert judged("porn and \ufffd") == "nsfw"


def test_configuration_decides() -> None:
    """Each rule gives way to its key."""
    assert judged("one porn", config=RulesConfig(max_nsfw_words=1)) is None
    assert judged("one \ufffd", config=RulesConfig(drop_unicode_errors=False)) is None
    assert judged("lorem ipsum", config=RulesConfig(lorem_ipsum_max_chars=0)) is None
    assert judged("a . b .", config=RulesConfig(max_punctuation_ratio=0.5)) is None


@pytest.mark.parametrize(
    "text",
    [
        "J. Math. Anal. Appl. 12 (1965)",
        "harmonic analysis, the analyst's canal",
        "cum. freq. and cum laude",
        "chapter XXX, section xxx",
        "the sex ratio at birth; Tits groups and the Tits alternative",
        "hard-core model and a vibrator with two masses; pegging the currency",
        "Cox regression, Dick's theorem, Cockcroft, a cocktail, Scunthorpe, Essex, Middlesex",
        "assessing assets, classes of Grasse, \\cumsum, titration",
        "a naked singularity, bare-bones proof, breast cancer prior, virgin soil, Bayesian "
        "prostitute",
    ],
)
def test_english_false_friends(text: str) -> None:
    """Words of mathematics, journals and names that resemble flagged words do not count."""
    assert text_metrics(text, "en").nsfw_num_words == 0


@pytest.mark.parametrize(
    "text",
    [
        "求幂级数的收敛半径，强迫振动的解",
        "线性交换环上的内射模",
        "接口交换机的吞吐量",
        "成人电影票30元，儿童电影票15元",
        "校长亲自慰问了老师",
        "数学爱好者都在做爱好的题",
        "无码率失真与有码率失真",
        "援交通工程师",
    ],
)
def test_chinese_false_friends(text: str) -> None:
    """Chinese terms that contain flagged characters across a word boundary do not count."""
    assert text_metrics(text, "zh").nsfw_num_words == 0


@pytest.mark.parametrize(
    ("text", "language"),
    [("Free PORN videos", "en"), ("watch Milfs; now", "en"), ("免费成人视频在线", "zh")],
)
def test_nsfw_pages_go(text: str, language: str) -> None:
    """Flagged words are found in any letter case, and in Chinese without word boundaries."""
    assert judged(text, language) == "nsfw"
