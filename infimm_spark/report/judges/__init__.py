"""Judges of quality side by side: what each would keep of the same documents of a run."""
