#!/bin/bash
# Cluster init script for Databricks: installs infimm-spark beside the runtime's own packages.
# `infimm cloud databricks prepare` uploads it with the wheel's location filled in; requirements.txt
# lies beside the wheel.
set -euo pipefail

wheel=/Volumes/CATALOG/SCHEMA/VOLUME/infimm/code/WHEEL
pip=(/databricks/python/bin/python -m pip --disable-pip-version-check --quiet)

# Spark on this machine was tested with its own numpy, pandas and pyarrow: they stay.
"${pip[@]}" freeze | grep -iE '^(numpy|pandas|pyarrow|py4j|urllib3|cryptography)==' > /tmp/infimm-runtime.txt || true

"${pip[@]}" install -c /tmp/infimm-runtime.txt -r "$(dirname "$wheel")/requirements.txt"
# Without dependencies: pyspark is the runtime's.
"${pip[@]}" install --no-deps "$wheel"
