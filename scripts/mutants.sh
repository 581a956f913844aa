#!/bin/sh
# Mutation testing of the rule files; arguments go to cargo-mutants (`-f contracts/src/receipt.rs`).
# Works on a copy in which `Step` is written out as `Result`: the tool makes mutants that skip a
# check (`Ok(())`) only of functions whose type it knows. docs/evidence/mutants.md has the figures.
set -eu
cd "$(dirname "$0")/.."
# Its own target folder: cargo would take this copy's builds for the workspace's.
export CARGO_TARGET_DIR="${MUTANTS_TARGET:-$PWD/target/mutation}"
out=${OUT:-$CARGO_TARGET_DIR/out}
copy=$CARGO_TARGET_DIR/copy
rm -rf "$copy"
mkdir -p "$copy" "$out"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp -p --parents -t "$copy"
find "$copy/contracts/src" -name '*.rs' ! -name rejection.rs -exec sed -i -E \
  -e 's/-> Step \{/-> Result<(), crate::rejection::Stop> {/' \
  -e 's/-> Step;/-> Result<(), crate::rejection::Stop>;/' \
  -e 's/-> Step<(.*)> \{$/-> Result<\1, crate::rejection::Stop> {/' {} +
cd "$copy"
exec nice -n 19 cargo mutants -p mulu-contracts --in-place --output "$out" "$@"
