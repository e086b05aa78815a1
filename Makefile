# Every target sets itself up; make and Python 3.11 or newer are all it takes.

BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PIP_FLAGS := --disable-pip-version-check --quiet
PYTHONS := $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3
IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null

SECRET_KEY = $(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))'
FERNET_KEY = $(BIN)/python -c 'from cryptography.fernet import Fernet as F; print(F.generate_key().decode())'
IN_PRODUCTION = GATEWAY_ENV=production ALLOWED_HOSTS=gateway.example \
	SECRET_KEY="$$($(SECRET_KEY))" ENCRYPTION_KEYS="$$($(FERNET_KEY))" \
	DATABASE_URL=postgres://u:p@127.0.0.1:5432/x CELERY_BROKER_URL=redis://127.0.0.1:6379/0

# The oldest release that the manifests are for; what kustomize and Helm read is no resource of Kubernetes.
KUBERNETES := 1.33
MANIFESTS := $(filter-out %/kustomization.yaml %/prometheus-adapter.yaml, $(wildcard deploy/kubernetes/*.yaml))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run test quick test-dates upgrade screenshots chaos fuzz check bench clean

help: ## this list
	@awk -F ': .*## ' '/^[a-z-]+:.*## / { printf "make %-15s  %s\n", $$1, $$2 }' Makefile

demo: .venv/.installed-run ## a whole story on this machine, from nothing to webhooks
	@exec $(MANAGE) demo

run: .venv/.installed-run ## the gateway; PORT, DATABASE_URL and CELERY_BROKER_URL as in the environment
	@exec $(MANAGE) up

test: .venv/.installed-dev ## all tests; ARGS="tests/brokers -x" for some, ARGS=--long for bigger counts, ARGS=--help
	@exec $(BIN)/python -m tests.run $(ARGS)

quick: .venv/.installed-dev ## pure and service tests on SQLite, in about a minute
	@exec $(BIN)/python -m tests.run --quick $(ARGS)

test-dates: .venv/.installed-dev ## all tests with the clock moved; DATES="+40d 2028-02-29T18:40Z", ARGS as above
	@exec $(BIN)/python -m tests.dates $(ARGS)

upgrade: .venv/.installed-dev ## migrates a database of the last release, with work in its queue; ARGS=sqlite or ARGS=servers
	@exec $(BIN)/python -m tests.upgrade $(ARGS)

screenshots: .venv/.installed-dev ## pictures of what people see, to docs/screenshots; SCENES="checkout-done" for some
	@exec $(BIN)/python -m tests.browser.screenshots $(SCENES)

chaos: .venv/.installed-dev ## everything that can fail, under load; CHAOS_SECONDS (600) and CHAOS_SEED as in the environment
	@exec $(BIN)/python -m tests.chaos

check: .venv/.installed-dev ## style, types, layers, plain English, safety, migrations, settings, what deploys it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive gateway transactions smallcases brokers webhooks shop
	$(BIN)/yamllint --strict --config-file deploy/yamllint.yml deploy
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet --kubernetes-version $(KUBERNETES) $(MANIFESTS)
	$(BIN)/python -m checks.leaked_secrets
	$(BIN)/python -m checks.vulnerabilities
	$(BIN)/python -m checks.plain_english
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check
	@echo $(MANAGE) check --deploy
	@$(IN_PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING

fuzz: .venv/.installed-dev ## hostile requests; FUZZ_REQUESTS=100000, FUZZ_SEED as printed
	@exec $(BIN)/python -m tests.fuzz $(ARGS)

bench: .venv/.installed-dev ## all benchmarks; NAME="create reads" for some, ARGS=--short to see that they run
	@exec $(BIN)/python -m benchmarks $(ARGS) $(NAME)

clean: ## removes what was made here: .venv, caches, and var with the embedded database
	rm -rf .venv var staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed-dev: requirements-dev.txt requirements-demo.txt requirements.txt .venv/.made
	@echo "Installing requirements-dev.txt into .venv"
	@$(BIN)/python -m pip $(PIP_FLAGS) install -r requirements-dev.txt
	@touch .venv/.installed-run $@

.venv/.installed-run: requirements-demo.txt requirements.txt .venv/.made
	@echo "Installing requirements-demo.txt into .venv"
	@$(BIN)/python -m pip $(PIP_FLAGS) install -r requirements-demo.txt
	@touch $@

# Where venv lacks pip (Debian without python3-venv), another pip is asked to put itself there.
.venv/.made:
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && touch $@ && exit; \
	for python in $(PYTHONS); do \
		$$python $(IS_NEW_ENOUGH) || continue; \
		found=$$python; \
		$$python -m venv --clear .venv >/dev/null 2>&1 && touch $@ && exit; \
		$$python -m venv --clear --without-pip .venv >/dev/null 2>&1 || continue; \
		for pip in "$$python -m pip" "python3 -m pip" pip3; do \
			$$pip --python $(BIN)/python $(PIP_FLAGS) install pip 2>/dev/null && touch $@ && exit; \
		done; \
	done; \
	rm -rf .venv; \
	test -n "$$found" \
		&& echo "$$found has neither ensurepip nor pip: install them (Debian: apt-get install python3-venv)." >&2 \
		|| echo "Python 3.11 or newer is needed, and none is on the PATH; PYTHON=/path/to/python names one." >&2; \
	exit 1
