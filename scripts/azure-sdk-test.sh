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
# shellcheck source=scripts/platform.sh
source scripts/platform.sh
[[ -x "$pave" ]] || fail "no program at $pave; run 'cargo build' first"

make_venv tests/azure/requirements.txt "$venv"
make_home
start_platform --demo
# What `pave env` prints is all that a client gets to know.
exports="$("$pave" env)"
eval "$exports"

"$venv/bin/python" tests/azure/sdk_test.py
