# Everything here works from a bare clone with git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin

# uv installs as pip does, here as in deploy/bootstrap.py: by the system's certificates, and from the same index.
export UV_SYSTEM_CERTS ?= true
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_EXTRA_INDEX_URL
export UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
endif

.PHONY: help bootstrap demo down status lint test test-units test-contracts test-services test-faults test-panel test-oldest test-interpreters faults faults-of-endurance faults-of-all-else peers bench bench-import bench-publish bench-read screenshots wheel sbom audit lock format

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

bootstrap:  ## create .venv with exactly the locked packages
	@$(PYTHON) deploy/bootstrap.py

# `exec`: Ctrl-C reaches the supervisor once, and make waits for its end.
demo: bootstrap  ## start the whole service on this machine, do its main job and show the log
	@exec $(BIN)/python -m deploy.local up

status: bootstrap  ## what runs, and where
	@$(BIN)/python -m deploy.local status

down: bootstrap  ## end a stack that was started with --detach
	@$(BIN)/python -m deploy.local down

lint: bootstrap  ## style, types, import rules, JavaScript, pages and spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	nice $(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/oxlint --deny-warnings
	$(BIN)/mdformat --check $$(git ls-files '*.md')
	$(BIN)/codespell $$(git ls-files)

# The suite waits as much as it computes, so its parts run beside one another. Integration and fault tests wait the most
# and take the longest, so all that computes gives way to them (`nice`). Those with a stack have one each: the
# integration tests compare whole databases, and the fault tests leave theirs full of invented offsets.
test: bootstrap  ## lint, and the whole test-suite
	@$(BIN)/python -m deploy.local fetch
	@echo "test: six parts side by side; each is printed when it has ended"
	@$(MAKE) --no-print-directory --jobs 6 --output-sync test-services test-faults test-contracts test-panel test-units lint

test-units:  ## the unit tests, which need no servers
	nice $(BIN)/python -m pytest tests/unit

test-contracts:  ## the suites of the ports on fakes and servers, and the system tests
	nice $(BIN)/python -m pytest tests/contract tests/system

test-services:  ## the integration tests
	$(BIN)/python -m pytest tests/integration

test-faults:  ## the fault suite in its short form
	$(BIN)/python -m pytest tests/faults

test-panel:  ## the panel in Chromium
	nice $(BIN)/python -m pytest tests/browser

# `make test` has tested the interpreter of .venv: this is the oldest that a machine has, such as Debian's.
test-oldest: bootstrap  ## unit tests on the oldest other Python of this machine that the project admits
	@$(BIN)/python -m tests.interpreters --oldest

# System tests are among these: an interpreter fails where a stack starts.
test-interpreters: bootstrap  ## unit and system tests on every other Python of this machine that the project admits
	@$(BIN)/python -m tests.interpreters

# Two parts side by side, each with a stack and a summary of its own: the first fills memory and waits, the second kills.
faults: bootstrap  ## kill, cut, fill and freeze every part for three quarters of an hour, with random seeds; red below 200 kills
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=none faults-of-endurance faults-of-all-else

faults-of-endurance:  ## the part of `make faults` that fills memory and waits
	$(BIN)/python -m pytest tests/faults/test_backlog.py tests/unit/stream/erasure/test_histories.py --faults-long --timeout 3600 -v

faults-of-all-else:  ## the part of `make faults` that kills
	$(BIN)/python -m pytest tests/faults --ignore tests/faults/test_backlog.py --faults-long --faults-min-kills 200 --timeout 3600 -v

# `make bench-read OPTIONS="--lines 100000000 --spaces 2000 --data DIR"`: whatever the program takes.
OPTIONS ?=

peers: bootstrap  ## install what the benchmarks compare with, apart from .venv
	@$(BIN)/python -m venv .local/benchmarks-venv
	@$(BIN)/uv pip install -q --python .local/benchmarks-venv/bin/python --require-hashes -r requirements/benchmarks.txt

bench: peers  ## the worker against what a user would write instead; a quarter of an hour, on a quiet machine
	$(BIN)/python -m tests.benchmarks.ingest.race $(OPTIONS)

bench-read: bootstrap  ## the query API over ten million lines, against its peers
	$(BIN)/python -m tests.benchmarks.read $(OPTIONS)

bench-import: bootstrap  ## a file import to acknowledged Kafka, beside csv.DictReader with one send an event
	$(BIN)/python -m tests.benchmarks.imports $(OPTIONS)

bench-publish: peers  ## publishing to acknowledged Kafka, beside aiokafka and confluent-kafka
	$(BIN)/python -m tests.benchmarks.publish $(OPTIONS)

screenshots: bootstrap  ## take the pictures of the panel anew, from the demo's data
	@$(BIN)/python -m tests.browser.screenshots

wheel: bootstrap  ## the small wheel that upstream services install, into dist/
	@cd producers && ../$(BIN)/python -m hatchling build -t wheel -d ../dist

# Tools with some fifty packages of their own, which `make test` needs for one test alone.
.local/audit-venv/done: requirements/audit.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .local/audit-venv
	@$(BIN)/uv pip install -q --python .local/audit-venv/bin/python --require-hashes -r requirements/audit.txt
	@touch $@

sbom: bootstrap .local/audit-venv/done  ## list what the container image installs, as CycloneDX, in dist/sbom.cdx.json
	@mkdir -p dist
	@.local/audit-venv/bin/cyclonedx-py requirements requirements/production.txt --pyproject pyproject.toml --sv 1.6 --output-reproducible -o dist/sbom.cdx.json

audit: bootstrap .local/audit-venv/done  ## ask for known vulnerabilities of what the container image installs; needs a network
	@.local/audit-venv/bin/pip-audit --requirement requirements/production.txt --disable-pip --strict --progress-spinner off

LOCK := --generate-hashes --universal --no-emit-index-url --no-header
lock: bootstrap  ## resolve the pinned dependencies anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --group local --group test $(LOCK) -o requirements/development.txt
	$(BIN)/uv pip compile pyproject.toml --extra producers --extra stream --extra query $(LOCK) -o requirements/production.txt
	$(BIN)/uv pip compile requirements/bootstrap.in $(LOCK) -o requirements/bootstrap.txt
	$(BIN)/uv pip compile producers/pyproject.toml --extra cli --extra outbox --extra intake --resolution lowest-direct --python-version 3.11 $(LOCK) -o requirements/upstream-lowest.txt
	$(BIN)/uv pip compile requirements/benchmarks.in --python-version 3.11 $(LOCK) -o requirements/benchmarks.txt
	$(BIN)/uv pip compile requirements/audit.in --python-version 3.11 $(LOCK) -o requirements/audit.txt

format: bootstrap  ## put the code into its one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/mdformat $$(git ls-files '*.md')
