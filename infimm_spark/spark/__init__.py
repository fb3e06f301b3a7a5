"""Everything that is particular to Spark: sessions, submissions, connectors, logs and metrics."""
