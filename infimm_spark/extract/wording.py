"""What the words of a line say of it alone."""

from __future__ import annotations

import re

# A sentence of Han characters, or of at least four words: `Rolle opposed the calculus at first.`
_A_SENTENCE = re.compile(
    r"\s*(?:(?:\S+\s+){3}.*[.!?:]|.*[\u3400-\u9fff]{6}.*[。！？：；])[\"”’»)]?\s*$", re.S
)


def ends_a_sentence(line: str) -> bool:
    """Whether a line is a sentence, by its end and its number of words."""
    return _A_SENTENCE.match(line) is not None
