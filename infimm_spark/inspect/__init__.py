"""Commands that look at a run or a page without changing it."""
