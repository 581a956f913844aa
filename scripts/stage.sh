# What the narrated scripts share: a consortium of four departments on this machine, and the words
# `step`, `note`, `run`, `refused`, `as`, `field`. To be sourced, from the repository's root, by a script that has
# set WHAT to its name; takes PORT, API_PORT, DEMO_DIR and BIN (a folder
# with the built programs) from the environment.

[ -n "${BIN:-}" ] || scripts/prepare.sh

PORT="${PORT:-26600}"
API_PORT="${API_PORT:-$((PORT + 100))}"
# From here on the system itself hands out ports to outgoing connections, the nodes' own included.
FIRST_OUTGOING=$(cut -f1 /proc/sys/net/ipv4/ip_local_port_range 2>/dev/null || echo 32768)
if [ $((API_PORT + 4)) -ge "$FIRST_OUTGOING" ] || [ "$PORT" -lt 1024 ]; then
  echo "$WHAT: PORT=$PORT: choose one from 1024 to $((FIRST_OUTGOING - 105)); higher ports may be taken by outgoing connections" >&2
  exit 2
fi
DIR="$(realpath -m "${DEMO_DIR:-.demo}")"
NET="$DIR/consortium"
if [ -t 1 ]; then BOLD=$'\e[1m'; DIM=$'\e[2m'; OFF=$'\e[0m'; else BOLD=""; DIM=""; OFF=""; fi

STEP=0
step() { STEP=$((STEP + 1)); printf '\n%s%d. %s%s\n' "$BOLD" "$STEP" "$1" "$OFF"; }
note() { printf '   %s\n' "$*"; }
# Runs a command of `mulu` and shows it, with the profile that acts.
run() { printf '   %s%s$ mulu %s%s\n' "$DIM" "${MULU_PROFILE:-}" "$*" "$OFF"; mulu "$@" 2>&1 | sed 's/^/   /'; return "${PIPESTATUS[0]}"; }
# Runs a command that must fail with this exit status.
refused() {
  local wanted=$1 status=0; shift
  run "$@" || status=$?
  [ "$status" = "$wanted" ] || { echo "$WHAT: expected exit status $wanted, got $status" >&2; exit 1; }
  note "→ exit status $status, as it should be"
}
# The height of a profile's node.
height() { mulu --profile "$1" --output json status | sed -n 's/^ *"height": *\([0-9]*\).*/\1/p' | head -1; }
# Waits until a profile's node has every block that another's had when this was called.
follow() {
  local seen; seen=$(height "$2")
  for _ in $(seq 200); do [ "$(height "$1")" -ge "$seen" ] && return; sleep 0.05; done
  echo "$WHAT: the node of $1 does not reach height $seen" >&2; exit 1
}
# Runs something as another profile, on what that profile's node knows.
as() {
  local before=$MULU_PROFILE
  MULU_PROFILE=$1; shift
  follow "$MULU_PROFILE" "$before"
  "$@"
  follow "$before" "$MULU_PROFILE"
  MULU_PROFILE=$before
}
# A field of a JSON answer, without asking for jq.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -1; }

if [ -n "${BIN:-}" ]; then
  step "The node (mulud) and the command line (mulu) are those in $BIN."
else
  step "Build the node (mulud) and the command line (mulu). The first time, RocksDB takes some minutes."
  cargo build -p mulu-node -p mulu-cli --bins 2>&1 | tail -1 | sed 's/^ */   /'
  BIN="$(realpath "${CARGO_TARGET_DIR:-target}/debug")"
fi
export PATH="$BIN:$PATH"

started=0
finish() {
  [ "$started" = 1 ] && mulu devnet down --dir "$NET" >/dev/null 2>&1 || true
}
trap finish EXIT
trap 'exit 130' INT TERM

step "Found a development consortium: market regulation, health, transport, data bureau (the authority)."
if [ -d "$NET" ]; then
  mulu devnet down --dir "$NET" >/dev/null 2>&1 || true
  rm -rf "$NET"
fi
mkdir -p "$DIR"
run devnet init --dir "$NET" --p2p-port "$PORT" --api-port "$API_PORT"
export MULU_PROFILES="$NET/profiles.toml" MULU_PROFILE=market-regulation

step "Start four departments as four processes, each with its own data folder."
started=1
run devnet up --dir "$NET" --mulud "$BIN/mulud"
