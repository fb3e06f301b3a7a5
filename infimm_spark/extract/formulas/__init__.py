"""Mathematics out of HTML: which elements hold a formula, and what becomes of it."""
