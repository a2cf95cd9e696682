#!/usr/bin/env bash
# Checks what Pave needs on a Debian or Ubuntu machine and installs what is missing, saying what it does.
#
#   scripts/prerequisites.sh            what `make run` needs: build it, run it
#   scripts/prerequisites.sh --test     and what `make test` needs beside that
#   scripts/prerequisites.sh --check    only report; ends with 1 when something is missing
#
# System packages are taken where they are new enough; otherwise Rust comes by rustup and Node as the official archive,
# both pinned by version and checksum. Rust goes where rustup puts it, Node and kubectl below target/tools of this
# project (the Makefile puts both on the path). Nothing else is changed on the machine.
set -euo pipefail

readonly MINIMUM_RUST=1.89
readonly MINIMUM_NODE=20.19
readonly MINIMUM_KUBECTL=1.28

# Pinned downloads. A change of version changes all checksums below it.
readonly RUST=1.95.0
readonly RUSTUP=1.28.2
readonly RUSTUP_AMD64=20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c
readonly RUSTUP_ARM64=e3853c5a252fca15252d07cb23a1bdd9377a8c6f3efa01531109281ae47f841c
readonly NODE=22.20.0
readonly NODE_AMD64=00bbd05e306ea68b6e13e17360d0e2f680b493ef95f2fea1c4296ff7437530bc
readonly NODE_ARM64=06907b9c088ce62305bc1530e5c1ae1510245114645768f7750c349c5b6fe667
readonly KUBECTL=1.34.4
readonly KUBECTL_AMD64=d50c359d95e0841eaad08ddc27c7be37cba8fdccfba5c8e2ded65e121ff112db
readonly KUBECTL_ARM64=5b982c0644ab1e27780246b9085a5886651b4a7ed86243acbb2bacc1bea01dda

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly tools="$PWD/target/tools"
readonly cargo_home="${CARGO_HOME:-${HOME:-/root}/.cargo}"
export PATH="$tools/bin:$tools/node/bin:$cargo_home/bin:$PATH"

check_only=false
for_tests=false
apt_updated=false
missing=0

say() { printf 'prerequisites: %s\n' "$*"; }
fail() {
  printf 'prerequisites: %s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# at_least FOUND WANTED: whether a dotted version is high enough.
at_least() { [[ -n "$1" && "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

# The first dotted number in what a program prints.
version_of() { "$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true; }

as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    "$@"
  elif has sudo; then
    if [[ -n "${CI:-}" || ! -t 0 ]]; then sudo -n "$@"; else sudo "$@"; fi
  else
    fail "this needs root: $*"
  fi
}

# --- the system's packages -------------------------------------------------------------------------------------------

apt_update() {
  if ! $apt_updated; then
    say "reading the package lists (apt-get update)"
    as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
    apt_updated=true
  fi
}

apt_install() {
  has apt-get || fail "not a Debian or Ubuntu system; install these yourself: $*"
  apt_update
  say "installing by apt: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@" >/dev/null
}

# The version that apt would install, without epoch and revision; nothing when there is no such package.
apt_version() {
  has apt-cache || return 0
  apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9]*:\)\{0,1\}\([0-9][0-9.]*\).*/\2/p' | head -n 1
}

# --- downloads -------------------------------------------------------------------------------------------------------

architecture() {
  case "$(uname -m)" in
    x86_64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) fail "there is no pinned download for $(uname -m)" ;;
  esac
}

# by_architecture AMD64 ARM64: the one that fits.
by_architecture() { if [[ "$(architecture)" == amd64 ]]; then echo "$1"; else echo "$2"; fi; }

# download URL SHA256 FILE
download() {
  if ! has curl || [[ ! -e /etc/ssl/certs/ca-certificates.crt ]]; then apt_install curl ca-certificates; fi
  say "downloading $1"
  curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 2 --connect-timeout 20 --output "$3" "$1" ||
    return 1
  echo "$2  $3" | sha256sum --check --quiet - || fail "$1 does not have the pinned checksum $2"
}

# --- what is needed: have_X says whether it is there, install_X brings it --------------------------------------------

have_git() { has git; }
install_git() { apt_install git ca-certificates; }

have_curl() { has curl && [[ -e /etc/ssl/certs/ca-certificates.crt ]]; }
install_curl() { apt_install curl ca-certificates; }

# SQLite and ring are compiled from C; a compiler without the C library's headers is not enough.
have_compiler() { has cc && echo '#include <stdlib.h>' | cc -x c -c - -o /dev/null 2>/dev/null; }
install_compiler() { apt_install gcc libc6-dev; }

have_make() { has make; }
install_make() { apt_install make; }

have_postgresql() {
  local program
  has initdb && has postgres && return 0
  for program in /usr/lib/postgresql/*/bin/initdb; do
    [[ -x "$program" && -x "${program%/*}/postgres" ]] && return 0
  done
  return 1
}
# Only the programs are wanted. The package would make a server of its own that listens on port 5432 of this machine.
install_postgresql() {
  if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    say "telling postgresql-common not to make and start a server (/etc/postgresql-common/createcluster.conf)"
    as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  apt_install postgresql
}

have_psql() { has psql; }
install_psql() { apt_install postgresql-client; }

have_rust() { at_least "$(version_of cargo --version)" "$MINIMUM_RUST"; }
install_rust() {
  local directory
  if has rustup; then
    say "installing Rust $RUST with the rustup that is here"
    rustup toolchain install "$RUST" --profile minimal && rustup default "$RUST"
    return
  fi
  if has apt-cache; then apt_update; fi
  if at_least "$(apt_version cargo)" "$MINIMUM_RUST"; then
    apt_install cargo rustc
    return
  fi
  directory="$(mktemp -d)"
  download "https://static.rust-lang.org/rustup/archive/$RUSTUP/$(by_architecture x86_64 aarch64)-unknown-linux-gnu/rustup-init" \
    "$(by_architecture $RUSTUP_AMD64 $RUSTUP_ARM64)" "$directory/rustup-init" ||
    fail "cannot download rustup; install Rust $MINIMUM_RUST or newer yourself (https://rustup.rs)"
  say "installing Rust $RUST into $cargo_home (shell profiles are not changed)"
  chmod +x "$directory/rustup-init"
  "$directory/rustup-init" -y --quiet --no-modify-path --profile minimal --default-toolchain "$RUST"
  rm -rf "$directory"
}

have_lints() { cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; }
install_lints() {
  if has rustup; then
    say "adding clippy and rustfmt to Rust"
    rustup component add clippy rustfmt
  else
    apt_install rust-clippy rustfmt
  fi
}

have_node() { at_least "$(version_of node --version)" "$MINIMUM_NODE" && has npm; }
install_node() {
  local directory name
  if has apt-cache; then apt_update; fi
  if at_least "$(apt_version nodejs)" "$MINIMUM_NODE"; then
    apt_install nodejs
    has npm || apt_install npm
    return
  fi
  has xz || apt_install xz-utils
  directory="$(mktemp -d)"
  name="node-v$NODE-linux-$(by_architecture x64 arm64)"
  download "https://nodejs.org/dist/v$NODE/$name.tar.xz" "$(by_architecture $NODE_AMD64 $NODE_ARM64)" "$directory/node.tar.xz" ||
    fail "cannot download Node; install Node $MINIMUM_NODE or newer with npm yourself (https://nodejs.org)"
  say "unpacking Node $NODE into $tools/node"
  rm -rf "$tools/node"
  mkdir -p "$tools/node"
  tar -xJf "$directory/node.tar.xz" -C "$tools/node" --strip-components=1
  rm -rf "$directory"
}

have_kubectl() { at_least "$(version_of kubectl version --client)" "$MINIMUM_KUBECTL"; }
# Not needed to build or run Pave, only to look into its cluster: when it cannot be had, that is no failure.
install_kubectl() {
  if has apt-cache; then apt_update; fi
  if at_least "$(apt_version kubernetes-client)" "$MINIMUM_KUBECTL"; then
    apt_install kubernetes-client
    return
  fi
  mkdir -p "$tools/bin"
  if download "https://dl.k8s.io/release/v$KUBECTL/bin/linux/$(architecture)/kubectl" \
    "$(by_architecture $KUBECTL_AMD64 $KUBECTL_ARM64)" "$tools/bin/kubectl.part"; then
    chmod +x "$tools/bin/kubectl.part"
    mv "$tools/bin/kubectl.part" "$tools/bin/kubectl"
    say "kubectl $KUBECTL is at $tools/bin/kubectl"
  else
    rm -f "$tools/bin/kubectl.part"
    say "going on without kubectl: it cannot be downloaded, and only what uses it is left out"
  fi
}

have_python() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }
install_python() { apt_install python3 python3-venv; }

have_chromium() { has chromium || has chromium-browser || has google-chrome || [[ -n "${PAVE_CHROMIUM:-}" ]]; }
install_chromium() {
  if [[ -n "$(apt_version chromium)" ]]; then
    apt_install chromium
  else
    fail "there is no package 'chromium'; install a Chromium and name it in PAVE_CHROMIUM"
  fi
}

# --- main ------------------------------------------------------------------------------------------------------------

# need NAME WORDS: installs NAME, or only says that it is missing.
need() {
  if "have_$1"; then
    if $check_only; then printf '  %-12s there     %s\n' "$1" "$2"; fi
  elif $check_only; then
    printf '  %-12s MISSING   %s\n' "$1" "$2"
    if [[ "$1" != kubectl ]]; then missing=$((missing + 1)); fi
  else
    say "$1 is missing: $2"
    "install_$1"
    hash -r
    if ! "have_$1" && [[ "$1" != kubectl ]]; then fail "$1 is still missing after its installation"; fi
  fi
}

main() {
  local argument
  for argument in "$@"; do
    case "$argument" in
      --check) check_only=true ;;
      --test) for_tests=true ;;
      *) fail "unknown argument '$argument'; see the head of scripts/prerequisites.sh" ;;
    esac
  done

  need make "the list of commands"
  need git "Pave works with repositories through the git program"
  need curl "downloads, with the certificate authorities to check them"
  need compiler "a C compiler with headers, for SQLite and the cryptography library"
  need postgresql "PostgreSQL's server programs, version by the distribution"
  need psql "to log in to a database"
  need rust "Rust $MINIMUM_RUST or newer"
  need node "Node $MINIMUM_NODE or newer with npm, to build the pages"
  need kubectl "kubectl $MINIMUM_KUBECTL or newer, to look into the cluster (optional)"
  if $for_tests; then
    need lints "clippy and rustfmt"
    need python "Python 3 with venv, for the Azure SDK"
    need chromium "a browser for the pages"
  fi

  if $check_only && ((missing > 0)); then
    printf '  %s missing; without --check they are installed\n' "$missing"
    exit 1
  fi
}

main "$@"
