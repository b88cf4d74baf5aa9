#!/bin/sh
# One peer as the bench uses it: started by its manifest, verified part by part, and a few messages delivered.
# usage: peer_test.sh PEER BIN_DIR ROOT
set -eu
peer=$1
bin=$2
root=$3

# The first package is the peer's own.
package=$(sed -n 's/.*"packages": \["\([^"]*\)".*/\1/p' "$root/peers/$peer/pattern.json")
if [ -n "$package" ] && ! dpkg-query -W "$package" >/dev/null 2>&1; then
  echo "skipped: $package is not installed (peers/deps)"
  exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$bin/comet-loadgen" bench --entries "$peer" --held 10 --repeats 1 --rounds 3 --root "$root" --out "$out"
for file in "$out"/*/*.json; do
  grep -q '"status": "complete"' "$file" || { echo "$file: not complete" >&2; exit 1; }
done
