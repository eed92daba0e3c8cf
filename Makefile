# `make demo` and `make test` set everything up by themselves: only Python 3.11+ is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-faults check format bench bench-ingest bench-app bench-reports bench-har bench-proxy bench-production bench-sdk record-demo screenshots sdk lock clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One stamp per set of packages: a second run finds it and installs nothing.
$(BIN)/python:
	@echo "==> making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("perftui needs Python 3.11 to 3.13, this is " + sys.version.split()[0]) if not (3, 11) <= sys.version_info[:2] < (3, 14) else 0'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> installing perftui (pinned by constraints.txt)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> installing perftui with every extra and the development tools (pinned by constraints.txt)"
	@$(BIN)/python -m pip install --quiet 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run ## Play a recorded browser session into the app (text when there is no terminal)
	@$(BIN)/perftui demo

test: $(VENV)/.dev ## Run the whole test suite
	@echo "==> pytest"
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

test-faults: $(VENV)/.dev ## Run the long fault tests too: kills, full disks, overload
	@PERFTUI_TEST_FAULTS=all $(BIN)/python -m pytest -m faults --timeout 3600 $(PYTEST_ARGS)

check: $(VENV)/.dev ## Format, lint, types, import contracts, and that built files are what their sources build
	@echo "==> ruff format"; $(BIN)/ruff format --check .
	@echo "==> ruff check"; $(BIN)/ruff check .
	@echo "==> mypy"; $(BIN)/mypy
	@echo "==> import contracts"; $(BIN)/lint-imports
	@echo "==> built files"; $(BIN)/python scripts/check_built_files.py

format: $(VENV)/.dev ## Format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: bench-ingest bench-app bench-reports ## Run the benchmarks; each prints ratios against a limit taken in the same run

bench-ingest: $(VENV)/.dev ## Capture server and store against raw SQLite
	@$(BIN)/python -m bench.ingest

bench-app: $(VENV)/.dev ## The app in a real pty against an empty Textual app
	@$(BIN)/python -m bench.app

bench-reports: $(VENV)/.dev ## The nine questions over a large store
	@$(BIN)/python -m bench.reports

bench-sdk: $(VENV)/.dev ## What a page pays for the SDK, beside what others put into pages (needs npm)
	@$(BIN)/python -m bench.sdk

bench-har: $(VENV)/.dev ## Importing HAR files against json.load
	@$(BIN)/python -m bench.har

bench-proxy: $(VENV)/.dev ## The proxy against mitmdump with no addon
	@$(BIN)/python -m bench.proxy

bench-production: $(VENV)/.dev ## Sinks and exports against the engine's own
	@$(BIN)/python -m bench.production

sdk: ## Build the browser SDK (needs node)
	@cd sdk && npm ci --silent && npm run --silent build

record-demo: $(VENV)/.dev ## Record the demo session from the example shop in real Chromium
	@$(BIN)/python scripts/record_demo.py

screenshots: $(VENV)/.dev ## Export the pictures in docs/ from the demo session
	@$(BIN)/python scripts/screenshots.py

lock: $(VENV)/.dev ## Resolve constraints.txt anew
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --group dev --no-header --no-annotate pyproject.toml --output-file constraints.txt

clean: ## Remove the virtual environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
