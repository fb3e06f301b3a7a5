"""Best-fit decreasing: items into bins of one capacity, the fullest bin that has room first.

As in "Fewer Truncations Improve Language Modeling" (arXiv 2404.10830): documents that fit stay
whole, and only those that are too long were cut before.
"""

from __future__ import annotations

from collections.abc import Sequence


def best_fit(
    sizes: Sequence[int], extras: Sequence[int], capacity: int, most_extra: int
) -> list[list[int]]:
    """Bins of item numbers. `sizes[i]` ≤ `capacity` is taken of a bin's capacity and `extras[i]`
    ≤ `most_extra` of its second limit.

    Items are taken from the largest to the smallest, equal ones in the order given. Time is linear
    in the items, times the number of different free sizes.
    """
    bins: list[list[int]] = []
    free_extra: list[int] = []
    by_free: dict[int, list[int]] = {}
    free_sizes = 0  # bit n is set where a bin has n free
    for item in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        size, extra = sizes[item], extras[item]
        candidates = free_sizes >> size
        free, found = size, -1
        while candidates and found < 0:
            step = (candidates & -candidates).bit_length() - 1
            free += step
            found = _taken(by_free[free], free_extra, extra)
            if found < 0:
                candidates >>= step + 1
                free += 1
        if found < 0:
            found, free = len(bins), capacity
            bins.append([])
            free_extra.append(most_extra)
        elif not by_free[free]:
            free_sizes &= ~(1 << free)
        bins[found].append(item)
        free_extra[found] -= extra
        left = free - size
        if left:
            by_free.setdefault(left, []).append(found)
            free_sizes |= 1 << left
    return bins


def _taken(bins: list[int], free_extra: list[int], extra: int) -> int:
    """The last of `bins` with room for `extra`, taken out of them; -1 if there is none."""
    for place in range(len(bins) - 1, -1, -1):
        if free_extra[bins[place]] >= extra:
            return bins.pop(place)
    return -1
