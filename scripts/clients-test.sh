#!/usr/bin/env bash
# Runs tests/clients: Backstage's own modules for Azure DevOps, and the Azure CLI, all unmodified, against a platform started for them alone.
# Not part of `make test`: Backstage's packages are some 2,500.
#
#   scripts/clients-test.sh [PAVE]    PAVE: the program, target/debug/pave when not given
#
# The Azure CLI is taken if it is there, with the extension that `az extension add --name azure-devops` brings; AZ names another program.
# Platform and clients share a network of their own in which dev.azure.com is the platform: neither the machine's hosts file nor its
# port 443 is touched, and nothing can leave. That takes root, or a kernel that lets users make such namespaces.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly target="${CARGO_TARGET_DIR:-$PWD/target}"
export PAVE_CLIENTS_MODULES="${PAVE_CLIENTS_MODULES:-$target/clients/node}"

fail() {
  echo "clients-test: $*" >&2
  exit 1
}

if [[ "${1:-}" != --inside ]]; then
  pave="$(realpath --canonicalize-missing "${1:-$target/debug/pave}")"
  [[ -x "$pave" ]] || fail "no program at $pave; run 'cargo build' first"
  if [[ ! -d "$PAVE_CLIENTS_MODULES/node_modules" ]] ||
    { [[ -f "$PAVE_CLIENTS_MODULES/.lock" ]] && ! cmp -s tests/clients/backstage/package-lock.json "$PAVE_CLIENTS_MODULES/.lock"; }; then
    rm -rf "$PAVE_CLIENTS_MODULES"
    mkdir -p "$PAVE_CLIENTS_MODULES"
    cp tests/clients/backstage/package{,-lock}.json "$PAVE_CLIENTS_MODULES/"
    (cd "$PAVE_CLIENTS_MODULES" && npm ci --silent --ignore-scripts --no-audit --no-fund)
    cp tests/clients/backstage/package-lock.json "$PAVE_CLIENTS_MODULES/.lock"
  fi
  own=(unshare --mount --net)
  [[ "$(id -u)" == 0 ]] || own+=(--map-root-user)
  exec "${own[@]}" "$0" --inside "$pave"
fi

# Inside: a loopback and a hosts file of our own.
readonly pave="$2"
ip link set lo up
# Another user runs PostgreSQL when this runs as root; that user must be able to pass.
home="$(mktemp -d /tmp/pave-clients.XXXXXX)"
chmod 755 "$home"
printf '127.0.0.1 localhost dev.azure.com\n' >"$home/hosts"
mount --bind "$home/hosts" /etc/hosts
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
  umount /etc/hosts
  rm -rf "$home"
  exit "$status"
}
trap stop EXIT

export PAVE_SUMMARY="$home/summary"
"$pave" up --demo --portal-port 0 --forge-at https://dev.azure.com --output json >"$PAVE_SUMMARY" 2>"$home/log" &
platform=$!

# read_summary: the summary as shell assignments, once it is one whole JSON object.
read_summary() {
  python3 - "$PAVE_SUMMARY" <<'PYTHON'
import json, shlex, sys
summary = json.load(open(sys.argv[1]))
forge = summary["forge"]
names = {"PAVE_FORGE_URL": forge["url"], "PAVE_FORGE_ORGANIZATION": forge["organization"], "PAVE_FORGE_TOKEN": forge["token"]}
names["AZURE_DEVOPS_EXT_PAT"] = forge["token"]
for name in ("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"):
    names[name] = summary["authority"]
for name, value in names.items():
    print(f"export {name}={shlex.quote(value)}")
PYTHON
}
for _ in $(seq 600); do
  if assignments="$(read_summary 2>/dev/null)"; then break; fi
  kill -0 "$platform" 2>/dev/null || fail "the platform ended before it was ready"
  sleep 0.1
done
[[ -n "${assignments:-}" ]] || fail "the platform was not ready within a minute"
eval "$assignments"

node tests/clients/backstage/backstage_test.mjs
PAVE_FORGE_URL=https://dev.azure.com node tests/clients/backstage/backstage_test.mjs

az="${AZ:-az}"
if command -v "$az" >/dev/null; then
  # What az remembers, but for its extensions, is of this run alone; the extension keeps some in the home directory.
  AZURE_EXTENSION_DIR="${AZURE_EXTENSION_DIR:-${AZURE_CONFIG_DIR:-$HOME/.azure}/cliextensions}"
  export AZURE_EXTENSION_DIR AZURE_CONFIG_DIR="$home/az"
  export AZURE_CORE_COLLECT_TELEMETRY=false AZURE_CORE_INSTANCE_DISCOVERY=false
  HOME="$home" AZ="$az" python3 tests/clients/az/az_test.py
else
  echo "left out: az is not installed" >&2
fi
