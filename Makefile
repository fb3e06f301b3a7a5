# VENV, PYTHON and OUT may be set on the command line.

VENV ?= .venv
OUT ?= out
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# Containers often set it, and then every process of the tests compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install doctor run test lint test-slow fixtures clean jars minio cluster archive test-cluster test-versions

## help: list the targets
help:
	@awk '/^## / { line = substr($$0, 4); at = index(line, ": "); \
		printf "make %-16s %s\n", substr(line, 1, at - 1), substr(line, at + 2) }' $(MAKEFILE_LIST)

## install: environment in .venv with everything the tests need
install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml conf/constraints.txt
	@test -n "$(PYTHON)" || { echo "infimm-spark needs Python >= 3.11: none found on the PATH (set PYTHON=...)" >&2; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c conf/constraints.txt -e '.[dev]'
	@touch $@

## doctor: say what a build needs and which Java it uses
doctor: install
	@$(BIN)/infimm doctor

## run: a whole run on the sample crawl of the package, into out/
run: doctor
	@rm -rf $(OUT)/sample-crawl $(OUT)/sample-run
	$(BIN)/infimm sample $(OUT)/sample-crawl
	$(BIN)/infimm build --config local --input $(OUT)/sample-crawl --output $(OUT)/sample-run

## lint: ruff, mypy and the import contracts
lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Two lanes side by side, of about the same length: Spark tests wait as much as they work. Each lane
# is printed when it ends.
## test: linters, types and every test that is not slow
test: lint doctor
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-spark test-others

.PHONY: test-spark test-others
SPARK_TESTS := tests/spark tests/stages tests/docs tests/s3 tests/cluster
test-spark:
	$(BIN)/python -m pytest -m "not slow" $(SPARK_TESTS)

test-others:
	$(BIN)/python -m pytest -m "not slow" tests $(addprefix --ignore ,$(SPARK_TESTS))

.PHONY: reference docs
## reference: write docs/pages/reference from the models, schemas and errors
reference: install
	$(BIN)/python docs/generate.py

## docs: build the documentation into out/docs; a broken link fails
docs: install
	@$(BIN)/python -c 'import mkdocs' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c conf/constraints.txt -e '.[docs]'
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file docs/mkdocs.yml

.PHONY: screenshots
## screenshots: pictures of the sample run's report for the docs (needs Chromium and `make run` before)
screenshots: install
	@test -f $(OUT)/sample-run/run.json || { echo "no sample run in $(OUT)/sample-run: make run" >&2; exit 3; }
	$(BIN)/python docs/screenshots.py $(OUT)/sample-run

# FUZZ_INPUTS and FUZZ_SEED may be set; a failure names the seed of its input.
.PHONY: fuzz
## fuzz: many more hostile inputs than `make test` tries, and new examples of every property
fuzz: doctor
	FUZZ_INPUTS=$${FUZZ_INPUTS:-20000} $(BIN)/python -m pytest tests/fuzz
	FUZZ_INPUTS=$${FUZZ_INPUTS:-20000} $(BIN)/python -m pytest -m "hypothesis and not slow" tests --ignore tests/fuzz

.PHONY: coverage
CORE := config warc store extract classify rules cascade annotation
## coverage: lines of the core that its tests reach; less than 90 % fails
coverage: install
	$(BIN)/python -m pytest -m "not slow" tests/config tests/warc tests/store tests/extract tests/classify \
		tests/rules tests/cascade tests/sample tests/annotation \
		$(addprefix --cov=infimm_spark.,$(CORE)) --cov-report=term:skip-covered --cov-fail-under=90

## test-slow: tests of minutes: clusters, kills, archives
test-slow: doctor
	$(BIN)/python -m pytest -m slow

## jars: what Spark lacks to write to S3 (11 MB, by checksum), into jars/
jars: install
	$(BIN)/python conf/jars/fetch.py

# The S3 server of tests/s3, from its Go module; Go checks it against its public checksum database.
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c
## minio: the S3 server of the tests, built with Go
minio: .tools/bin/minio
.tools/bin/minio:
	@command -v go >/dev/null || { echo "minio is built with Go: none found on the PATH" >&2; exit 3; }
	GOBIN=$(CURDIR)/.tools/bin go install -buildvcs=false github.com/minio/minio@$(MINIO_VERSION)

.PHONY: wheel-compiled test-compiled
# The extraction compiled to C by mypyc (needs a C compiler, takes some minutes): the same package, a
# third faster. Built from a copy, so that no stale library shadows a module of the checkout.
## wheel-compiled: a wheel whose extraction is compiled to C, about a third faster
wheel-compiled: install
	@rm -rf $(OUT)/compiled && mkdir -p $(OUT)/compiled/source
	cp -r pyproject.toml README.md LICENSE conf infimm_spark $(OUT)/compiled/source
	HATCH_BUILD_HOOKS_ENABLE=1 $(BIN)/python -m pip wheel --quiet --no-deps -w $(OUT)/compiled $(OUT)/compiled/source
	$(BIN)/python -m zipfile -e $(OUT)/compiled/*.whl $(OUT)/compiled/package
	@rm -rf $(OUT)/compiled/source
	@ls $(OUT)/compiled/package/infimm_spark/extract/*.so >/dev/null 2>&1 || \
		{ echo "nothing was compiled: is there a C compiler?" >&2; exit 1; }
	@ls $(OUT)/compiled/*.whl

## test-compiled: the tests of extraction against the compiled package
test-compiled: wheel-compiled
	PYTHONPATH=$(OUT)/compiled/package $(BIN)/pytest -m "not slow" tests/extract tests/classify
TARGET ?= host
## archive: environment archive of TARGET (default: this machine), with EXTRAS, in dist/
archive: install
	$(BIN)/python docker/build_environment.py $(TARGET) $(if $(filter host,$(TARGET)),--interpreter $(BIN)/python) \
		$(addprefix --extra ,$(EXTRAS)) --output dist

## cluster: the build of `make run` on a standalone cluster of four processes
cluster: doctor archive
	@rm -rf $(OUT)/sample-crawl $(OUT)/cluster-run
	$(BIN)/infimm sample $(OUT)/sample-crawl
	JAVA_HOME=$$($(BIN)/infimm doctor --java-home) $(BIN)/python tests/support/standalone.py --workers 3 -- env \
		SPARK_HOME=$$($(BIN)/python -c 'import pyspark, os; print(os.path.dirname(pyspark.__file__))') \
		$(BIN)/spark-submit --master @MASTER@ --driver-memory 1g --executor-memory 600m \
		--conf spark.pyspark.python=./environment/bin/python \
		--conf spark.pyspark.driver.python=$(abspath $(BIN))/python \
		--archives dist/infimm-environment-host.tar.gz\#environment \
		jobs/build.py --config standalone --input $(OUT)/sample-crawl --output $(OUT)/cluster-run

## test-cluster: kill -9 of every kind of process in every stage
test-cluster: doctor
	$(BIN)/python -m pytest tests/cluster -m "slow"

## test-versions: Spark 3.5 to the newest, end to end; the core on Python 3.12, 3.13
test-versions: install
	VENV=$(VENV) .ci/versions

## clean: remove what the other targets made
clean:
	rm -rf $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse

# From formulas.txt; a renderer that is absent is named and its page left as it is. generate.py names
# the Debian packages.
FIXTURES := tests/extract/fixtures
## fixtures: render the pages of tests/extract/fixtures again (needs Node)
fixtures: install
	@mkdir -p $(OUT)/fixtures
	cp $(FIXTURES)/generate/package.json $(OUT)/fixtures/
	cd $(OUT)/fixtures && npm install --no-audit --no-fund
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "sphinx==9.0.4" "nbconvert==7.17.2"
	$(BIN)/python $(FIXTURES)/generate/generate.py $(OUT)/fixtures
