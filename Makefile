# Each target sets up what it needs in .venv. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SOURCES := notifier tests bench

KILLS ?= 3000
SEED ?= 1
FUZZ_CASES ?= 20000
EDITS ?= 200
CHAOS_HOURS ?= 50
MODEL_RUNS ?= 2000
API_EXAMPLES ?= 300

# Containers often set this variable. With it, each process of the tests would compile all that it imports.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo test check format docs screenshots soak model chaos fuzz api edits bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^##@ /{printf "\n%s:\n", substr($$0, 5)} /^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.program: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.program
	$(PIP) --editable '.[dev]'
	@touch $@

##@ Use it

demo: $(VENV)/.program ## run the daemon against a simulated Bright Data; needs no account
	$(BIN)/notifier demo

##@ Develop

test: $(VENV)/.tools ## run all tests
	tests/system-packages
	PYTHON=$(PYTHON) tests/client-environment
	$(BIN)/python -m pytest -n 4 --dist worksteal

check: $(VENV)/.tools ## check format, lint, types and imports, as CI does
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.tools ## format the code, and fix what ruff can fix
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

docs: $(VENV)/.program ## generate docs/cli.md, docs/openapi.json and config.schema.json from the code
	$(BIN)/python -m notifier.cli.reference > docs/cli.md
	$(BIN)/python -m notifier.web.api.published > docs/openapi.json
	$(BIN)/notifier config schema > config.schema.json

screenshots: $(VENV)/.tools ## take the README's pictures of the page
	tests/system-packages
	cd tests && ../$(BIN)/python -m browser.screenshots ../docs/images

clean: ## remove everything that was generated
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Prove (each takes minutes)

soak: $(VENV)/.tools ## kill daemons at failpoints and compare with the promise; KILLS=3000, SEED=1
	cd tests && ../$(BIN)/python -m acceptance.soak --kills $(KILLS) --seed $(SEED)

model: $(VENV)/.tools ## run random lives of the real components against a model of the promise; MODEL_RUNS=2000
	MODEL_RUNS=$(MODEL_RUNS) $(BIN)/python -m pytest tests/model/test_model.py --override-ini timeout=0

chaos: $(VENV)/.tools ## run hours of virtual time with random faults; CHAOS_HOURS=50, SEED=1
	CHAOS_HOURS=$(CHAOS_HOURS) CHAOS_SEED=$(SEED) $(BIN)/python -m pytest tests/model/test_an_hour.py --override-ini timeout=0

fuzz: $(VENV)/.tools ## feed random answers of Bright Data to the parsers and the polling; FUZZ_CASES=20000
	FUZZ_CASES=$(FUZZ_CASES) $(BIN)/python -m pytest tests/unit/brightdata/datasets/test_client_any_answer.py \
		tests/unit/polling/test_polling_any_value.py --override-ini timeout=0

api: $(VENV)/.tools ## send random requests to the API of a running daemon; API_EXAMPLES=300
	API_EXAMPLES=$(API_EXAMPLES) $(BIN)/python -m pytest tests/acceptance/test_api.py -k schemathesis --override-ini timeout=0

edits: $(VENV)/.tools ## edit the YAML under load, within the promised times; EDITS=200
	EDITS=$(EDITS) $(BIN)/python -m pytest -s tests/acceptance/test_reload.py -k many_edits --override-ini timeout=0

bench: $(VENV)/.tools ## measure polls, deliveries, downloads and reloads, beside plain scripts that do the same
	$(BIN)/python -m bench
