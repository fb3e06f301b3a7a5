"""Fill what best-fit left free: the emptiest sequences are dealt out to the gaps of the others.

Where most documents are longer than half a sequence, no two fit together and best-fit leaves gaps.
Then, and only until the sequences are full enough, documents that would fit are cut, at the best
place that completes a gap.
"""

from __future__ import annotations

from infimm_spark.packing.pieces import WORD, Part, best_cut

_LEAST_GAP = 0.02  # of a sequence: smaller gaps are left


def topped_up(
    sequences: list[list[Part]], length: int, max_images: int, least_fill: float
) -> list[list[Part]]:
    """The same tokens in no more sequences, of which `least_fill` is no padding if that can be
    reached."""
    filling = _Filling(sequences, length, max_images)
    waiting = sorted(range(len(sequences)), key=lambda number: filling.loads[number])
    total = sum(filling.loads)
    left = len(sequences)
    for number in waiting:
        if left <= 1 or total >= least_fill * length * left:
            break
        if filling.deal_out(number):
            left -= 1
    return [sequence for sequence in filling.sequences if sequence]


class _Filling:
    """Sequences, and how much of each is taken."""

    def __init__(self, sequences: list[list[Part]], length: int, max_images: int) -> None:
        self.sequences = [list(sequence) for sequence in sequences]
        self._length, self._max_images = length, max_images
        self.loads = [sum(part.tokens for part in sequence) for sequence in sequences]
        self._images = [sum(len(part.span.images) for part in sequence) for sequence in sequences]

    def deal_out(self, number: int) -> bool:
        """Move the parts of a sequence to the gaps of others; whether all of it is gone."""
        least = max(1, int(_LEAST_GAP * self._length))
        gaps = [
            other
            for other, load in enumerate(self.loads)
            if other != number and self.sequences[other] and self._length - load >= least
        ]
        gaps.sort(key=lambda other: (self.loads[other], other))
        room = sum(self._length - self.loads[other] for other in gaps)
        if room < self.loads[number]:
            return False
        staying: list[Part] = []
        for part in self.sequences[number]:
            rest: Part | None = part
            for other in gaps:
                if rest is None:
                    break
                rest = self._moved(rest, other)
            if rest is not None:
                staying.append(rest)
        self.sequences[number] = staying
        self.loads[number] = sum(part.tokens for part in staying)
        self._images[number] = sum(len(part.span.images) for part in staying)
        return not staying

    def _moved(self, part: Part, other: int) -> Part | None:
        """Put the part, or its beginning, into the gap of `other`; what is left of it."""
        free = self._length - self.loads[other]
        if free < 1:
            return part
        head, rest = part, None
        if part.tokens > free:
            first = part.span.first
            place = best_cut(part.document.cuts, first, first + free, free)
            if place == first or part.document.cuts[place] < WORD:
                return part
            head, rest = part.split(place)
        if self._images[other] + len(head.span.images) > self._max_images:
            return part
        self.sequences[other].append(head)
        self.loads[other] += head.tokens
        self._images[other] += len(head.span.images)
        return rest
