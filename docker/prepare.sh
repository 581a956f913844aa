#!/bin/sh
# Founds a consortium of four departments for docker/compose.yaml, in docker/consortium.
# Needs the program mulu (MULU=path/to/mulu). The nodes' addresses are those of the compose network.
set -eu
cd "$(dirname "$0")"
MULU=${MULU:-mulu}
[ ! -e consortium ] || { echo "docker/consortium exists already" >&2; exit 1; }
"$MULU" devnet init --dir consortium
n=0
for department in market-regulation health-commission transport-bureau data-bureau; do
  n=$((n + 1))
  config=consortium/$department/config.toml
  # devnet puts every node on this machine, on ports 26601 to 26604; in the network each has an
  # address of its own and the same port.
  sed -i \
    -e "s|listen = \"/ip4/127.0.0.1/tcp/2660[1-4]\"|listen = \"/ip4/0.0.0.0/tcp/26601\"|" \
    -e "s|/ip4/127.0.0.1/tcp/2660\([1-4]\)/|/ip4/10.77.0.1\1/tcp/26601/|" \
    -e "s|listen = \"127.0.0.1:2670[1-4]\"|listen = \"0.0.0.0:26701\"|" \
    "$config"
  cat >> "$config" <<END

[storage]
bodies = "keep"
END
done
# The image runs as user 10001; as another user, run with MULU_UID=$(id -u) MULU_GID=$(id -g).
if [ "$(id -u)" = 0 ]; then chown -R 10001:10001 consortium/*/; fi
echo "founded: docker compose -f docker/compose.yaml up -d"
