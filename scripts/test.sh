#!/usr/bin/env bash
# Builds and runs every test. The last line is the runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/prepare.sh
export MULU_REFERENCE_DATA="${MULU_REFERENCE_DATA:-$PWD/../shared/data}"
# The scenarios start the real programs, so these are built first.
cargo build --workspace --bins
if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run --workspace --no-fail-fast
fi
exec cargo test --workspace --no-fail-fast
