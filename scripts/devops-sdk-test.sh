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
# shellcheck source=scripts/platform.sh
source scripts/platform.sh
[[ -x "$pave" ]] || fail "no program at $pave; run 'cargo build' first"

make_venv tests/devops/requirements.txt "$venv"
if ! cmp -s tests/devops/package.json "$modules/package.json" || [[ ! -d "$modules/node_modules" ]]; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp tests/devops/package.json "$modules/package.json.new"
  (cd "$modules" && mv package.json.new package.json && npm install --silent --no-audit --no-fund --no-package-lock)
fi

make_home
start_platform --demo
export PAVE_DEVOPS_MODULES="$modules"
for test in sdk_test sdk_wide_test sdk_pipelines_test; do
  "$venv/bin/python" -B "tests/devops/$test.py"
  node "tests/devops/$test.mjs"
done
