#!/usr/bin/env bash
# Installs what the build needs, or says in one line what is missing.
set -euo pipefail

missing() { echo "mulu: missing $1. $2" >&2; exit 1; }

need_cargo() {
  command -v cargo >/dev/null || missing "a Rust toolchain (1.95 or newer)" "Install it with rustup."
  local have; have=$(rustc --version | sed -E 's/rustc ([0-9]+)\.([0-9]+).*/\1 \2/')
  set -- $have
  if [ "$1" -lt 1 ] || { [ "$1" -eq 1 ] && [ "$2" -lt 95 ]; }; then
    missing "Rust 1.95 (found $1.$2)" "Run: rustup update stable"
  fi
}

# RocksDB is compiled from source: a C++20 compiler, and libclang for its bindings.
have_libclang() {
  local folder file
  # Not `libclang*`: libclang-cpp is another library, and is often there alone.
  for folder in /usr/lib/llvm-*/lib /usr/lib/* /usr/lib64 "${LIBCLANG_PATH:-/nonexistent}"; do
    for file in "$folder"/libclang.so* "$folder"/libclang-[0-9]*.so*; do
      [ -e "$file" ] && return 0
    done
  done
  return 1
}

need_native() {
  local packages=()
  command -v c++ >/dev/null || packages+=(g++)
  have_libclang || packages+=(libclang-dev)
  command -v curl >/dev/null || packages+=(curl)
  command -v openssl >/dev/null || packages+=(openssl)
  [ ${#packages[@]} -eq 0 ] && return
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "mulu: installing ${packages[*]}" >&2
    { apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; } >/tmp/mulu-apt.log 2>&1 \
      || missing "${packages[*]}" "apt-get failed, see /tmp/mulu-apt.log"
  else
    missing "${packages[*]}" "Install them, e.g.: sudo apt-get install ${packages[*]}"
  fi
}

need_cargo
need_native
