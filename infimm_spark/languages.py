"""What differs from language to language, one record each; every module takes it from here.

A language without a record is one of words: it is identified, extracted, deduplicated and judged by
the rules, and the classifiers, which learnt English and Chinese only, are a matter of configuration
(`extract.unclassified`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Language:
    """A language as the job sees it."""

    code: str
    """Its label in fastText's lid.176, as in tables and in `extract.languages`."""
    name: str
    iso639_3: str | None = None
    """Its code in Common Crawl's index, and before the `_` in labels such as ``eng_Latn``."""
    variants: tuple[str, ...] = ()
    """Other labels that count as this one."""
    units: Literal["words", "characters"] = "words"
    """What texts are split into: words between spaces, or the characters that carry meaning
    themselves."""
    repetition_ngram: int = 5
    """Units in an n-gram of `word_repetition_ratio` (OBELICS: five words)."""
    min_sentence_chars: int = 20
    """Shorter sentences repeat on good pages and are no sign of a repetitive one."""
    english_chars: int = 1
    """Characters of English that say as much as one of this language."""
    punctuation_rule: bool = False
    """Whether the paper's limit on punctuation, made for English, holds."""
    lexicon: Literal["words", "pairs"] = "words"
    """How its terms are found (`classify.lexicon`): word by word, or in pairs of characters as
    well."""

    @property
    def is_characters(self) -> bool:
        """Whether texts are cut into characters, not words."""
        return self.units == "characters"


ENGLISH = Language("en", "English", iso639_3="eng", punctuation_rule=True)
CHINESE = Language(
    "zh",
    "Chinese",
    iso639_3="zho",
    variants=("yue", "wuu", "cmn", "zh-cn", "zh-tw", "zh-hans", "zh-hant"),
    units="characters",
    repetition_ngram=10,  # about as long as five words
    min_sentence_chars=8,
    english_chars=3,
    lexicon="pairs",
)
LANGUAGES = {language.code: language for language in (ENGLISH, CHINESE)}
"""Languages that have more than the defaults, by code: the paper's two."""

_BY_LABEL = {
    label: language
    for language in LANGUAGES.values()
    for label in (language.code, *language.variants, *filter(None, [language.iso639_3]))
}
_OTHER = Language("", "")


@lru_cache(maxsize=1024)
def language_of(label: str | None) -> Language:
    """The record of a label (``en``, ``zh-TW``, ``eng_Latn``); of any other one a language of
    words."""
    name = (label or "").lower()
    known = _BY_LABEL.get(name) or _BY_LABEL.get(name.replace("_", "-").partition("-")[0])
    return known or replace(_OTHER, code=name, name=name)
