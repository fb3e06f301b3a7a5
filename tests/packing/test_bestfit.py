"""Best-fit decreasing: every item once, no bin over its limits, few bins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.packing.bestfit import best_fit

ITEMS = st.lists(st.tuples(st.integers(1, 100), st.integers(0, 4)), max_size=200)


@given(ITEMS)
def test_every_item_is_in_one_bin_within_both_limits(items: list[tuple[int, int]]) -> None:
    """Sizes sum to the capacity at most, and so do extras."""
    sizes, extras = [size for size, _ in items], [extra for _, extra in items]
    bins = best_fit(sizes, extras, 100, 4)
    assert sorted(item for found in bins for item in found) == list(range(len(items)))
    for found in bins:
        assert sum(sizes[item] for item in found) <= 100
        assert sum(extras[item] for item in found) <= 4


@given(st.lists(st.integers(1, 100), min_size=1, max_size=200))
def test_no_two_bins_could_be_one(sizes: list[int]) -> None:
    """Without extras at most one bin is half empty, and the bound of best-fit decreasing holds."""
    bins = best_fit(sizes, [0] * len(sizes), 100, 0)
    loads = [sum(sizes[item] for item in found) for found in bins]
    assert sum(load <= 50 for load in loads) <= 1
    assert len(bins) <= 11 / 9 * -(-sum(sizes) // 100) + 1 or min(loads) > 33


def test_the_fullest_bin_with_room_is_taken() -> None:
    """A piece of 20 completes the bin of 80, not that of 70."""
    assert best_fit([80, 70, 20], [0, 0, 0], 100, 0) == [[0, 2], [1]]


def test_a_bin_whose_images_are_full_is_passed_over() -> None:
    """The second limit sends the item to the next fullest bin."""
    assert best_fit([80, 70, 20], [2, 0, 1], 100, 2) == [[0], [1, 2]]
