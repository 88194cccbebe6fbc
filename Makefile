# The commands of the README. Each sets up .venv by itself; nothing else is needed than Python 3.11 or newer.
.DEFAULT_GOAL := help
.PHONY: help demo demo-crash setup dev test fuzz check audit bench chaos lock clean
PYTHON ?= python3
BIN := .venv/bin

help: ## list the targets
	@echo "A logo, color palettes, and the logo recolored with each of them."
	@echo "Begin with: make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ \
		split($$2, said, " @ "); printf "  make %-10s  %s\n", $$1, said[1]; \
		if (said[2]) printf "                   %s\n", said[2] }' $(MAKEFILE_LIST)

demo: .venv/.ready ## one concept, from start to gallery @ LOGO="…" THEME="…" IMAGE=file PALETTES=n PALETTE_FILE=file
	@$(BIN)/python starter.py demo $(demo_options)

demo-crash: .venv/.ready ## the same, with the worker killed in the middle
	@$(BIN)/python starter.py demo --crash $(demo_options)

demo_options = $(if $(LOGO),--logo "$$LOGO") $(if $(THEME),--theme "$$THEME") $(if $(IMAGE),--image "$$IMAGE") \
	$(if $(PALETTES),--palettes "$$PALETTES") $(if $(PALETTE_FILE),--palette-file "$$PALETTE_FILE")

# Values given on make's command line reach the recipes as they are, quotes and dollar signs included.
export LOGO THEME IMAGE PALETTES PALETTE_FILE

setup: .venv/.ready ## install the packages, or those of a new version

dev: .venv/.ready ## Temporal server, its web page and a worker, until Ctrl-C
	@$(BIN)/python starter.py dev

# Whole files go to each process, so that no fixture of a file is made twice, in the order of tests/conftest.py. Half of their
# time is waiting for timers and other processes: two for each core.
PROCESSES ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 2)))
test: .venv/.ready-dev ## the tests, on real Temporal servers @ PROCESSES=n
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

# A failing example is kept in .hypothesis and printed: write it into the test as an @example.
fuzz: .venv/.ready-dev ## the property tests with new examples @ ROUNDS=20
	@for round in $$(seq $(or $(ROUNDS),20)); do echo "round $$round"; \
		$(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile other-examples || exit 1; done

check: .venv/.ready-dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

# Not part of `check`: it needs the network, and a package that cannot be looked up is an error here (docs/adr/0038).
audit: .venv/.ready-dev ## look up known weaknesses of the packages; needs the network
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

bench: .venv/.ready-dev ## what each part costs, next to a reference from the same run
	@for name in recoloring quality tracing concept actions process delivery reconciliation database scaling; do \
		echo "== $$name"; PYTHONPATH=. $(BIN)/python benchmarks/$$name.py || exit 1; done

chaos: .venv/.ready-dev ## concepts under kills, pauses, cuts and full disks @ CONCEPTS=300 SEED=n MINUTES=15
	@$(BIN)/python -m tests.chaos $(if $(CONCEPTS),--concepts $(CONCEPTS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(MINUTES),--minutes $(MINUTES))

.venv/.ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.12 …" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python's venv module is incomplete: install it first (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "Setting up .venv, once; it takes about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call install,requirements.lock)
	@touch $@

.venv/.ready-dev: .venv/.ready requirements-dev.lock
	@echo "Adding what tests and checks need, once; it takes about a minute and a half"
	$(call install,requirements-dev.lock)
	@touch $@

# pip says what it does, package by package; of that a line for each ten. Its warnings are shown where it fails.
define install
@{ PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $(1) 2>.venv/pip.err || \
	{ cat .venv/pip.err >&2; echo FAILED; }; } | \
	awk -v all="$$(grep -c '==' $(1))" ' \
		/^Ignoring/ { all-- } \
		/^(Collecting|Processing|Requirement already)/ && ++n % 10 == 0 { print "  " n " of " all " packages fetched" } \
		/^Installing collected/ { print "  " n " of " all " packages fetched; installing them" } \
		/^FAILED$$/ { failed = 1 } \
		{ fflush() } \
		END { exit failed }'
endef

lock: ## write the lock files anew from pyproject.toml; needs uv
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --quiet -o requirements.lock
	uv pip compile pyproject.toml --extra dev -c requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements-dev.lock

clean: ## remove the environment, caches and local data
	rm -rf .venv .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
