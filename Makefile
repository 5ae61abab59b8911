# Everything that is needed is set up in .venv by the first target that needs it.

PYTHON ?= python3
SEEDS ?= 100000
VENV := .venv
BIN := $(VENV)/bin
PYTHONS ?= 3.11 3.12 3.13
LOCALSTACK := .venv-localstack
PACKAGE := .venv-package
PEERS := .venv-peers
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check test-large test-network network-report bench bench-quick simulate mutants screenshots test-servers conformance wheel man format lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */make \1\t/' | expand -t 22

demo: $(VENV)/demo ## Set up, then upload to an S3 server of our own: break, resume, compare
	$(BIN)/asyncup demo

test: check $(VENV)/dev ## Set up, then run every check and test but the large and long ones
	$(BIN)/python -m pytest -m "not large and not network" -n 4 --dist worksteal

test-large: $(VENV)/dev ## The tests that move gigabytes
	$(BIN)/python -m pytest -m large --timeout 900

test-network: $(VENV)/dev ## The long tests on a bad link between two network namespaces; as root
	$(BIN)/python -m pytest tests/network -m network -n 2 --dist worksteal --timeout 900

test-servers: $(VENV)/dev $(LOCALSTACK)/ready ## Set up LocalStack, too, and hold every S3 server to the contract
	$(BIN)/python -m pytest tests/contract --servers fake,weed,rclone,localstack

conformance: $(VENV)/dev ## Hold Ceph's S3 to the contract; it tells what the system has to have installed
	$(BIN)/python -m pytest tests/contract --servers ceph

simulate: $(VENV)/dev ## SEEDS=100000 histories of a simulated upload, with all that goes wrong
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

mutants: $(VENV)/dev ## Break the engine on purpose; the simulation has to notice
	$(BIN)/python -m tests.simulation --mutants

network-report: $(VENV)/dev $(PEERS)/ready ## ROUNDS=3 of it and its peers on a bad link, into docs/networks.md; as root
	$(BIN)/python -m benchmarks.network --rounds $(or $(ROUNDS),3) --write

bench: $(VENV)/dev $(PEERS)/ready ## ROUNDS=5 of it and its peers on this machine, into docs/performance.md
	$(BIN)/python -m benchmarks.speed --rounds $(or $(ROUNDS),5) --write $(ARGS)

bench-quick: $(VENV)/dev $(PEERS)/ready ## Little of everything of that, in a minute, into build/bench-quick.json
	$(BIN)/python -m benchmarks.speed --rounds 1 --quick --force --fresh --out build/bench-quick.json $(ARGS)

wheel: $(PACKAGE)/ready ## Build wheel and sdist into dist/ and try them; PYTHONS="3.11 3.12 3.13", as far as they are here
	$(PACKAGE)/bin/python -m tests.package $(PYTHONS)

check: $(VENV)/dev ## Style, types
	$(BIN)/ruff check asyncup tests benchmarks
	$(BIN)/ruff format --check asyncup tests benchmarks
	$(BIN)/mypy

screenshots: $(VENV)/dev ## The live panels of a recorded run, into docs/screens; ARGS=--record runs it anew
	$(BIN)/python -m tests.screens $(ARGS)

man: $(VENV)/demo ## Make man/asyncup.1 of what --help is made of
	$(BIN)/python -m asyncup.cli.manual > man/asyncup.1

format: $(VENV)/dev ## Put the code into form
	$(BIN)/ruff check --fix-only asyncup tests benchmarks
	$(BIN)/ruff format asyncup tests benchmarks

lock: ## Take the newest releases into constraints.txt
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-lock/bin/python -m pip install --quiet --group dev '.[demo]'
	$(VENV)-lock/bin/python -m pip freeze --exclude asyncup > constraints.txt
	rm -rf $(VENV)-lock

clean: ## Remove what was set up
	rm -rf $(VENV) $(VENV)-lock $(LOCALSTACK) $(PEERS) $(PACKAGE) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "asyncup needs Python 3.11 or newer: make PYTHON=python3.13 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "this Python has no venv: on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(VENV)/demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --upgrade pip
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/dev: $(VENV)/demo
	$(PIP) --group dev
	@touch $@

# It pins what asyncup has in other releases, so it lives in an environment of its own.
$(LOCALSTACK)/ready: $(VENV)/bin/python tests/contract/localstack.txt
	$(BIN)/python -m venv --clear $(LOCALSTACK)
	$(LOCALSTACK)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --requirement tests/contract/localstack.txt
	@touch $@

$(PACKAGE)/ready: $(VENV)/bin/python tests/package/tools.txt
	$(BIN)/python -m venv --clear $(PACKAGE)
	$(PACKAGE)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement tests/package/tools.txt
	@touch $@

# They are not what asyncup is developed with.
$(PEERS)/ready: $(VENV)/bin/python benchmarks/peers.txt
	$(BIN)/python -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement benchmarks/peers.txt
	@touch $@
