#!/usr/bin/env bash
# Runs tests/azure/sdk_test.py, the unmodified Azure SDK for Python, against a platform started for it alone.
#
#   scripts/azure-sdk-test.sh [PAVE]    PAVE: the program, target/debug/pave when not given
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly target="${CARGO_TARGET_DIR:-$PWD/target}"
readonly venv="$target/azure-sdk"
pave="$(realpath --canonicalize-missing "${1:-$target/debug/pave}")"
readonly pave

fail() {
  echo "azure-sdk-test: $*" >&2
  exit 1
}
[[ -x "$pave" ]] || fail "no program at $pave; run 'cargo build' first"

# Another user runs PostgreSQL when this runs as root; that user must be able to pass.
home="$(mktemp -d /tmp/pave-azure-sdk.XXXXXX)"
chmod 755 "$home"
export PAVE_DATA="$home/data"
platform=
stop() {
  local status=$?
  trap - EXIT
  "$pave" down >/dev/null 2>&1 || true
  if [[ -n "$platform" ]]; then
    kill "$platform" 2>/dev/null || true
    wait "$platform" 2>/dev/null || true
  fi
  # Databases may lie outside of the data directory.
  "$pave" reset --yes >/dev/null 2>&1 || true
  if ((status != 0)); then tail -n 40 "$home/log" >&2 2>/dev/null || true; fi
  rm -rf "$home"
  exit "$status"
}
trap stop EXIT

# The SDK's own environment, made again when the requirements change.
if ! cmp -s tests/azure/requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/azure/requirements.txt
  cp tests/azure/requirements.txt "$venv/requirements.txt"
fi

"$pave" up --demo --portal-port 0 --output json >"$home/summary" 2>"$home/log" &
platform=$!

# What `pave env` prints is all that a client gets to know.
ready() {
  "$venv/bin/python" -c 'import json, sys; json.load(open(sys.argv[1]))' "$home/summary" 2>/dev/null
}
for _ in $(seq 600); do
  if ready; then break; fi
  kill -0 "$platform" 2>/dev/null || fail "the platform ended before it was ready"
  sleep 0.1
done
ready || fail "the platform was not ready within a minute"
exports="$("$pave" env)"
eval "$exports"

"$venv/bin/python" tests/azure/sdk_test.py
