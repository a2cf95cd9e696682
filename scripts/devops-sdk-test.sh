#!/usr/bin/env bash
# Runs tests/devops: the unmodified Azure DevOps clients for Node.js and Python, and isomorphic-git, against a platform started for it alone.
#
#   scripts/devops-sdk-test.sh [PAVE]    PAVE: the program, target/debug/pave when not given
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly target="${CARGO_TARGET_DIR:-$PWD/target}"
readonly venv="$target/devops-sdk/python"
readonly modules="$target/devops-sdk/node"
pave="$(realpath --canonicalize-missing "${1:-$target/debug/pave}")"
readonly pave

fail() {
  echo "devops-sdk-test: $*" >&2
  exit 1
}
[[ -x "$pave" ]] || fail "no program at $pave; run 'cargo build' first"

# Another user runs PostgreSQL when this runs as root; that user must be able to pass.
home="$(mktemp -d /tmp/pave-devops-sdk.XXXXXX)"
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
  if ((status != 0)); then tail -n 40 "$home/log" >&2 2>/dev/null || true; fi
  rm -rf "$home"
  exit "$status"
}
trap stop EXIT

# The clients' own environments, made again when the requirements change.
if ! cmp -s tests/devops/requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/devops/requirements.txt
  cp tests/devops/requirements.txt "$venv/requirements.txt"
fi
if ! cmp -s tests/devops/package.json "$modules/package.json" || [[ ! -d "$modules/node_modules" ]]; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp tests/devops/package.json "$modules/package.json.new"
  (cd "$modules" && mv package.json.new package.json && npm install --silent --no-audit --no-fund --no-package-lock)
fi

"$pave" up --demo --portal-port 0 --output json >"$home/summary" 2>"$home/log" &
platform=$!

# read_summary: the summary as shell assignments, once it is one whole JSON object.
read_summary() {
  "$venv/bin/python" - "$home/summary" <<'PYTHON'
import json, shlex, sys
summary = json.load(open(sys.argv[1]))
forge = summary["forge"]
for name, key in {"URL": "url", "ORGANIZATION": "organization", "TOKEN": "token"}.items():
    print(f"export PAVE_FORGE_{name}={shlex.quote(forge[key])}")
for name in ("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
    print(f"export {name}={shlex.quote(summary['authority'])}")
PYTHON
}
for _ in $(seq 600); do
  if assignments="$(read_summary 2>/dev/null)"; then break; fi
  kill -0 "$platform" 2>/dev/null || fail "the platform ended before it was ready"
  sleep 0.1
done
[[ -n "${assignments:-}" ]] || fail "the platform was not ready within a minute"
eval "$assignments"

export PAVE_DEVOPS_MODULES="$modules"
for test in sdk_test sdk_wide_test sdk_pipelines_test; do
  "$venv/bin/python" -B "tests/devops/$test.py"
  node "tests/devops/$test.mjs"
done
