"""WARC files to pages: listings, records, HTTP messages and character sets. No Spark."""
