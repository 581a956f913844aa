#!/usr/bin/env bash
# The life of a fifth department on the network, told step by step while traffic flows: invited, it makes
# its own keys and asks for membership with two commands; the members approve, each on its own
# machine; it observes, becomes a validator, replaces its validator key and its transport key, and leaves.
#
#   PORT=26600     peers on PORT+1 to PORT+5, APIs on API_PORT+1 to +5; API_PORT is PORT+100 if not set
#   DEMO_DIR=.demo where everything is kept
#   BIN=folder     take the programs from there instead of building them
set -euo pipefail
cd "$(dirname "$0")/.."
WHAT=fifth
. scripts/stage.sh

FIFTH=11110000MULU000566
HOME5="$DIR/civil-affairs"
rm -rf "$HOME5" "$DIR/invitation.json" "$DIR/traffic"
node5=0 traffic=0
end_all() {
  [ "$traffic" = 0 ] || kill "$traffic" 2>/dev/null || true
  [ "$node5" = 0 ] || kill "$node5" 2>/dev/null || true
  finish
}
trap end_all EXIT

# Runs a command of `mulud` and shows it.
node() { printf '   %s$ mulud %s%s\n' "$DIM" "$*" "$OFF"; mulud "$@" 2>&1 | sed 's/^/   /'; return "${PIPESTATUS[0]}"; }
start5() {
  printf '   %s$ mulud start --home %s %s%s\n' "$DIM" "$HOME5" "$*" "$OFF"
  mulud start --home "$HOME5" "$@" >> "$DIR/civil-affairs.log" 2>&1 &
  node5=$!
  for _ in $(seq 300); do mulu --profile civil-affairs --quiet status >/dev/null 2>&1 && return; sleep 0.1; done
  tail -5 "$DIR/civil-affairs.log" >&2; echo "$WHAT: the fifth node does not start" >&2; exit 1
}
stop5() { kill "$node5"; wait "$node5" || true; node5=0; }
status_of() { mulu --profile "$1" --output json status; }
# Waits until a command says what is wanted.
until_says() {
  local wanted=$1; shift
  for _ in $(seq 600); do "$@" 2>/dev/null | grep -q "$wanted" && return; sleep 0.1; done
  echo "$WHAT: \`$*\` never said $wanted" >&2; tail -5 "$DIR/civil-affairs.log" >&2; exit 1
}
# The id of the one petition that waits, as a profile's node knows it.
petition() {
  local id=""
  for _ in $(seq 100); do
    id=$(mulu --profile "$1" --output json member pending | field id)
    [ -n "$id" ] && { echo "$id"; return; }
    sleep 0.1
  done
  echo "$WHAT: no petition reaches $1" >&2; exit 1
}
approve() { MULU_PROFILE=$1 run member approve "$2" --yes --quiet; }
# Asks for what the consortium decides: more than two thirds of the members with validators sign, each
# on its own machine. The data bureau asks, these approve.
APPROVERS="market-regulation health-commission"
consortium() {
  MULU_PROFILE=data-bureau-authority run "$@" --petition
  local id member; id=$(petition market-regulation-administrator)
  MULU_PROFILE=market-regulation-administrator run member pending
  for member in $APPROVERS; do
    [ "$(petition "$member-administrator")" = "$id" ]
    approve "$member-administrator" "$id"
  done
}
same_state() {
  follow "$1" "$2"
  local height root
  height=$(height "$1")
  root=$(mulu --profile "$1" --output json show "$height" | field state_root)
  [ "$root" = "$(mulu --profile "$2" --output json show "$height" | field state_root)" ]
  note "✓  $1 and $2 have state root $root at height $height"
}

step "Traffic: market regulation establishes an office every moment, from now on until the end."
(
  n=0
  while :; do
    n=$((n + 1))
    mulu --profile market-regulation-administrator --quiet office establish --code "t$n" --name "处室 $n" \
      >/dev/null && echo "$n" >> "$DIR/traffic" || echo "failed $n" >> "$DIR/traffic"
    sleep 0.2
  done
) &
traffic=$!

step "The data bureau's administrator writes an invitation: one file, no key of anybody in it."
MULU_PROFILE=data-bureau-administrator run member invite "$FIFTH" --name 民政局 --name-en "Civil Affairs" \
  --region 110000 --role provider --role consumer --out "$DIR/invitation.json"

step "The newcomer runs two commands. The first makes its keys, the second asks for membership."
node init --home "$HOME5" --invite "$DIR/invitation.json" --moniker civil-affairs \
  --p2p-listen "/ip4/127.0.0.1/tcp/$((PORT + 5))" --api-listen "127.0.0.1:$((API_PORT + 5))"
run profile set civil-affairs --node "http://127.0.0.1:$((API_PORT + 5))" \
  --key "$HOME5/keys/administrator.pem" --member "$FIFTH"
start5

step "It observes while its request waits; every member sees whose signature is missing."
REQUEST=$(petition data-bureau-authority)
MULU_PROFILE=data-bureau-authority run member pending
until_says "\"height\": [1-9]" status_of civil-affairs
note "It copies the chain already: height $(height civil-affairs) of $(height market-regulation)."

step "The authority approves on its own machine, and the request goes into a block by itself."
approve data-bureau-authority "$REQUEST"
until_says "$FIFTH" mulu --profile civil-affairs --output json list members
MULU_PROFILE=civil-affairs run list members
same_state civil-affairs market-regulation

step "Its disk is lost: a new copy begins with a snapshot of the state, and goes on with blocks."
stop5
rm -rf "$HOME5/data/ledger"
start5 --snapshot
grep -q "the snapshot holds" "$DIR/civil-affairs.log"
note "$(sed 's/\x1b\[[0-9;]*m//g' "$DIR/civil-affairs.log" | grep "the snapshot holds" | tail -1 | sed 's/^.*the snapshot/the snapshot/')"
same_state civil-affairs market-regulation

step "It becomes a validator: three of four members sign, each on its own machine."
KEY=$(mulud show-validator --home "$HOME5")
consortium validator admit "$KEY" --of "$FIFTH"
until_says "\"is_validator\": true" status_of civil-affairs
note "✓  two heights later it votes, without a restart: $(height civil-affairs)"
# Of five members with validators, four sign.
APPROVERS="market-regulation health-commission transport-bureau"

step "Its validator key is replaced: the next key first, then one transaction, then the node."
NEXT=$(mulud rotate validator --home "$HOME5")
MULU_PROFILE=civil-affairs run key register "$HOME5/keys/validator.next.pem" --role validator
consortium validator replace "$KEY" "$NEXT" --of "$FIFTH" --reason 到期更换
until_says "\"is_validator\": false" status_of civil-affairs
stop5
node rotate validator --home "$HOME5" --activate
start5
until_says "\"is_validator\": true" status_of civil-affairs
MULU_PROFILE=civil-affairs run key revoke "$KEY" --reason 到期更换 --yes
note "✓  it votes with $NEXT"

step "Its transport key is replaced: both nodes are named while they change places."
OLD_ID=$(mulud show-node-id --home "$HOME5")
NEW_ID=$(mulud rotate node --home "$HOME5")
MULU_PROFILE=civil-affairs run member nodes "$OLD_ID" "$NEW_ID"
stop5
node rotate node --home "$HOME5" --activate
start5
until_says "$NEW_ID" status_of market-regulation
MULU_PROFILE=civil-affairs run member nodes "$NEW_ID"
same_state civil-affairs market-regulation

step "It leaves: out of the set first, or the rules refuse; then out of the consortium."
MULU_PROFILE=civil-affairs refused 5 member leave --reason 机构撤并 --yes
consortium validator retire "$NEXT" --reason 机构撤并
MULU_PROFILE=civil-affairs run member leave --reason 机构撤并 --yes
for _ in $(seq 100); do status_of market-regulation | grep -q "$NEW_ID" || break; sleep 0.1; done
note "Its node is let in no more: $(status_of market-regulation | grep -c "$NEW_ID" || true) connections."
stop5

step "What was shown."
kill "$traffic"; wait "$traffic" 2>/dev/null || true; traffic=0
FAILED=$(grep -c failed "$DIR/traffic" || true)
note "✓  $(grep -vc failed "$DIR/traffic") transactions of others were committed meanwhile, $FAILED failed"
for profile in health-commission transport-bureau data-bureau; do same_state "$profile" market-regulation; done
note "✓  two commands for the newcomer, one for each that approves; the chain never stopped"
