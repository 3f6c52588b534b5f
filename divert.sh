#!/bin/sh
# Puts the shims at /usr/bin/git, kubectl, psql and curl, so that a caller with an absolute path, or a shell with a PATH of
# its own, meets the gate. The real programs are put aside by dpkg-divert, so upgrades go on working; a dpkg trigger pins
# them again when a package replaces them.
#
# A trigger and not a hook of apt's: it is dpkg's, so it also fires for `dpkg -i` and whatever else installs packages, and
# only when one of these very files was touched. It belongs to a small package, made here, since only packages can have
# interests. Its interest is "noawait": a pin that fails must not leave git half configured; the gate then sees a tool that
# has changed, and policy decides.
#
#   divert.sh on PREFIX     as root, on Debian; can be run again at any time
#   divert.sh off PREFIX    puts everything back
#   divert.sh check         says why it cannot work here, where it cannot
set -eu

# As deep as /usr/bin: Debian's psql is a relative link, and its target tells by the link's name which program to start.
aside=/usr/portcullis-diverted
package=portcullis-divert
tools="git kubectl psql curl"
changed=""
work=""

fail() {
    printf 'divert.sh: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'divert.sh: hint: %s\n' "$2" >&2
    exit 1
}

here() { [ -e "$1" ] || [ -L "$1" ]; }

# By what the link says, so that it is known also when the shim itself is gone.
is_shim() {
    case "$(readlink "$1" 2>/dev/null)" in */lib/portcullis/portcullis-shim) return 0 ;; *) return 1 ;; esac
}

ours() { [ "$(dpkg-divert --listpackage "/usr/bin/$1")" = "$package" ]; }

check() {
    [ "$(id -u)" = 0 ] || fail "diverting programs needs root" "run it as root"
    if ! [ -e /etc/debian_version ] || ! command -v dpkg-divert >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
        fail "this is no Debian: there is no dpkg-divert" "put PREFIX/lib/portcullis/shims first on the agent's PATH instead"
    fi
}

# ---- on ------------------------------------------------------------------------------------------------------------

# At no moment is there no program at /usr/bin/TOOL: the real one gets a second name, then the shim is renamed over it.
divert() {
    tool=$1 at=/usr/bin/$1
    if ours "$tool" && is_shim "$at" && here "$aside/$tool"; then
        echo "$at: the shim is there already"
        return 0
    fi
    if ! here "$at" && ! here "$aside/$tool"; then
        echo "$at: there is none"
        return 0
    fi
    by=$(dpkg-divert --listpackage "$at")
    [ -z "$by" ] || [ "$by" = "$package" ] || fail "$at is diverted already, by $by" "dpkg-divert --list $at"
    was=$(readlink -f "$at")
    changed="$tool $changed"
    if ! is_shim "$at"; then
        rm -f "$aside/$tool"
        ln -P "$at" "$aside/$tool" 2>/dev/null || cp -a "$at" "$aside/$tool"
    fi
    now=$(readlink -f "$aside/$tool")
    [ "$now" = "$was" ] || [ "$now" = "$aside/$tool" ] || is_shim "$at" ||
        fail "$at is a link that leads elsewhere from $aside" "replace it by a link to an absolute path"
    [ -x "$aside/$tool" ] || fail "$aside/$tool is no program"
    dpkg-divert --quiet --package "$package" --divert "$aside/$tool" --no-rename --add "$at"
    ln -sf "$shim" "$at.portcullis-new"
    mv -f "$at.portcullis-new" "$at"
    echo "$at: the shim; the real program is $aside/$tool"
}

# With the interests: the folder, since dpkg tells triggers the name that a file was diverted to, the names as packages have
# them, and what a link leads to.
trigger() {
    work=$(mktemp -d)
    mkdir -p "$work/$package/DEBIAN"
    cat >"$work/$package/DEBIAN/control" <<CONTROL
Package: $package
Version: 1
Architecture: all
Maintainer: root <root@localhost>
Description: pins the real programs behind Portcullis' shims after an upgrade
 Made and removed by install.sh --divert.
CONTROL
    for tool in $tools; do
        ours "$tool" || continue
        printf '%s\n' "/usr/bin/$tool" "$aside/$tool" "$(readlink -f "$aside/$tool")"
    done | sort -u | sed 's/^/interest-noawait /' >"$work/$package/DEBIAN/triggers"
    echo "interest-noawait $aside" >>"$work/$package/DEBIAN/triggers"
    cat >"$work/$package/DEBIAN/postinst" <<POSTINST
#!/bin/sh
# Never fails: a package manager must not stop here. A tool whose pin is old is one that has changed, for policy to judge.
[ ! -x "$prefix/bin/portcullis" ] || "$prefix/bin/portcullis" pin --again ||
    echo "$package: the real programs could not be pinned again: run $prefix/bin/portcullis doctor --fix" >&2
exit 0
POSTINST
    chmod 755 "$work/$package/DEBIAN/postinst"
    dpkg-deb --root-owner-group -b "$work/$package" "$work/$package.deb" >/dev/null
    dpkg -i "$work/$package.deb" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "the package with the trigger cannot be installed"
    }
}

# Half of it is worse than nothing: whatever this run has done is taken back.
ended() {
    code=$?
    trap - EXIT
    [ -z "$work" ] || rm -rf "$work"
    if [ "$code" != 0 ] && [ -n "$changed" ]; then
        echo "divert.sh: putting back: $changed" >&2
        # In a shell of its own each: what cannot be put back must not keep the others.
        for tool in $changed; do (restore "$tool") || true; done
        any || purge
        again || true
    fi
    exit "$code"
}

on() {
    [ -x "$shim" ] || fail "there is no shim at $shim" "install first"
    # A link is followed by whoever calls the tool.
    runuser -u nobody -- test -x "$shim" 2>/dev/null || echo "warning: other users cannot reach $shim, so they have none of $tools now" >&2
    mkdir -p "$aside"
    chmod 755 "$aside"
    trap ended EXIT
    for tool in $tools; do divert "$tool"; done
    any || fail "none of $tools is in /usr/bin"
    trigger
}

# ---- off -----------------------------------------------------------------------------------------------------------

restore() {
    tool=$1 at=/usr/bin/$1
    rm -f "$at.portcullis-new"
    if here "$aside/$tool" && ! is_shim "$at" && here "$at"; then
        # Two names of one program, of a run that was ended in between; anything else is somebody's own doing.
        cmp -s "$at" "$aside/$tool" || fail "$at is neither the shim nor $aside/$tool" "move one of them away, then run this again"
        rm -f "$aside/$tool"
    elif here "$aside/$tool"; then
        mv -f "$aside/$tool" "$at"
    elif is_shim "$at"; then
        # Its package was removed meanwhile.
        rm -f "$at"
    fi
    if ours "$tool"; then dpkg-divert --quiet --package "$package" --no-rename --remove "$at"; fi
}

any() {
    for tool in $tools; do
        if ours "$tool"; then return 0; fi
    done
    return 1
}

purge() {
    if dpkg-query -W "$package" >/dev/null 2>&1; then dpkg --purge "$package" >/dev/null; fi
    rmdir "$aside" 2>/dev/null || true
}

again() { [ ! -x "$prefix/bin/portcullis" ] || "$prefix/bin/portcullis" pin --again; }

off() {
    for tool in $tools; do
        if ours "$tool"; then
            restore "$tool"
            echo "/usr/bin/$tool: as its package has it"
        fi
    done
    purge
    again
}

main() {
    action=${1:-} prefix=${2:-/usr/local}
    case "$action" in on | off | check) ;; *) fail "what shall be done: on or off?" "divert.sh on PREFIX" ;; esac
    check
    shim="$prefix/lib/portcullis/portcullis-shim"
    [ "$action" = check ] || "$action"
}

main "$@"
