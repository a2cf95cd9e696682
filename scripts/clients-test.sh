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

is_inside=
if [[ "${1:-}" == --inside ]]; then
  is_inside=yes
  shift
fi
pave="$(realpath --canonicalize-missing "${1:-$target/debug/pave}")"
readonly pave
# shellcheck source=scripts/platform.sh
source scripts/platform.sh

if [[ -z "$is_inside" ]]; then
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
ip link set lo up
make_home
printf '127.0.0.1 localhost dev.azure.com\n' >"$home/hosts"
mount --bind "$home/hosts" /etc/hosts
clean_up() {
  umount /etc/hosts
}
export PAVE_SUMMARY="$home/summary"
start_platform --demo --forge-at https://dev.azure.com
export AZURE_DEVOPS_EXT_PAT="$PAVE_FORGE_TOKEN"

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
