#!/usr/bin/env bash
# What members disagree about, and what becomes of it, told step by step on four departments: a grant
# narrower than its request, a receipt over quota, a duty that moves, an objection, an auditor who
# needs nobody. Every step that must be refused is checked to be refused.
#
#   PORT=26600     peers on PORT+1 to PORT+4, APIs on API_PORT+1 to +4; API_PORT is PORT+100 if not set
#   DEMO_DIR=.demo where everything is kept
#   BIN=folder     take the programs from there instead of building them
set -euo pipefail
cd "$(dirname "$0")/.."
WHAT=walk
. scripts/stage.sh
GENESIS=$(mulu --output json status | field genesis)
ENTRY=307017/walk0001
HEALTH=11110000MULU00021K
id_of() { mulu --output json list "$1" | field "$2"; }
receipt() { mulu --output json list receipts | sed -n '/"kind": "'"$1"'"/,/"receipt_id"/p' | field receipt_id; }

step "Market regulation publishes an entry: food licences, shared on condition, resting on two duties."
run entry publish scripts/walk/entry.json

step "The health commission asks for all four items, 1,000 calls, for handling food safety incidents."
as health-commission run authorization request --entry "$ENTRY" \
  --item licence --item holder --item valid_to --item contact \
  --basis "《食品安全法》第一百零五条" --scenario "食品安全事故处置" --scope "综合监督处" \
  --method platform-api --from 2026-01-01 --to 2027-12-31 --calls 1000
AUTH=$(id_of authorizations authorization_id)

step "The provider refuses one item, the contact, and offers the other three; the consumer agrees."
run authorization offer "$AUTH" --item licence --item holder --item valid_to
as health-commission run authorization agree "$AUTH"
note "Terms count when officers of both have signed the same bytes:"
as health-commission run authorization finalize "$AUTH" --cosign-key "$NET/keys/market-regulation-officer.pem"

step "It is used within the grant: 600 calls delivered, confirmed, used."
printf 'call lines of the first day\n' > "$DIR/first-day.txt"
run receipt record "$AUTH" --kind delivered --calls 600 --digest-file "$DIR/first-day.txt"
DELIVERY=$(receipt delivered)
as health-commission run receipt record "$AUTH" --kind received --calls 600 --digest-file "$DIR/first-day.txt" --answers "$DELIVERY"
as health-commission run receipt record "$AUTH" --kind used --calls 600 --answers "$DELIVERY"

step "600 calls more would be 1,200 of 1,000: refused, by the same rule on every node."
as health-commission refused 5 receipt record "$AUTH" --kind used --calls 600
run rules RCP-08
note "And the item that was not granted stays out of reach:"
as health-commission refused 5 receipt record "$AUTH" --kind used --calls 1 --item contact

step "Food licensing moves to the health commission. That takes three signatures over one payload."
as market-regulation-administrator run duty transfer 11110000MULU00013Q:sp-001 --to "$HEALTH" \
  --file scripts/walk/duty.json --basis "机构改革方案" --out "$DIR/move.json"
as health-commission-administrator run tx sign "$DIR/move.json"
note "Two have signed; the authority has not:"
as market-regulation-administrator refused 5 tx submit "$DIR/move.json"
as data-bureau-authority run tx sign "$DIR/move.json"
as market-regulation-administrator run tx submit "$DIR/move.json"

step "Nothing changes behind anybody's back: the entry is reported until its provider binds it anew."
run report rebind-due
sed 's/"11110000MULU00013Q:sp-001", //' scripts/walk/entry.json > "$DIR/revised.json"
run entry revise "$ENTRY" "$DIR/revised.json"
run report rebind-due

step "The health commission objects to the delivery on record: 600 counted, 580 arrived."
as health-commission run objection open "receipt/$DELIVERY" --ground "交付记录为600次，实际到达580次"
OBJECTION=$(id_of objections objection_id)
run list objections

step "The authority upholds it; the provider corrects its receipt. Both stay on record."
as data-bureau-authority run objection decide "$OBJECTION" --uphold --reason "经核对调用日志，异议成立"
run receipt record "$AUTH" --kind delivered --calls 580 --digest-file "$DIR/first-day.txt" --corrects "$DELIVERY"
run show "$OBJECTION"
run report unmatched-deliveries

step "An auditor fetches one file, and every node is stopped: nobody is left to ask."
as auditor run audit export "$ENTRY" --out "$DIR/walk.bundle" --genesis "$GENESIS"
run devnet down --dir "$NET"
started=0
note "$(wc -c < "$DIR/walk.bundle") bytes, and the genesis digest $GENESIS:"
run audit verify "$DIR/walk.bundle" --genesis "$GENESIS"
run audit show "$DIR/walk.bundle"

step "What was shown."
note "✓  a grant of three items where four were asked for, signed by both parties over one payload"
note "✓  a use over quota and a use of the fourth item: refused, by RCP-08 and RCP-04"
note "✓  a duty moved with three signatures, and not with two; its entry was reported, then bound anew"
note "✓  an objection upheld, the receipt corrected, the old one kept"
note "✓  all of it verified from one file of $(wc -c < "$DIR/walk.bundle") bytes with no node running"
