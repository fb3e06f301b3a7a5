"""One module for each way in which pages carry formulas."""
