"""Images of the corpus: which are worth having, fetching them, and finding their bytes again."""
