#!/bin/sh
# Builds the programs as install.sh does, and prints what they cost beside the bare tools. The words say which parts:
# latency, bulk, big, load, short, start; without any, all. README.md names the variables that make it shorter or longer.
set -eu

main() {
    cd "$(dirname "$0")/.."
    cargo build --release --bin portcullis --bin portcullis-server
    musl="$(uname -m)-unknown-linux-musl"
    set -- "$musl" "$@"
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; then
        shift
        set -- "$(rustc -vV | sed -n 's/^host: //p')" "$@"
        export RUSTFLAGS="-C target-feature=+crt-static"
    fi
    cargo build --profile release-shim --no-default-features --features shim --bin portcullis-shim --target "$1"
    unset RUSTFLAGS
    programs="target/bench-programs"
    mkdir -p "$programs"
    cp -f target/release/portcullis target/release/portcullis-server "target/$1/release-shim/portcullis-shim" "$programs"
    shift
    # The harness itself needs no speed: the tests' own build serves.
    PORTCULLIS_BENCH_PROGRAMS="$PWD/$programs" cargo bench --profile dev --bench overhead -- "$@"
}

main "$@"
