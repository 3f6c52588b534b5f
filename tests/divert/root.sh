#!/bin/sh
# A Debian 12 with git, curl and psql in this folder, which is made once: nothing that this test does may touch the machine
# that it runs on.
set -eu

main() {
    root=$1
    [ ! -e "$root/made" ] || return 0
    echo "making a Debian root in $root"
    new="$root.new"
    rm -rf "$root" "$new"
    debootstrap --variant=minbase --include=git,curl,postgresql-client,ca-certificates bookworm "$new" >"$new.log" 2>&1 || {
        tail -n 3 "$new.log" >&2
        return 1
    }
    # What the test installs again, so that it needs no network.
    rm -f "$new"/var/cache/apt/archives/*.deb
    chroot "$new" apt-get -qq -y --download-only --reinstall install git curl postgresql-client-common >>"$new.log" 2>&1
    touch "$new/made"
    mv "$new" "$root"
}

main "$@"
