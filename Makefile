# The few commands people type. Each needs what the README's prerequisites name, and nothing else.

PORT ?= 8080
ARCH ?= arm64

export PATH := $(CURDIR)/.venv/bin:$(PATH)

# $(BENCH) are further options; `cargo xtask bench --help` names them.
.PHONY: bench bench-diff bench-timing bench-token budgets cost scale
.PHONY: dev local-aws test proof faults properties load stage build release deploy lint setup setup-sam setup-tester clean-data help

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

dev: setup xtask ## run the whole shop on this machine (PORT=8080)
	@target/debug/xtask dev --port $(PORT)

local-aws: setup xtask ## AWS alone, without functions, for `cargo lambda watch` (docs/local.md)
	@target/debug/xtask local-aws

test: prerequisites setup setup-tester lint ## every check and every test (SKIP_MISSING=1 goes on without a browser or Redis)
	cargo nextest run --workspace --lib --tests
	@infra/local/prerequisites.sh

.PHONY: prerequisites
prerequisites:
	@infra/local/prerequisites.sh

proof: faults properties scale ## what takes too long for each change: every fault, many random cases, a million products (nightly in CI)

CASES ?= 100000
properties: setup ## the property tests with more random cases than `make test` (CASES=100000)
	PROPTEST_CASES=$(CASES) cargo nextest run --profile faults -p stampede-domain -p stampede-runtime -p stampede-gateways -p stampede-cache

SEEDS ?= 1
faults: setup xtask ## every call going wrong in every way, SEEDS times over (SEEDS=1); takes its time
	FAULT_SEEDS=$(SEEDS) cargo nextest run --profile faults -p stampede-tests --test faults --no-fail-fast

lint: setup node_modules/.package-lock.json ## formatting, lints, and what must agree with what
	cargo fmt --all --check
ifdef RUSTC_WORKSPACE_WRAPPER
	cargo build --workspace --all-targets
	cargo build --workspace --lib --all-features
else
	cargo clippy --workspace --all-targets --all-features -- -D warnings
endif
	cargo deny --log-level error check bans licenses sources
	.venv/bin/cfn-lint template.yaml infra/*.yaml functions/*/template.yaml
	@$(MAKE) --no-print-directory xtask
	target/debug/stampede-openapi --check
	target/debug/stampede-cost > /dev/null
	npm run --silent check
	target/debug/xtask tidy

bench: setup ## what each function costs: start, CPU, memory, units; takes some minutes (BENCH="--functions get-product")
	@$(call build-tool,stampede-bench)
	@target/tools/stampede-bench run $(BENCH)

bench-diff: setup ## what changed since a revision (BASE=rev)
	@test -n "$(BASE)" || { echo "name the revision to compare with: make bench-diff BASE=main~1"; exit 1; }
	@$(call build-tool,stampede-bench)
	@target/tools/stampede-bench diff --base "$(BASE)" $(BENCH)

bench-token: setup ## the CPU time that the check of an access token adds to a request
	@$(call build-tool,stampede-bench)
	@target/tools/stampede-bench token $(BENCH)

bench-timing: setup ## whether the time of a response tells which addresses have accounts; takes ten minutes
	@$(call build-tool,stampede-bench)
	@target/tools/stampede-bench timing $(BENCH)

budgets: setup xtask ## sizes, requests, units and instructions against tests/budgets.json
	@target/debug/stampede-bench budgets

cost: xtask ## what the shop costs on AWS, from what `make bench` measured
	@target/debug/stampede-cost

scale: setup xtask ## the cost of requests at 100, 10,000 and 1,000,000 products; needs minutes and memory
	SCALE=full cargo nextest run --profile faults -p stampede-tests --test scale

LOAD ?=
load: setup ## drive shoppers through the shop and report (LOAD="--rate 50 --seconds 60"; docs/load.md)
	@$(call build-tool,stampede-load)
	@target/tools/stampede-load $(LOAD)

stage: setup setup-sam xtask ## deploy to an emulated AWS account, sell something and sign people in there
	.venv/bin/python infra/local/stage.py --lint
	.venv/bin/python infra/local/stage.py

build: setup ## release binaries for AWS (ARCH=arm64 or x86_64)
	$(if $(filter arm64,$(ARCH)),rustup target add aarch64-unknown-linux-gnu)
	cargo lambda build --release --bins $(if $(filter arm64,$(ARCH)),--arm64,--x86-64)

release: setup ## release binaries for this machine, as `make stage` deploys them
	cargo lambda build --quiet --release --bins $(if $(filter aarch64 arm64,$(shell uname -m)),--arm64)

deploy: setup setup-sam ## deploy to the AWS account you are logged in to, pages included (PARAMETERS="Name=value …")
	.venv/sam/bin/sam build && .venv/sam/bin/python infra/local/deploy.py $(PARAMETERS)
	.venv/sam/bin/python infra/local/deploy_web.py

.PHONY: invite-owner
invite-owner: setup setup-sam ## invite an owner of the deployed shop, the first one, too (EMAIL=you@your-domain.example)
	@test -n "$(EMAIL)" || { echo "name the address: make invite-owner EMAIL=you@your-domain.example"; exit 1; }
	@.venv/sam/bin/python infra/local/invite_owner.py "$(EMAIL)"

.PHONY: client
client: xtask node_modules/.package-lock.json ## OpenAPI document, event schemas, access matrix and TypeScript client, from the code
	target/debug/stampede-openapi
	target/debug/xtask access
	npm run --silent client

.PHONY: release-contracts
release-contracts: setup xtask ## keep what a release promises: API and table (VERSION=0.2.0; docs/adr/0023)
	@test -n "$(VERSION)" || { echo "name the release: make release-contracts VERSION=0.2.0"; exit 1; }
	target/debug/stampede-openapi --release $(VERSION)
	rm -f tests/contracts/table-*.jsonl
	DUMP=tests/contracts/table-$(VERSION).jsonl cargo nextest run -p stampede-tests --test contracts --run-ignored only

# The TypeScript client and the tests in a browser. What is served and deployed needs none of it.
node_modules/.package-lock.json: package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or later"; exit 1; }
	npm ci --silent --no-audit --no-fund
	@touch $@

clean-data: xtask ## empty what `make dev` and `make local-aws` have stored
	@target/debug/xtask clean-data

# The whole workspace at once, so that tools, functions and tests share what is built.
.PHONY: xtask
xtask:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs"; exit 1; }
	@echo "building (the first time takes some minutes)"
	@cargo build --workspace --bins

# For what measures: the table, the queues and the meter are inside.
build-tool = command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs"; exit 1; }; \
	echo "building $(1) (the first time takes some minutes)"; cargo build --profile tools --package $(1)

setup: .venv/ready ## tools of the project's own, in .venv

setup-sam: .venv/sam/ready

setup-tester: .venv/tester/ready

.venv/ready: infra/local/requirements.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or later"; exit 1; }
	@echo "installing tools into .venv"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

.venv/sam/ready: infra/local/requirements-sam.txt .venv/ready
	@echo "installing AWS SAM into .venv/sam"
	@python3 -m venv .venv/sam
	@.venv/sam/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

.venv/tester/ready: infra/local/requirements-tester.txt .venv/ready
	@echo "installing the API tester into .venv/tester"
	@python3 -m venv .venv/tester
	@.venv/tester/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@
