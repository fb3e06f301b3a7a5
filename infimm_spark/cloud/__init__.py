"""Managed platforms, from an empty account to a corpus: prepare, submit, watch, stop.

One module for each platform builds its requests as plain dictionaries; `api.py` sends them, or
writes them to files in a dry run. Nothing here runs inside a Spark job, and `spark/`, which does,
knows nothing of accounts and roles.
"""
