#!/usr/bin/env bash
# Everything that must hold before a change is merged; `make test` runs it. Goes on after a failure, so that one run
# shows all of them, and ends with one line: N passed, N failed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly target="${CARGO_TARGET_DIR:-$PWD/target}"
readonly logs="$target/test-logs"
mkdir -p "$logs"

passed=0
failed=0
failures=()

# step NAME COUNT COMMAND...: runs a command; COUNT is a function that reads "PASSED FAILED" out of its log, or `one`.
step() {
  local name="$1" count="$2" log status=0 began=$SECONDS found_passed=0 found_failed=0
  shift 2
  log="$logs/${name// /-}.log"
  printf '\n== %s\n' "$name"
  "$@" </dev/null 2>&1 | tee "$log" || status=$?
  read -r found_passed found_failed < <("$count" "$log" "$status")
  # A command that failed before it could count anything is a failure too.
  if ((status != 0 && found_failed == 0)); then found_failed=1; fi
  passed=$((passed + found_passed))
  failed=$((failed + found_failed))
  if ((found_failed > 0)); then failures+=("$name"); fi
  printf -- '-- %s: %s passed, %s failed, %s s\n' "$name" "$found_passed" "$found_failed" "$((SECONDS - began))"
  return 0
}

one() { if (($2 == 0)); then echo "1 0"; else echo "0 1"; fi; }

# "Summary [ 12.3s] 9 tests run: 8 passed (1 slow), 1 failed, 1 timed out, 0 skipped"
count_nextest() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^ *Summary \[/ {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) good = $(i - 1)
        if ($i ~ /^failed/ || $i ~ /^exec/ ) bad += $(i - 1)
        if ($i == "timed") bad += $(i - 1)
      }
    }
    END { print good + 0, bad + 0 }'
}

# "test result: ok. 5 passed; 0 failed; ...", once for each test program.
count_cargo() { awk '/^test result:/ { good += $4; bad += $6 } END { print good + 0, bad + 0 }' "$1"; }

# "# pass 5" and "# fail 0", or the same with another mark before them.
count_node() { awk '$2 == "pass" && NF == 3 { good = $3 } $2 == "fail" && NF == 3 { bad = $3 } END { print good + 0, bad + 0 }' "$1"; }

# " Tests  2 failed | 5 passed (7)"
count_vitest() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    $1 == "Tests" { for (i = 2; i <= NF; i++) { if ($i == "passed") good = $(i - 1); if ($i == "failed") bad = $(i - 1) } }
    END { print good + 0, bad + 0 }'
}

rust_tests() {
  if cargo nextest --version >/dev/null 2>&1; then
    # kubectl, git and whole platforms are started: give them room, and show only what fails.
    cargo nextest run --workspace --locked --no-fail-fast --status-level fail --final-status-level slow
  else
    cargo test --workspace --locked --no-fail-fast --lib --bins --tests
  fi
}

rust_counter() { if cargo nextest --version >/dev/null 2>&1; then echo count_nextest; else echo count_cargo; fi; }

shell_scripts() {
  local script
  for script in scripts/*.sh .ci/run; do bash -n "$script" || return 1; done
  if command -v shellcheck >/dev/null 2>&1; then shellcheck scripts/*.sh .ci/run; fi
}

any() { compgen -G "$1" >/dev/null; }

step "pages build" one make --no-print-directory web
step "rust format" one cargo fmt --all --check
step "shell scripts" one shell_scripts
step "rust build" one cargo build --workspace --locked
step "rust lints" one cargo clippy --workspace --all-targets --locked -- -D warnings
step "rust tests" "$(rust_counter)" rust_tests
step "rust examples in docs" count_cargo cargo test --workspace --locked --no-fail-fast --doc
if [[ -n "$(find web/src -name '*.test.ts' -o -name '*.test.tsx' | head -n 1)" ]]; then
  step "pages tests" count_vitest npm --prefix web test
fi
if any 'web/e2e/*.test.mjs'; then
  PAVE_BINARY="$target/debug/pave" step "pages in a browser" count_node node --test --test-concurrency=1 web/e2e/*.test.mjs
fi
step "azure sdk" one scripts/azure-sdk-test.sh "$target/debug/pave"
step "azure devops clients" one scripts/devops-sdk-test.sh "$target/debug/pave"

echo
for name in ${failures[@]+"${failures[@]}"}; do echo "failed: $name (log: $logs/${name// /-}.log)"; done
echo "$passed passed, $failed failed"
((failed == 0))
