"""A run: its directory, stages, manifests, ledger and lock, and the commands that work on it."""
