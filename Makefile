# One door to everything: `make` lists the targets. Works with Rust, make, python3 with pip and apt on the machine; the rest is
# installed by `setup` (to build) and `test-setup` (to test).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# What a newcomer waits for: SQLite and onnxruntime only, with the profile that is cheap to build.
DEMO_BIN := $(TARGET)/demo/quittance
DEMO_FLAGS := --locked --profile demo --no-default-features
TOOLS := .cache/tools
ARGS ?=

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: setup
setup: ## install what the build needs (only what is missing)
	@scripts/setup build

.PHONY: test-setup
test-setup: setup ## install what the tests need: PostgreSQL, Redis, Tesseract (only what is missing)
	@scripts/setup test

.PHONY: models
models: setup ## fetch the pinned reading models and onnxruntime into models/
	@scripts/fetch-models

.PHONY: build
build: setup ## the optimised binary with everything in it
	$(CARGO) build --locked --release -p quittance

.PHONY: build-demo
build-demo: setup
	$(CARGO) build $(DEMO_FLAGS) -p quittance --bin quittance

.PHONY: demo
demo: models build-demo ## read the receipts in samples/ through a server of its own, then stop it
	@python3 scripts/demo.py --binary $(DEMO_BIN) samples

.PHONY: demo-saga
demo-saga: models build-demo ## three purchases over a demonstration shop: one succeeds, one is refused, one survives kill -9
	@python3 scripts/demo_saga.py --binary $(DEMO_BIN)

.PHONY: run
run: models build-demo ## serve until Ctrl-C (SQLite under ./data; PORT to choose the port)
	@exec $(DEMO_BIN) serve $(ARGS)

.PHONY: test
test: test-setup models ## format check, then every test: unit, integration on SQLite and on PostgreSQL + Redis, the deployment
	$(CARGO) fmt --all --check
	$(CARGO) test --locked --workspace --features tesseract $(ARGS)
	@[ -n "$(ARGS)" ] || $(MAKE) --no-print-directory test-deploy

.PHONY: test-deploy
test-deploy: models ## the deployment for real: nginx, Prometheus, 2 API replicas, 3 workers (with the binary that `test` built)
	@scripts/setup deploy
	@$(CARGO) test --quiet --locked --workspace --features tesseract --test integration --no-run
	@python3 scripts/test_deploy.py --binary $(TARGET)/debug/quittance

.PHONY: test-upgrade
test-upgrade: models ## from OLDER=path of a binary of another version to this one and back, process by process, under calls
	@scripts/setup deploy
	@$(CARGO) build --quiet --locked --workspace --features tesseract
	@python3 scripts/test_deploy.py --binary $(TARGET)/debug/quittance --older $(OLDER)

PODMAN_COMPOSE := 1.6.0
.cache/podman-compose/bin/podman-compose:
	python3 -m venv .cache/podman-compose
	.cache/podman-compose/bin/pip install --quiet --disable-pip-version-check podman-compose==$(PODMAN_COMPOSE)

.PHONY: test-image
test-image: .cache/podman-compose/bin/podman-compose ## the image built and docker-compose.yml brought up, with Podman, as root (half an hour the first time)
	@scripts/setup image
	@python3 scripts/test_image.py --compose .cache/podman-compose/bin/podman-compose $(ARGS)

.PHONY: load
load: models build ## load on the whole deployment: health, mixed, scale (ARGS=results: the cache; "soak --minutes 30": with restarts every minute)
	@scripts/setup load
	@python3 scripts/load.py --binary $(TARGET)/release/quittance $(ARGS)

# Pinned: what it finds must not change with the day.
SCHEMATHESIS := 4.32.5
.cache/schemathesis/bin/schemathesis:
	python3 -m venv .cache/schemathesis
	.cache/schemathesis/bin/pip install --quiet --disable-pip-version-check schemathesis==$(SCHEMATHESIS)

.PHONY: test-api
test-api: test-setup models .cache/schemathesis/bin/schemathesis ## every operation of the OpenAPI document against a server of its own (with the binary that `test` built)
	@$(CARGO) test --quiet --locked --workspace --features tesseract --test integration --no-run
	@python3 scripts/test_api.py --binary $(TARGET)/debug/quittance --schemathesis .cache/schemathesis/bin/schemathesis $(ARGS)

.PHONY: gateways
gateways: ## write deploy/krakend/krakend.json and the dashboards anew (after a change of routes or panels)
	deploy/krakend/generate
	deploy/grafana/generate

.PHONY: soak
soak: test-setup models ## 10,000 random sagas with random faults on each shape, then every invariant (RUNS=, SEED= to choose)
	RUNS=$${RUNS:-10000} $(CARGO) test --locked --workspace --features tesseract --test integration -- --nocapture --test-threads 1 matrix::soak

.PHONY: fuzz
fuzz: ## the parsers against millions of damaged inputs (PROPTEST_CASES= to choose how many a test)
	PROPTEST_CASES=$${PROPTEST_CASES:-20000} $(CARGO) test --locked -p quittance-documents $(ARGS)
	PROPTEST_CASES=$${PROPTEST_CASES:-20000} $(CARGO) test --locked --workspace --lib -- sagas::check::fuzz broken_bytes glyphs_anywhere

.PHONY: test-quick
test-quick: ## unit tests only: no server is started, nothing is installed
	$(CARGO) test --locked --workspace --lib --bins $(ARGS)

.PHONY: lint
lint: test-setup ## formatting, clippy and docs, all without a warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features tesseract -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --features tesseract

$(TOOLS)/bin/cargo-deny:
	$(CARGO) install --locked --root $(TOOLS) cargo-deny
$(TOOLS)/bin/typos:
	$(CARGO) install --locked --root $(TOOLS) typos-cli

.PHONY: audit
audit: $(TOOLS)/bin/cargo-deny $(TOOLS)/bin/typos ## licences, banned crates, advisories, spelling (installs its tools once: minutes)
	$(TOOLS)/bin/typos
	$(TOOLS)/bin/cargo-deny --all-features check bans licenses sources
	$(TOOLS)/bin/cargo-deny --all-features check advisories || { \
	  echo 'audit: the advisory check failed, or its database cannot be fetched from here (see above).'; \
	  [ -n "$${OFFLINE:-}" ]; }

BENCH_PARTS := reading processes web queue
.PHONY: bench $(BENCH_PARTS:%=bench-%)
bench: test-setup models ## measure the figures of docs/PERFORMANCE.md (builds optimised: ten minutes the first time)
	$(CARGO) bench --locked -p quittance --bench figures -- $(ARGS)
$(BENCH_PARTS:%=bench-%): bench-%: test-setup models
	$(CARGO) bench --locked -p quittance --bench figures -- $*

.PHONY: bench-analysis
bench-analysis: setup ## time the analysis of a batch of 10,000 transactions (builds one crate optimised)
	$(CARGO) test --locked --release -p quittance-analysis --test batch -- --nocapture

.PHONY: bench-sagas
bench-sagas: test-setup build ## sagas a second, alone and through kill -9, beside other engines (ARGS: the folder of their benchmark)
	@scripts/bench-sagas $(ARGS)

.PHONY: settings
settings: ## write docs/SETTINGS.md and docs/fr/REGLAGES.md anew from the list of settings in the code
	UPDATE_DOCS=1 $(CARGO) test --locked -p quittance-shared --lib config::reference

.PHONY: clean
clean: ## remove what was built and what the demo stored; models stay
	$(CARGO) clean
	rm -rf data/demo data/demo-saga
