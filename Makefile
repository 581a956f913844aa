# Two commands on a fresh machine: `make demo` and `make test`. Both name what is missing.
.PHONY: demo walk test measure nightly build check vectors help

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## four departments, one ledger, an offline audit (CATALOG=file, DEMO=once, PORT=26600)
	@scripts/demo.sh

walk: ## a narrower grant, a receipt over quota, a duty that moves, an objection, an offline audit
	@scripts/walk.sh

test: ## every test, ending with the runner's summary
	@scripts/test.sh

measure: ## how fast 100,000 entries are indexed and found, beside a look through all names
	@scripts/prepare.sh
	cargo test --quiet -p mulu-node --lib -- --ignored --nocapture search::

nightly: ## every fault campaign within MINUTES (360), from SEED on; writes OUT.json and OUT.md
	@scripts/prepare.sh
	cargo build --workspace --bins
	cargo run --quiet -p mulu-tests --bin nightly -- --minutes $${MINUTES:-360} \
	  --seed $${SEED:-1000000} --out $${OUT:-nightly}

build: ## the node `mulud` and the command line `mulu`
	@scripts/prepare.sh
	cargo build -p mulu-node -p mulu-cli --bins

check: ## formatting, lints, documentation
	cargo fmt --all --check
	cargo clippy --workspace --exclude 'mulu-planted-*' --all-targets -- -D warnings
	cargo clippy -p mulu-planted-sim -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

vectors: ## rewrite the golden vectors, on purpose (a changed file is a changed format)
	MULU_WRITE_VECTORS=1 cargo test -p mulu-tests --test vectors
