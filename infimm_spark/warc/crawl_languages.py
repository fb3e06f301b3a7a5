"""Languages that a crawl's own `metadata` records name, paired with the responses they describe.

Since CC-MAIN-2018-34 Common Crawl writes, beside each response, what CLD2 found in its HTML:

    languages-cld2: {"reliable":true,"text-bytes":5461,"languages":
      [{"code":"ja","code-iso-639-3":"jpn","text-covered":0.97,"score":2057.0,"name":"Japanese"}]}

A page that is reliably in other languages need not be decoded and parsed to be dropped: most such
pages have a few words of English in their menus, hence a small share of a wanted language is
passed over. Where the record is absent, empty or in doubt, the page is read as usual.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infimm_spark.languages import language_of
from infimm_spark.warc.items import Failed, Item, Record

_LANGUAGES = re.compile(rb"^languages-cld2[ \t]*:[ \t]*(\{[^\n]*\})", re.MULTILINE | re.IGNORECASE)
_LOOK_AHEAD = 4  # records that a response may wait for its metadata
_LEAST_BYTES = 400  # of text that CLD2 looked at: what it says of less is a guess
_LEAST_OTHERS = 0.7  # of that text in languages that are not wanted
_MOST_WANTED = 0.2  # and in those that are

# CLD2 tells these from each other poorly, or names them otherwise than lid.176 does.
_ALIKE = (
    frozenset({"sr", "hr", "bs", "sh"}),
    frozenset({"no", "nb", "nn", "da"}),
    frozenset({"id", "ms", "jv", "jw", "su", "min"}),
    frozenset({"he", "iw", "yi"}),
    frozenset({"tl", "fil", "ceb", "war", "ilo", "pam"}),
    frozenset({"pt", "gl"}),
    frozenset({"cs", "sk"}),
    frozenset({"az", "tr", "azb"}),
    frozenset({"hi", "mr", "ne", "bh", "sa", "mai", "gom"}),
    frozenset({"uk", "be", "ru", "bg", "mk"}),
    frozenset({"ku", "ckb"}),
    frozenset({"ro", "mo"}),
)


@dataclass(frozen=True, slots=True)
class CrawlLanguages:
    """Decides by a metadata record whether a page has none of the wanted languages.

    `wanted` holds language codes as in `extract.languages`, and those that CLD2 takes them for.
    """

    wanted: frozenset[str]

    @classmethod
    def of(cls, languages: Iterable[str]) -> CrawlLanguages:
        """For pages in `languages`, labels of the language model (``en``, ``zh``)."""
        wanted = {language_of(label).code for label in languages}
        for group in _ALIKE:
            if wanted & group:
                wanted |= group
        return cls(frozenset(wanted))

    def only_others(self, block: bytes) -> dict[str, float] | None:
        """The languages that a `warc-fields` block names, code to share of the text, where the page
        is surely in others than those wanted; None for any other block."""
        match = _LANGUAGES.search(block)
        if match is None or len(match[1]) < 20:  # `{}` is what the crawler writes in doubt
            return None
        try:
            found = json.loads(match[1])
            languages = found["languages"]
            if found["reliable"] is not True or found["text-bytes"] < _LEAST_BYTES:
                return None
            shares = {str(one["code"]): float(one["text-covered"]) for one in languages}
        except (ValueError, KeyError, TypeError):
            return None
        wanted = sum(share for code, share in shares.items() if self._may_be_wanted(code))
        if wanted > _MOST_WANTED or sum(shares.values()) - wanted < _LEAST_OTHERS:
            return None
        return shares

    def _may_be_wanted(self, code: str) -> bool:
        plain = code.partition("-")[0]
        return plain == "un" or plain in self.wanted or language_of(code).code in self.wanted


def without_other_languages(
    records: Iterable[Record | Failed], languages: CrawlLanguages
) -> Iterator[Item]:
    """The items of `records`, in order; pages in other languages are `Skipped` unread.

    A metadata record belongs to a response of the same URL which it names, or which stands next to
    it where it names none; it may come before or after. A response waits for it over a few records
    at most, and one that finds none is read.
    """
    waiting: deque[Record] = deque()  # a response, and what came behind it
    before: Record | None = None  # a metadata record whose response may follow
    for record in records:
        kind = record.kind if isinstance(record, Record) else None
        if isinstance(record, Record) and kind == "metadata" and waiting:
            if _describes(record, waiting[0]):
                yield waiting.popleft().item(languages.only_others(record.block))
                before = None
            else:
                before = record
            yield from (one.item() for one in waiting)
            waiting.clear()
            yield record.item()
        elif isinstance(record, Record) and kind == "response":
            yield from (one.item() for one in waiting)
            waiting.clear()
            if before is not None and _describes(before, record):
                yield record.item(languages.only_others(before.block))
            else:
                waiting.append(record)
            before = None
        elif isinstance(record, Record) and waiting and len(waiting) < _LOOK_AHEAD:
            waiting.append(record)
        else:
            yield from (one.item() for one in waiting)
            waiting.clear()
            if isinstance(record, Record):
                before = record if kind == "metadata" else before
                yield record.item()
            else:
                before = None
                yield record
    yield from (one.item() for one in waiting)


def _describes(metadata: Record, response: Record) -> bool:
    if metadata.url is None or metadata.url != response.url:
        return False
    named = metadata.folded.get("warc-concurrent-to") or metadata.folded.get("warc-refers-to")
    return named is None or named in (
        response.folded.get("warc-record-id"),
        response.folded.get("warc-concurrent-to"),
    )
