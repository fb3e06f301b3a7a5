"""Which elements bear a formula: dispatch by tag, class and attribute to the carrier that reads
it."""

from __future__ import annotations

import re
from functools import lru_cache

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.carriers import CARRIERS, CUSTOM_TAG, Reader
from infimm_spark.extract.formulas.readers import attributes
from infimm_spark.extract.formulas.sources import Attributes, PageState

TAGS: dict[str, Reader] = {
    name: carrier.reader for carrier in CARRIERS if carrier.reader for name in carrier.tags
}
CLASSES: dict[str, Reader] = {
    name: carrier.reader for carrier in CARRIERS if carrier.reader for name in carrier.classes
}
ATTRIBUTES: dict[str, Reader] = {
    name: carrier.reader for carrier in CARRIERS if carrier.reader for name in carrier.attributes
}

_CUSTOM_TAG = re.compile(CUSTOM_TAG)
_ATTRIBUTE_NAMES = frozenset(ATTRIBUTES)


@lru_cache(maxsize=16_384)
def readers_of(classes: str) -> tuple[Reader, ...]:
    """The readers of a class attribute; cached, since a page repeats few attributes many times."""
    return tuple(CLASSES[name] for name in classes.split() if name in CLASSES)


@lru_cache(maxsize=1_024)
def custom_reader(tag: str) -> Reader | None:
    """The reader of a custom element (its name has a hyphen) that is named after mathematics."""
    return attributes.read_custom if _CUSTOM_TAG.fullmatch(tag) else None


def read_element(node: LexborNode, tag: str, attrs: Attributes, page: PageState) -> str | None:
    """The text that replaces a formula-bearing element, or None for any other element."""
    reader = TAGS.get(tag) or (custom_reader(tag) if "-" in tag else None)
    if reader is not None:
        replacement = reader(node, attrs, page)
        if replacement is not None:
            return replacement
    classes = attrs.get("class")
    if classes:
        for reader in readers_of(classes):
            replacement = reader(node, attrs, page)
            if replacement is not None:
                return replacement
    if not _ATTRIBUTE_NAMES.isdisjoint(attrs):
        for name in attrs:
            reader = ATTRIBUTES.get(name)
            if reader is not None:
                replacement = reader(node, attrs, page)
                if replacement is not None:
                    return replacement
    if page.traits.rendered:
        return attributes.read_rendered(attrs, page)
    return None
