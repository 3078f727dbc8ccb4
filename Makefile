# Escape hatches: PYTHON=python3.12, CONSTRAINTS= (newest versions instead of the pins),
# VENV_ARGS=--system-site-packages (use a torch you already have), PIP_ARGS=..., and
# PYTEST_ARGS="-m 'not slow'".
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= test
CONSTRAINTS ?= .ci/constraints.txt

BIN := $(VENV)/bin
COMMA := ,
STAMP := $(VENV)/.installed-$(subst $(COMMA),-,$(EXTRAS))

.DELETE_ON_ERROR:
.PHONY: demo test test-long test-oldest fuzz soak lint types docs pages clean

demo: $(STAMP)
	$(BIN)/python -m tsdiff demo

test: $(STAMP)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Models of known laws that take long to learn: by themselves.
test-long: $(STAMP)
	$(BIN)/python -m pytest -m long --dist load tests

# The same tests with the oldest versions that pyproject.toml allows; torch apart, whose
# oldest releases no longer install.
test-oldest:
	$(MAKE) test VENV=.venv-oldest CONSTRAINTS=.ci/oldest.txt

# Every mutated model file, where `make test` tries a tenth of them.
fuzz: $(STAMP)
	TSDIFF_FUZZ=1 $(BIN)/python -m pytest -n 2 --dist worksteal --timeout 900 tests/test_io_fuzz.py

# Fits killed at 20 random moments go on, to the bit; then ten minutes of random
# operations: nothing is lost, nothing hangs, memory stays.
soak: $(STAMP)
	$(BIN)/python -W ignore tests/killed.py 20
	$(BIN)/python tests/soak.py 10

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP)
	$(BIN)/mypy tsdiff

# Run the blocks of the pages, and build them: build/docs/html/index.html.
docs:
	$(MAKE) EXTRAS=docs pages

pages: $(STAMP)
	for builder in doctest html; do \
		$(BIN)/python -m sphinx -W --keep-going -q -b $$builder -d build/docs/doctrees docs build/docs/$$builder || exit 1; \
	done

clean:
	rm -rf $(VENV) .venv-oldest build dist docs/generated .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An interrupted install leaves no stamp, so that the next call repairs it.
$(STAMP): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "tsdiff needs Python 3.11 or newer, found " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV_ARGS) $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) $(PIP_ARGS) -e ".[$(EXTRAS)]"
	$(BIN)/python -m pip check
	@touch $@
