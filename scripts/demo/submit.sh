#!/usr/bin/env bash
# Publishes a catalog entry with nothing but a shell, openssl and curl.
#
#   scripts/demo/submit.sh http://127.0.0.1:26701 officer.pem entry.json
#
# A transaction is a DSSE envelope: sign the pre-authentication encoding of your own JSON bytes.
set -euo pipefail
NODE=$1 KEY=$2 ENTRY=$3
WORK=$(mktemp -d); trap 'rm -rf "$WORK"' EXIT

TYPE=application/vnd.mulu.tx.v1+json
CHAIN=$(curl -fsS "$NODE/v1/status" | sed -n 's/.*"chain_id":"\([^"]*\)".*/\1/p')
OFFICE=$(sed -n 's/.*"office": *"\([^"]*\)".*/\1/p' "$ENTRY" | head -1)
MEMBER=${OFFICE%%:*}

# 1. The payload: these very bytes are signed and kept.
{
  printf '{"schema_version":1,"chain_id":"%s","submitter":{"member":"%s","office":"%s"},' "$CHAIN" "$MEMBER" "$OFFICE"
  printf '"valid_until":1000,"actions":[{"type":"entry.publish","entry":'
  tr -d '\n' < "$ENTRY"
  printf '}]}'
} > "$WORK/payload"

# 2. The pre-authentication encoding, and the transaction id: SHA-256 of it.
{
  printf 'DSSEv1 %d %s %d ' ${#TYPE} "$TYPE" "$(wc -c < "$WORK/payload")"
  cat "$WORK/payload"
} > "$WORK/pae"
ID=sha256:$(sha256sum "$WORK/pae" | cut -d' ' -f1)

# 3. The signature, and the key id: the public key itself.
openssl pkeyutl -sign -inkey "$KEY" -rawin -in "$WORK/pae" -out "$WORK/signature"
PUBLIC=$(openssl pkey -in "$KEY" -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n')

# 4. The envelope.
printf '{"payloadType":"%s","payload":"%s","signatures":[{"keyid":"ed25519:%s","sig":"%s"}]}' \
  "$TYPE" "$(base64 < "$WORK/payload" | tr -d '\n')" "$PUBLIC" "$(base64 < "$WORK/signature" | tr -d '\n')" \
  > "$WORK/envelope"

echo "transaction $ID"
curl -fsS -X POST -H 'Content-Type: application/json' --data-binary "@$WORK/envelope" \
  "$NODE/v1/transactions?wait=committed"
echo
