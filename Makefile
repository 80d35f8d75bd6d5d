# Every target does its own set-up. `make help` lists them.
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

# Where it is set, as in many containers, each process of the tests compiles all that it imports, and pytest rewrites it.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo docs test soak edits fuzz check format bench model chaos coverage clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | sort | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.program: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.program
	$(PIP) --editable '.[dev]'
	@touch $@

demo: $(VENV)/.program ## the main job on a simulated Bright Data, no account needed
	$(BIN)/notifier demo

test: $(VENV)/.tools ## all tests
	tests/system-packages
	$(BIN)/python -m pytest -n 4 --dist worksteal

docs: $(VENV)/.program ## write docs/cli.md and config.schema.json anew
	$(BIN)/python -m notifier.cli.reference > docs/cli.md
	$(BIN)/notifier config schema > config.schema.json

soak: $(VENV)/.tools ## kill daemons at failpoints, KILLS=3000 of them, from SEED=1 on
	cd tests && ../$(BIN)/python -m acceptance.soak --kills $(KILLS) --seed $(SEED)

edits: $(VENV)/.tools ## 200 edits of the YAML under load, EDITS=200 of them, with the bounds that are promised
	EDITS=$(EDITS) $(BIN)/python -m pytest -s tests/acceptance/test_reload.py -k many_edits --override-ini timeout=0

fuzz: $(VENV)/.tools ## 20,000 answers of any kind, FUZZ_CASES=20000 of them
	FUZZ_CASES=$(FUZZ_CASES) $(BIN)/python -m pytest tests/unit/brightdata/datasets/test_any_answer.py \
		tests/unit/polling/test_any_value.py --override-ini timeout=0

check: $(VENV)/.tools ## format, lint, types, imports
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.tools ## put the code in its format
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

chaos: $(VENV)/.tools ## 50 hours of virtual time with random faults of all kinds, CHAOS_HOURS=50 of them, from SEED=1 on
	CHAOS_HOURS=$(CHAOS_HOURS) CHAOS_SEED=$(SEED) $(BIN)/python -m pytest tests/model/test_an_hour.py --override-ini timeout=0

model: $(VENV)/.tools ## 2,000 random lives of the real parts, held against a model of the promise
	MODEL_RUNS=2000 $(BIN)/python -m pytest tests/model/test_model.py --override-ini timeout=0

bench: $(VENV)/.tools ## polls, deliveries, a whole account, downloads, freshness and overload, beside plain scripts doing the same
	$(BIN)/python -m bench

clean: ## away with everything that was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
