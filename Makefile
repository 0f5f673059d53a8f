# Wardline's everyday commands; `make` alone lists them.

TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run check test bench torture screenshots deny fmt clean tools browser-tools mongod web

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## build and serve with the demonstration hospital; Ctrl-C stops it
	@scripts/need-tools run
	@test -n "$$MONGODB_URI$$WARDLINE_MONGOD" || command -v mongod >/dev/null || scripts/get-mongod
	@scripts/build-web
	cargo build --profile quick
	@# exec: Ctrl-C and TERM reach the service itself, and make waits until it has put its database to bed.
	@exec $(TARGET)/quick/wardline serve --demo

check: tools web ## format, lints, unit tests, design rules, documents, spelling: what a commit needs
	cargo fmt --check
	scripts/check-spelling
	cargo clippy --all-targets --all-features -- -D warnings
	cargo test --lib --test architecture --test docs
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet
	cd web && npm run check

test: export TMPDIR = $(shell scripts/test-folder)
test: browser-tools check mongod ## everything, on a real MongoDB and with real clients: what CI runs
	cargo test --lib --bins --tests
	scripts/test-clients
	scripts/test-api
	cd web && npm test
	scripts/test-browser

bench: tools mongod ## the load tests: Wardline, the peer and the raw limits; writes docs/BENCHMARKS.md
	cargo build --release
	cd benches/peer && npm ci --no-audit --no-fund --loglevel=error
	cargo bench --bench bench

torture: tools mongod ## kill, stop, starve and flood it for a quarter of an hour; writes docs/TORTURE.md
	TORTURE=long cargo test --release --test torture -- --nocapture everything_promised

screenshots: browser-tools web mongod ## the pictures in docs/screenshots, anew, by the browser tests
	cargo build
	SCREENSHOTS=1 scripts/test-browser

deny: ## licences, sources and known holes of what is built in; needs cargo-deny, and the list of holes as last fetched
	cargo deny --offline check

fmt: ## format the sources
	cargo fmt

clean: ## remove what was built; data/ and .mongod/ stay
	cargo clean
	rm -rf tests/clients/node_modules tests/api/node_modules tests/api/generated benches/peer/node_modules
	rm -rf web/node_modules web/dist web/.built

tools:
	@scripts/need-tools

browser-tools:
	@scripts/need-tools browser

web:
	@scripts/build-web

mongod:
	@scripts/get-mongod
