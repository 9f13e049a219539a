# Everything here works from a bare clone with git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help bootstrap demo down status lint test faults format

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST)

bootstrap:  ## create .venv with exactly the locked packages
	@$(PYTHON) deploy/bootstrap.py

# `exec`: Ctrl-C reaches the supervisor once, and make waits for its end.
demo: bootstrap  ## start the whole service on this machine, do its main job and show the log
	@exec $(BIN)/python -m deploy.local up

status: bootstrap  ## what runs, and where
	@$(BIN)/python -m deploy.local status

down: bootstrap  ## end a stack that was started with --detach
	@$(BIN)/python -m deploy.local down

lint: bootstrap  ## style, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## lint, and the whole test-suite
	$(BIN)/python -m pytest

faults: bootstrap  ## kill, cut, fill and freeze every part for about an hour, with a random seed; prints what was lost
	$(BIN)/python -m pytest tests/faults --faults-long -v

format: bootstrap  ## put the code into its one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
