# shellcheck shell=bash
# For scripts that drive clients against a platform of their own; to be sourced. It wants `set -euo pipefail` and `pave`, the program.
: "${pave:?}"

fail() {
  echo "$(basename "$0" .sh): $*" >&2
  exit 1
}

# make_home: a directory that is gone, with all that was started there, when the script ends.
make_home() {
  # Another user runs PostgreSQL when this runs as root; that user must be able to pass.
  home="$(mktemp -d /tmp/pave-clients.XXXXXX)"
  chmod 755 "$home"
  export PAVE_DATA="$home/data"
  platform=
  trap stop_platform EXIT
}

stop_platform() {
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
  if declare -F clean_up >/dev/null; then clean_up; fi
  rm -rf "$home"
  exit "$status"
}

# start_platform ARGUMENTS: of `pave up`; waits for it, and exports where the forge is and whom to trust.
start_platform() {
  local assignments=
  "$pave" up --portal-port 0 --output json "$@" >"$home/summary" 2>"$home/log" &
  platform=$!
  for _ in $(seq 600); do
    if assignments="$(read_summary 2>/dev/null)"; then break; fi
    kill -0 "$platform" 2>/dev/null || fail "the platform ended before it was ready"
    sleep 0.1
  done
  [[ -n "$assignments" ]] || fail "the platform was not ready within a minute"
  eval "$assignments"
}

# read_summary: the summary as shell assignments, once it is one whole JSON object.
read_summary() {
  python3 - "$home/summary" <<'PYTHON'
import json, shlex, sys
summary = json.load(open(sys.argv[1]))
names = {f"PAVE_FORGE_{name.upper()}": summary["forge"][name] for name in ("url", "organization", "token")}
names |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"), summary["authority"])
for name, value in names.items():
    print(f"export {name}={shlex.quote(value)}")
PYTHON
}

# make_venv REQUIREMENTS VENV: a client's own environment, made again when the requirements change.
make_venv() {
  if cmp -s "$1" "$2/requirements.txt"; then return; fi
  rm -rf "$2"
  python3 -m venv "$2"
  "$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$1"
  cp "$1" "$2/requirements.txt"
}
