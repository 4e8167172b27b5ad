# Everything that is typed by hand, by CI or by a hook is a target here; `make` lists them.

# Whatever the locale is: the tools read and write texts in UTF-8, as the services do by their code.
export PYTHONUTF8 := 1

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STACK = $(BIN)/python -m stack
NODE_PACKAGES = tools/node/node_modules/.package-lock.json
CLIENT = clients/typescript
CLIENT_PACKAGES = $(CLIENT)/node_modules/.package-lock.json

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- running it

.PHONY: run up services env containers down
run: $(INSTALLED) ## run everything embedded: PostgreSQL and Valkey from wheels, nothing to install
	@$(STACK) run

up: $(INSTALLED) ## run everything on PostgreSQL, RabbitMQ and Redis
	@$(STACK) up

services: $(INSTALLED) ## start PostgreSQL, RabbitMQ and Redis alone, print their URLs
	@$(STACK) services

env: ## write .env with keys of your own for docker-compose.yml, unless it exists
	@deploy/write_env.sh

containers: $(INSTALLED) ## try docker-compose.yml by the README's commands: buy, restart, scale, stop (needs an engine, or root)
	@$(STACK).containers

down: $(INSTALLED) ## stop whatever run, up or services left behind
	@$(STACK) down

# ---- working on it

.PHONY: startservice test faults bench soak check format schema messages samples reference clean
startservice: $(INSTALLED) ## make a service that listens, its test and its processes: make startservice NAME=shipping
	@MICROSTORE_SERVICE=listings $(NO_DATABASE) $(BIN)/python manage.py startservice "$(NAME)"

FAILURES = .run/failures
test: export FAILURES_FILE = $(FAILURES)
test: $(INSTALLED) ## run all tests, with throw-away servers
	@mkdir -p $(dir $(FAILURES)) && : > $(FAILURES)
	@$(STACK) exec -- true # installs what is missing, before two would at once
	@$(MAKE) --no-print-directory --keep-going --jobs=3 --output-sync test-end-to-end $(SERVICES:%=test-%) $(SHARED) test-plain; \
		beside=$$?; $(MAKE) --no-print-directory test-faults; faults=$$?; cat $(FAILURES); exit $$((beside | faults))

# ONLY=machines breaks these alone, and writes their table alone.
faults: $(INSTALLED) ## the tests that break everything while people buy, machines too; writes docs/reliability.md
	@$(STACK) exec -- env MACHINES=1 RELIABILITY_REPORT=docs/reliability.md $(BIN)/pytest tests/end_to_end/faults$(ONLY:%=/test_%.py)

# ONLY=purchase,drain measures these parts alone; QUICK=1 looks whether everything works.
bench: $(INSTALLED) ## measure everything (30 minutes, with QUICK=1 five); writes benchmarks/results
	@$(STACK) exec -- $(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

soak: $(INSTALLED) ## buy for an hour (MINUTES=60) while things go wrong, watch the memory; writes docs/soak.md
	@$(STACK) exec -- $(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60) --report docs/soak.md

check: $(INSTALLED) check-lock check-style check-boundaries check-types check-django check-reference check-contracts check-asyncapi check-client ## lint, boundaries, types, migrations, schemas, deployment settings, reference pages

schema: $(INSTALLED) $(CLIENT_PACKAGES) ## write docs/api and the types of clients/typescript, as the code says
	MICROSTORE_SERVICE=listings $(SPECTACULAR) --file docs/api/listings.yaml
	MICROSTORE_SERVICE=transactions $(SPECTACULAR) --file docs/api/transactions.yaml
	$(ASYNCAPI) > docs/api/asyncapi.yaml
	$(call make_types,listings) --output $(CLIENT)/src/listings.ts
	$(call make_types,transactions) --output $(CLIENT)/src/transactions.ts
	$(make_messages) > $(CLIENT)/src/messages.ts

# Once for each release, before its tag: those of earlier ones stay as they are, and what it promises breaks none.
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
samples: $(INSTALLED) ## write this release's contracts and messages, as they are on the wire, into microstore/contracts/releases
	@$(CONTRACTS) keep --into $(RELEASES)/$(VERSION)
	@$(STACK) exec -- env SAMPLES=$(RELEASES)/$(VERSION) $(BIN)/pytest tests/end_to_end/test_golden.py

MESSAGES = $(NO_DATABASE) MICROSTORE_SERVICE=listings DJANGO_SETTINGS_MODULE=microstore.settings $(BIN)/python -m tools.messages
messages: $(INSTALLED) ## write the catalogs of translations in listings/locale, as the code says; then translate what is new
	@$(MESSAGES)

reference: $(INSTALLED) ## write the pages that are made from the code: settings, errors, metrics, index of decisions
	@$(BIN)/python -m tools.reference

format: $(INSTALLED) ## rewrite the code in its style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean: ## stop everything, delete its data and the virtual environment
	@if [ -e $(INSTALLED) ] && [ -x $(BIN)/python ]; then $(STACK) down --delete-data; fi
	rm -rf $(VENV) tools/node/node_modules $(CLIENT)/node_modules $(CLIENT)/dist .run .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# ---- the parts of test: each service under its own settings, the rest without Django

SERVICES = listings transactions
# What hangs is ended, though a test of it has no limit of its own any more: tests/support/limits.py.
PYTEST = $(BIN)/pytest --session-timeout=1500
TEST = $(STACK) exec --minutes 40

# Each on servers of its own. Those of whole processes wait for two thirds of their time, so two others run beside
# them; those that break things run alone, since buyers keep all cores busy there.
SHARED = $(SERVICES:%=test-shared-%)
# The databases go with their servers: to drop them first failed while a test's session had not ended yet.
PYTEST_OF_SERVICE = env MICROSTORE_SERVICE=$* $(PYTEST) --reuse-db
.PHONY: $(SERVICES:%=test-%) $(SHARED) test-plain test-end-to-end test-faults
BESIDE_listings = tests/audit
$(SERVICES:%=test-%): test-%: $(INSTALLED) $(NODE_PACKAGES)
	$(TEST) --no-fsync -- $(PYTEST_OF_SERVICE) tests/$* $(BESIDE_$*)

# What the services share, under the settings of either.
$(SHARED): test-shared-%: $(INSTALLED)
	$(TEST) --no-fsync -- $(PYTEST_OF_SERVICE) tests/microstore

test-plain: $(INSTALLED)
	$(PYTEST) tests/fees tests/stack tests/benchmarks $(wildcard tests/test_*.py)

test-end-to-end: $(INSTALLED) $(NODE_PACKAGES) $(CLIENT_PACKAGES)
	$(TEST) -- $(PYTEST) tests/end_to_end --ignore tests/end_to_end/faults

test-faults: $(INSTALLED)
	$(TEST) -- $(PYTEST) tests/end_to_end/faults

# ---- the parts of check

.PHONY: check-lock check-style check-boundaries check-types check-django check-reference check-contracts check-asyncapi check-client
check-lock: $(INSTALLED)
	@! $(BIN)/python -m pip --disable-pip-version-check freeze | grep -vxFf constraints.txt || \
		{ echo "constraints.txt does not name these: make lock" >&2; exit 1; }

check-style: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-boundaries: $(INSTALLED)
	@$(BIN)/python -m tools.boundaries
	@$(BIN)/python -m tools.deployment
	$(BIN)/lint-imports

# Each service with everything but the others, whose models its settings do not know.
PACKAGES = manage.py tests $(patsubst %/__init__.py,%,$(wildcard */__init__.py))
define check_types
	DEBUG=1 MICROSTORE_SERVICE=$(1) $(BIN)/mypy --exclude migrations/ $(patsubst %,--exclude '^tests/%/',$(2)) \
		$(filter-out $(2),$(PACKAGES))

endef
check-types: $(INSTALLED)
	$(foreach service,$(SERVICES),$(call check_types,$(service),$(filter-out $(service),$(SERVICES))))

# Measured reports that are older than the code are a warning: to run them again takes an hour.
check-reference: $(INSTALLED)
	@$(BIN)/python -m tools.reference --check
	@$(MESSAGES) --check
	@$(BIN)/python -m tools.revision

check-django: $(INSTALLED) $(SERVICES:%=check-django-%)

# A database at which nobody answers: none of these needs one.
NO_DATABASE = DEBUG=1 DATABASE_URL=postgres://127.0.0.1:1/none
SPECTACULAR = $(NO_DATABASE) $(BIN)/python manage.py spectacular --validate --fail-on-warn

# With those of the last release, which are kept: a checkout in CI has neither tags nor history.
RELEASES = microstore/contracts/releases
CONTRACTS = MICROSTORE_SERVICE=listings DEBUG=1 $(BIN)/python manage.py contracts
check-contracts: $(INSTALLED)
	@$(CONTRACTS) check --against "$$(ls -d $(RELEASES)/*/ | sort --version-sort | tail -n 1)contracts.json"

# One document for both services; the WebSockets are the listings'.
ASYNCAPI = MICROSTORE_SERVICE=listings $(NO_DATABASE) $(BIN)/python manage.py asyncapi
check-asyncapi: $(INSTALLED) $(NODE_PACKAGES)
	@$(ASYNCAPI) | diff -u docs/api/asyncapi.yaml - || \
		{ echo "docs/api/asyncapi.yaml is not what the code says: run \`make schema\` and commit it." >&2; exit 1; }
	@$(BIN)/node tools/node/validate.js docs/api/asyncapi.yaml

make_types = $(BIN)/node $(CLIENT)/node_modules/openapi-typescript/bin/cli.js docs/api/$(1).yaml
# Schemas of frames and webhooks, as a document that the generator reads.
make_messages = $(BIN)/python -m tools.schemas_of_clients | $(BIN)/node $(CLIENT)/node_modules/openapi-typescript/bin/cli.js
check-client: $(INSTALLED) $(CLIENT_PACKAGES)
	@$(make_messages) | diff -u $(CLIENT)/src/messages.ts - || \
		{ echo "$(CLIENT)/src/messages.ts is not what docs/api says: run \`make schema\` and commit it." >&2; exit 1; }
	@for service in listings transactions; do \
		$(call make_types,$$service) | diff -u $(CLIENT)/src/$$service.ts - || \
			{ echo "$(CLIENT)/src/$$service.ts is not what docs/api says: run \`make schema\` and commit it." >&2; exit 1; }; \
	done
	@$(BIN)/node $(CLIENT)/node_modules/typescript/bin/tsc --project $(CLIENT) --noEmit

# Node comes from a wheel, as PostgreSQL does.
$(NODE_PACKAGES) $(CLIENT_PACKAGES): %/node_modules/.package-lock.json: %/package.json %/package-lock.json $(INSTALLED)
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || \
		{ echo "npm could not install what $*/package-lock.json names. Is there a network, or a registry to set for npm?" >&2; exit 1; }
	@touch $@

# A service that only listens has no API.
.PHONY: $(SERVICES:%=check-django-%)
$(SERVICES:%=check-django-%): check-django-%: $(INSTALLED)
	@[ ! -e docs/api/$*.yaml ] || MICROSTORE_SERVICE=$* $(SPECTACULAR) | diff -u docs/api/$*.yaml - || \
		{ echo "docs/api/$*.yaml is not what the code says: run \`make schema\` and commit it." >&2; exit 1; }
	MICROSTORE_SERVICE=$* $(NO_DATABASE) $(BIN)/python -W "ignore:Got an error checking a consistent migration" \
		manage.py makemigrations --check
	MICROSTORE_SERVICE=$* $(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

# Nothing of it is used: the check wants settings as production has them, of which none has a default.
PRODUCTION = SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_hex(64))") \
	ALLOWED_HOSTS=microstore.example DATABASE_URL=postgres:///$* BROKER_URL=amqp://$*:nobody-has-this@localhost// \
	JWT_PUBLIC_KEY="$$(openssl genrsa 2048 2>/dev/null | openssl rsa -pubout 2>/dev/null)"

# ---- the virtual environment, made again when the requirements have changed

# Its programs name its path: a folder that was renamed since, or a Python that is gone, has it made again.
HOME_OF = sed -n 's/^command = .* --clear //p' $(VENV)/pyvenv.cfg
UNUSABLE := $(shell [ ! -e $(INSTALLED) ] || [ -x "$$($(HOME_OF))/bin/python" ] || echo FORCE)
.PHONY: FORCE
$(INSTALLED): requirements.txt requirements-dev.txt constraints.txt $(UNUSABLE)
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "MicroStore needs Python 3.11 or newer, not: $(PYTHON). Choose one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2> /dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the requirements into $(VENV) (once) ..." >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(INSTALL) -r requirements-dev.txt -c constraints.txt
	@touch $@

INSTALL = $(BIN)/python tools/install.py
.PHONY: lock audit-dependencies
lock: ## resolve the requirements anew, and write down every version that was chosen
	@$(PYTHON) -m venv --clear $(VENV)
	@$(INSTALL) -r requirements-dev.txt
	@{ echo "# Every package, also those that packages need: written by make lock."; \
		$(BIN)/python -m pip --disable-pip-version-check freeze; } > constraints.txt
	@touch $(INSTALLED)

audit-dependencies: ## ask a public list whether a weakness is known of any of them (needs the internet)
	@$(PYTHON) -m venv .audit-venv
	@.audit-venv/bin/python -m pip --quiet --disable-pip-version-check install pip-audit==2.10.1
	.audit-venv/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt
