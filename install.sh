#!/bin/sh
# Installs Portcullis from this checkout. Everything is in main, called on the last line, so that half a file does
# nothing.
set -eu

usage() {
    cat <<'TEXT'
Usage: ./install.sh [OPTION]...

Builds Portcullis and installs its three programs, the shims, the file that pins the real tools, shell completions and
manual pages. It says what it will do before it does it, and can be run again at any time.

  --demo             install into a folder of its own and show the gate at work: a git host, an HTTP API and a
                     PostgreSQL cluster on this machine, real commands through every stage, then a clean end
  --keep             with --demo: leave everything running (the default at a terminal)
  --no-keep          with --demo: end everything when it has been shown (the default elsewhere)
  --prefix DIR       install below DIR (default: /usr/local as root, else ~/.local; with --demo a folder of its own)
  --server URL       the policy server that this machine's keeper asks
  --ca FILE          its certificate authority, PEM (default: the system's)
  --divert           as root, on Debian: put the shims at /usr/bin/git and the others as well, for every user of this
                     machine; dpkg puts the real programs aside, and a trigger pins them again after each upgrade
  --uninstall        remove what an earlier run with the same --prefix installed
  --help             this text

As root it also creates the user `portcullis` and runs the keeper as it, so that the agent's user can read neither the
login nor any credential. Without root the keeper runs as you: `portcullis doctor` says what that leaves open.
TEXT
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'install.sh: hint: %s\n' "$2" >&2
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "'$*' needs root, and there is no sudo" "run it as root, then start install.sh again"
    fi
}

# ---- what the build needs ------------------------------------------------------------------------------------------

missing_packages() {
    packages=""
    command -v cc >/dev/null 2>&1 || packages="$packages gcc libc6-dev"
    command -v curl >/dev/null 2>&1 || packages="$packages curl ca-certificates"
    command -v git >/dev/null 2>&1 || packages="$packages git"
    # bindgen, for PostgreSQL's parser, loads libclang.
    find /usr/lib -name 'libclang*.so*' 2>/dev/null | grep -q . || packages="$packages libclang-dev"
    if [ "$demo" = yes ]; then
        command -v psql >/dev/null 2>&1 || packages="$packages postgresql-client"
        ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$packages postgresql"
        command -v setpriv >/dev/null 2>&1 || packages="$packages util-linux"
    fi
}

get_packages() {
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null 2>&1 || fail "missing:$packages" "install them with this system's package manager, then run this again"
    step "installing Debian packages:$packages"
    # shellcheck disable=SC2086 # a list of words
    as_root sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null' sh $packages ||
        fail "apt-get could not install:$packages"
}

get_rust() {
    PATH="$PATH:$HOME/.cargo/bin"
    export PATH
    command -v cargo >/dev/null 2>&1 && return 0
    step "installing Rust by rustup, into ~/.cargo and ~/.rustup"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y -q --profile minimal ||
        fail "rustup did not install Rust" "see https://rustup.rs, then run this again"
}

# ---- build ---------------------------------------------------------------------------------------------------------

# The shim must run in any container, so it is linked statically: against musl where Rust's library for it can be had,
# else against glibc.
build() {
    step "building the keeper, the command line and the server (minutes, the first time)"
    set -- --bin portcullis --bin portcullis-server
    [ "$demo" = no ] || set -- "$@" --bin portcullis-demo
    cargo build --release --locked --all-features "$@" || fail "the build failed" "the lines above say where"
    step "building the shim, static"
    musl="$(uname -m)-unknown-linux-musl"
    if ! has_target "$musl" && command -v rustup >/dev/null 2>&1; then
        rustup target add "$musl" >/dev/null 2>&1 || say "    Rust's musl library cannot be had; linking against glibc, statically"
    fi
    set -- --profile release-shim --locked --no-default-features --features shim --bin portcullis-shim
    if has_target "$musl"; then
        cargo build "$@" --target "$musl" || fail "the shim's build failed"
        shim="$target/$musl/release-shim/portcullis-shim"
    else
        host="$(rustc -vV | sed -n 's/^host: //p')"
        RUSTFLAGS="-C target-feature=+crt-static" cargo build "$@" --target "$host" || fail "the shim's build failed"
        shim="$target/$host/release-shim/portcullis-shim"
    fi
}

has_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; }

# ---- install -------------------------------------------------------------------------------------------------------

# A program may be running: put the new one beside it and rename. What is there already stays untouched.
put() {
    if cmp -s "$1" "$2"; then return 0; fi
    cp "$1" "$2.new"
    chmod "$3" "$2.new"
    mv -f "$2.new" "$2"
}

install_files() {
    step "installing below $prefix"
    lib="$prefix/lib/portcullis"
    mkdir -p "$prefix/bin" "$lib/shims" "$prefix/etc/portcullis" "$prefix/share/man/man1" \
        "$prefix/share/bash-completion/completions" "$prefix/share/zsh/site-functions" "$prefix/share/fish/vendor_completions.d"
    put "$target/release/portcullis" "$prefix/bin/portcullis" 755
    put "$target/release/portcullis-server" "$prefix/bin/portcullis-server" 755
    [ "$demo" = no ] || put "$target/release/portcullis-demo" "$lib/portcullis-demo" 755
    put "$shim" "$lib/portcullis-shim" 755
    ln -sfn portcullis-shim "$lib/git-credential-portcullis"
    for tool in git kubectl psql curl; do ln -sfn ../portcullis-shim "$lib/shims/$tool"; done
    "$prefix/bin/portcullis" completions bash >"$prefix/share/bash-completion/completions/portcullis"
    "$prefix/bin/portcullis" completions zsh >"$prefix/share/zsh/site-functions/_portcullis"
    "$prefix/bin/portcullis" completions fish >"$prefix/share/fish/vendor_completions.d/portcullis.fish"
    "$prefix/bin/portcullis" man --out "$prefix/share/man/man1"
    pin
    keeper_config
}

# The one file the shim reads. Nobody but its owner may write it, or the shim refuses to work.
pin() {
    "$prefix/bin/portcullis" pin --keeper "$run/keeper.sock" --out "$prefix/etc/portcullis/shim.json" ||
        fail "the real tools could not be written down"
    chmod 644 "$prefix/etc/portcullis/shim.json"
}

keeper_config() {
    config="$prefix/etc/portcullis/keeper.toml"
    if [ -e "$config" ] && [ -z "$server" ]; then return 0; fi
    {
        say "# What this machine's keeper asks, and where it keeps its things. 'portcullis keeper --help' explains each key."
        if [ -n "$server" ]; then say "server = \"$server\""; else say '# server = "https://gate.example"   # to be set before the keeper can start'; fi
        [ -z "$ca" ] || say "ca = \"$ca\""
        say "socket = \"$run/keeper.sock\""
        say "state = \"$state\""
    } >"$config.new"
    chmod 644 "$config.new"
    mv -f "$config.new" "$config"
}

# As root: a user of its own, which alone can read the login and the spool.
keeper_user() {
    is_root || return 0
    if ! id portcullis >/dev/null 2>&1; then
        step "creating the user portcullis"
        useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin portcullis ||
            fail "useradd could not create the user portcullis"
    fi
    mkdir -p "$state" "$run"
    chown portcullis:portcullis "$state" "$run"
    chmod 700 "$state"
    chmod 755 "$run"
    [ "$demo" = no ] && [ -d /run/systemd/system ] || return 0
    cat >/etc/systemd/system/portcullis-keeper.service <<UNIT
[Unit]
Description=Portcullis keeper: holds the login and the credentials of this machine's agents
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=$prefix/bin/portcullis keeper --config $prefix/etc/portcullis/keeper.toml
User=portcullis
RuntimeDirectory=portcullis
RuntimeDirectoryMode=0755
StateDirectory=portcullis
StateDirectoryMode=0700
Restart=always
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=$state $run
ProtectHome=yes
PrivateTmp=yes
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable -q portcullis-keeper
    [ -z "$server" ] || systemctl restart portcullis-keeper
}

uninstall() {
    say "Removing what install.sh put below $prefix."
    if is_root && command -v dpkg-divert >/dev/null 2>&1 && dpkg-divert --list | grep -q ' by portcullis-divert$'; then
        ./divert.sh off "$prefix" || fail "the real programs could not be put back"
    fi
    if [ -x "$prefix/lib/portcullis/portcullis-demo" ] && [ -e "$prefix/demo" ]; then
        "$prefix/lib/portcullis/portcullis-demo" stop --prefix "$prefix" || fail "the demo could not be ended"
    fi
    if is_root && [ -e /etc/systemd/system/portcullis-keeper.service ] && [ "$prefix" = /usr/local ]; then
        systemctl disable -q --now portcullis-keeper || true
        rm -f /etc/systemd/system/portcullis-keeper.service
        systemctl daemon-reload || true
    fi
    rm -rf "$prefix/lib/portcullis" "$prefix/etc/portcullis" "$prefix/demo" "$prefix/env"
    rm -f "$prefix/bin/portcullis" "$prefix/bin/portcullis-server" "$prefix"/share/man/man1/portcullis*.1 \
        "$prefix/share/bash-completion/completions/portcullis" "$prefix/share/zsh/site-functions/_portcullis" \
        "$prefix/share/fish/vendor_completions.d/portcullis.fish"
    for folder in share/man/man1 share/man share/bash-completion/completions share/bash-completion share/zsh/site-functions \
        share/zsh share/fish/vendor_completions.d share/fish share bin lib etc var run ""; do
        rmdir "$prefix/$folder" 2>/dev/null || true
    done
    say "Left: the keeper's state in $state (unsent recordings, the login), and the user portcullis."
    say "To remove those too: rm -rf $state; userdel portcullis"
}

# ---- words -----------------------------------------------------------------------------------------------------------

plan() {
    say "Portcullis: this will"
    [ -z "$packages" ] || say "  - install Debian packages:$packages"
    command -v cargo >/dev/null 2>&1 || [ -x "$HOME/.cargo/bin/cargo" ] || say "  - install Rust by rustup, into ~/.cargo and ~/.rustup"
    say "  - build three programs in $target"
    say "  - install them, the shims, completions and manual pages below $prefix"
    if is_root; then
        say "  - create the system user portcullis, who runs the keeper, with its state in $state"
    else
        say "  - run the keeper as you (weaker than as root, where it gets a user of its own)"
    fi
    [ "$divert" = no ] || say "  - put the shims at /usr/bin/git, kubectl, psql and curl, and the real programs into /usr/portcullis-diverted"
    [ "$demo" = no ] || say "  - start a git host, an HTTP API, a PostgreSQL cluster, a server and a keeper on 127.0.0.1, and use them"
    undo="./install.sh --uninstall"
    [ -z "$prefix_given" ] && [ "$demo" = no ] || undo="$undo --prefix $prefix"
    say "To undo it: $undo"
    say ""
}

next_steps() {
    say ""
    say "Installed. Next:"
    [ -n "$server" ] || say "  1. name your server: edit $prefix/etc/portcullis/keeper.toml"
    if is_root && [ -d /run/systemd/system ]; then
        say "  2. start the keeper: systemctl restart portcullis-keeper"
    elif is_root; then
        say "  2. start the keeper: setpriv --reuid=portcullis --regid=portcullis --init-groups $prefix/bin/portcullis keeper &"
    else
        say "  2. start the keeper: $prefix/bin/portcullis keeper &"
    fi
    say "  3. sign this machine in: $prefix/bin/portcullis login"
    [ "$divert" = yes ] || say "  4. put the shims first on the agent's PATH: export PATH=$prefix/lib/portcullis/shims:\$PATH"
    say "  5. see what is closed: $prefix/bin/portcullis doctor"
}

step() { printf '==> %s\n' "$*"; }

options() {
    demo=no divert=no keep="" prefix="" prefix_given="" server="" ca="" action=install
    while [ $# -gt 0 ]; do
        case "$1" in
            --demo) demo=yes ;;
            --keep) keep=yes ;;
            --no-keep) keep=no ;;
            --prefix | --server | --ca)
                [ $# -ge 2 ] || fail "$1 needs a value" "./install.sh --help"
                case "$1" in --prefix) prefix=$2 prefix_given=yes ;; --server) server=$2 ;; *) ca=$2 ;; esac
                shift
                ;;
            --prefix=*) prefix=${1#*=} prefix_given=yes ;;
            --server=*) server=${1#*=} ;;
            --ca=*) ca=${1#*=} ;;
            --divert) divert=yes ;;
            --uninstall) action=uninstall ;;
            --help | -h) usage && exit 0 ;;
            *) fail "unknown option $1" "./install.sh --help" ;;
        esac
        shift
    done
    [ "$divert$demo" != yesyes ] || fail "--divert changes this machine, and a demo must not" "leave one of them out"
    case "$server" in "" | https://*) ;; *) fail "--server must be an https:// address, not $server" ;; esac
    case "$server$ca$prefix" in *[\"\\]*) fail "quotes and backslashes cannot stand in --server, --ca or --prefix" ;; esac
}

places() {
    if [ -z "$prefix" ]; then
        if [ "$demo" = yes ]; then
            if is_root; then prefix=/opt/portcullis-demo; else prefix="${XDG_DATA_HOME:-$HOME/.local/share}/portcullis-demo"; fi
        elif is_root; then
            prefix=/usr/local
        else
            prefix="$HOME/.local"
        fi
    fi
    case "$prefix" in /*) ;; *) prefix="$(pwd)/$prefix" ;; esac
    if is_root && [ "$prefix" = /usr/local ]; then
        state=/var/lib/portcullis run=/run/portcullis
    else
        state="$prefix/var/portcullis" run="$prefix/run"
    fi
    target="${CARGO_TARGET_DIR:-$(pwd)/target}"
}

main() {
    here=$(pwd)
    options "$@"
    case "$prefix" in "" | /*) ;; *) prefix="$here/$prefix" ;; esac
    cd "$(dirname "$0")"
    places
    if [ "$action" = uninstall ]; then
        uninstall
        return 0
    fi
    # Before minutes of building.
    [ "$divert" = no ] || ./divert.sh check
    missing_packages
    plan
    get_packages
    get_rust
    build
    install_files
    mkdir -p "$state" "$run"
    keeper_user
    if [ "$divert" = yes ]; then
        step "diverting the real programs"
        ./divert.sh on "$prefix" || fail "the real programs could not be diverted; they are where they were"
    fi
    if [ "$demo" = yes ]; then
        [ -n "$keep" ] || { if [ -t 1 ]; then keep=yes; else keep=no; fi; }
        exec "$prefix/lib/portcullis/portcullis-demo" run --prefix "$prefix" --keep="$keep"
    fi
    next_steps
}

main "$@"
