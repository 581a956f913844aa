#!/usr/bin/env bash
# Four departments keep one ledger, end to end. See the README for what it shows.
#
#   CATALOG=file   import this catalog (CSV, data.json, CKAN JSON lines) instead of a generated one
#   DEMO=once      end with exit status 0 instead of leaving the consortium running
#   PORT=26600     peers on PORT+1 to PORT+4, APIs on API_PORT+1 to +4; API_PORT is PORT+100 if not set
#   DEMO_DIR=.demo where everything is kept
#   BIN=folder     take the programs from there instead of building them
set -euo pipefail
cd "$(dirname "$0")/.."
WHAT=demo
. scripts/stage.sh
GENESIS=$(mulu --output json status | field genesis)

step "Market regulation imports its catalog: signed batches, ordered by all four."
if [ -n "${CATALOG:-}" ]; then
  FILE="$CATALOG"
else
  FILE="$DIR/catalog.csv"
  run catalog generate --count "${ENTRIES:-2000}" --seed 7 --out "$FILE"
fi
run import "$FILE" --source-system demo
note "Again: an unchanged catalog sends nothing."
run import "$FILE" --source-system demo | grep -E 'unchanged|created|revised|transactions' || true

step "Publish one entry by hand: share type conditional, four items, bound to its duty and system."
run entry publish scripts/demo/entry.json
ENTRY=307017/demo0001

step "The health commission requests three of its items, the provider agrees, both sign one payload."
follow health-commission market-regulation
export MULU_PROFILE=health-commission
run authorization request --entry "$ENTRY" --item name --item uscc --item status \
  --basis "《医疗机构管理条例》" --scenario "医疗机构执业登记核验" --scope "医政医管处" \
  --method platform-api --from 2026-01-01 --to 2027-12-31 --calls 1000 --records 5000
AUTH=$(mulu --output json list authorizations | field authorization_id)
as market-regulation run authorization agree "$AUTH"
run authorization finalize "$AUTH" --cosign-key "$NET/keys/market-regulation-officer.pem"

step "It is used: the provider records a delivery, the consumer its use."
printf 'call lines of today\n' > "$DIR/calls.txt"
as market-regulation run receipt record "$AUTH" --kind delivered --calls 600 --records 600 --digest-file "$DIR/calls.txt"
run receipt record "$AUTH" --kind used --calls 600 --records 600

step "A use beyond the granted 1,000 calls is refused by the rules, on every node alike."
refused 5 receipt record "$AUTH" --kind used --calls 600 --records 600
note "So is an item that was not granted:"
refused 5 receipt record "$AUTH" --kind used --calls 1 --records 1 --item capital
note "The provider puts the refused attempt on record as evidence:"
as market-regulation run receipt record "$AUTH" --kind denied --calls 1 --item capital --reason-scenario "查询注册资本"

step "The transport bureau goes down; three of four go on."
run devnet stop transport-bureau --dir "$NET"
run authorization request --entry "$ENTRY" --item status --basis "《传染病防治法》" --scenario "流调核验" \
  --scope "疾病预防控制处" --method platform-api --from 2026-01-01 --to 2026-12-31 --calls 10
run devnet status --dir "$NET" || true

step "It comes back, fetches what it missed, and stands where the others stand."
run devnet start transport-bureau --dir "$NET" --mulud "$BIN/mulud"
follow transport-bureau data-bureau
run devnet status --dir "$NET"

step "An auditor takes one file from the node that was away, and the genesis digest: $GENESIS"
follow transport-bureau health-commission
export MULU_PROFILE=transport-bureau
run audit export "$ENTRY" --out "$DIR/entry.bundle" --genesis "$GENESIS"
note "$(wc -c < "$DIR/entry.bundle") bytes. Offline, trusting no node:"
run audit verify "$DIR/entry.bundle" --genesis "$GENESIS"
run audit show "$DIR/entry.bundle"

step "One bit of the file is flipped."
cp "$DIR/entry.bundle" "$DIR/flipped.bundle"
AT=$(( $(wc -c < "$DIR/flipped.bundle") / 2 ))
BYTE=$(od -An -tu1 -j "$AT" -N1 "$DIR/flipped.bundle" | tr -d ' ')
printf "\\x$(printf %02x $((BYTE ^ 1)))" | dd of="$DIR/flipped.bundle" bs=1 seek="$AT" conv=notrunc status=none
status=0
run audit verify "$DIR/flipped.bundle" --genesis "$GENESIS" || status=$?
case "$status" in 1|2) note "→ exit status $status: refused" ;; *) echo "demo: a changed bundle was accepted" >&2; exit 1 ;; esac

step "Done."
if [ "${DEMO:-}" = once ]; then
  note "The consortium is stopped (DEMO=once)."
  exit 0
fi
note "The consortium keeps running until Ctrl-C. Try, in another terminal:"
note "  export PATH=$BIN:\$PATH MULU_PROFILES=$NET/profiles.toml MULU_PROFILE=market-regulation"
note "  mulu status; mulu list authorizations; mulu history entry/…; mulu rules RCP-05"
for n in 1 2 3 4; do note "  http://127.0.0.1:$((API_PORT + n))/v1/status"; done
while :; do sleep 3600 & wait $!; done
