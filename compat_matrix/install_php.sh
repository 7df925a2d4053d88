#!/usr/bin/env bash
# Installs php-cli 8.4, 8.2 and 7.4 side by side and prints one line each: "version path".
#
#   compat_matrix/install_php.sh [CACHE_DIR]      default: ${PHP_STREAMS_PHP:-~/.cache/php-streams/php}
#
# The version that this Debian has comes from apt.  The others are unpacked by debootstrap (8.4 from trixie,
# 8.2 from bookworm, 7.4 from bullseye) into the cache folder, and a copy of the binary is given that folder's
# loader and libraries, so that it runs on host paths without a chroot.  A PHP that is already there and has
# the extensions is left as it is, so the script can be run again at no cost.  Where installing is impossible
# (not root, not Debian) it says so in one line and exits 0: the test suite then runs offline, against what
# php-cli printed when the cases were recorded.
set -u
cache=${1:-${PHP_STREAMS_PHP:-${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/php-streams/php}}
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
suites='8.4:trixie 8.2:bookworm 7.4:bullseye'
extensions='json mbstring bz2 ctype iconv posix sockets tokenizer'

log() { printf '%s\n' "install_php: $*" >&2; }

# Has it what the cases need?
works() {
    # shellcheck disable=SC2016  # PHP's variable
    [ -x "$1" ] && "$1" -r 'foreach (["openssl", "zlib", "mbstring", "bz2", "json"] as $e) extension_loaded($e) || exit(1);' \
        >/dev/null 2>&1
}

# The PHP of that version which the tests would use; fails when there is none.
php_of() {
    local php
    for php in "$cache/bin/php$1" "$(command -v "php$1")"; do
        works "$php" && printf '%s\n' "$php" && return 0
    done
    return 1
}

report() {
    local pair php
    for pair in $suites; do
        if php=$(php_of "${pair%%:*}"); then
            printf '%s %s\n' "$("$php" -r 'echo PHP_VERSION;')" "$php"
        fi
    done
}

leave() {
    log "no further php can be installed here ($*); the tests use what there is"
    report
    exit 0
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$cache/install.log" 2>&1 </dev/null
}

# After a cut-short run dpkg wants to be set right, after a long time the lists have to be fetched anew.
apt_install_anyway() {
    apt_install "$@" || {
        dpkg --configure -a >>"$cache/install.log" 2>&1 </dev/null
        apt-get update >>"$cache/install.log" 2>&1 </dev/null
        apt_install "$@"
    }
}

# The mirror that apt itself uses for Debian: none is named here.
mirror() {
    # shellcheck disable=SC2016  # apt-get's own placeholders
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null |
        awk '$2 ~ /^(bookworm|trixie|bullseye)$/ {print $1; exit}'
}

# A debootstrap that was killed leaves the host's /proc mounted in its folder: rm must not walk in there.
wipe() {
    local mounted
    while read -r _ mounted _; do
        case $mounted in "$1"/*) umount -l "$mounted" 2>/dev/null ;; esac
    done </proc/mounts
    rm -rf --one-file-system "$1"
}

# A suite is unpacked beside its folder and moved there last: a run that was cut short leaves nothing half-made.
unpack() {
    local version=$1 suite=$2 root="$cache/root-$1"
    [ -x "$root/usr/bin/php$version" ] && return 0
    local packages="php$version-cli,php$version-mbstring,php$version-bz2,ca-certificates"
    [ "$version" = 7.4 ] && packages="$packages,php7.4-json"
    wipe "$root.part"
    wipe "$root"
    if ! debootstrap --variant=minbase --include="$packages" "$suite" "$root.part" "$from" \
        >>"$cache/install.log" 2>&1 </dev/null; then
        wipe "$root.part"
        return 1
    fi
    mv "$root.part" "$root"
}

# The wrapper in bin/ is written last: what carries the final name works.
expose() {
    local version=$1 root="$cache/root-$1" ini="$cache/ini-$1" php="$cache/bin/php$1" binary="$cache/bin/.php$1.bin"
    local api extension loader
    api=$(find "$root/usr/lib/php" -maxdepth 1 -type d -name '20*' | head -n 1)
    mkdir -p "$cache/bin" "$ini"
    {
        printf 'extension_dir="%s"\n' "$api"
        for extension in $extensions; do
            [ -e "$api/$extension.so" ] && printf 'extension=%s.so\n' "$extension"
        done
    } >"$ini/php.ini"
    # Not the link in lib64: in bullseye it is absolute and would name the host's loader.
    loader=$(find "$root/usr/lib/x86_64-linux-gnu" "$root/lib/x86_64-linux-gnu" -maxdepth 1 -type f \
        \( -name 'ld-2*.so' -o -name 'ld-linux-x86-64.so.2' \) 2>/dev/null | head -n 1)
    # The extensions need the folder's libraries too: DT_RPATH of the program serves them.
    cp "$root/usr/bin/php$version" "$binary.part" &&
        patchelf --set-interpreter "$loader" --force-rpath \
            --set-rpath "$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu" "$binary.part" \
            >>"$cache/install.log" 2>&1 &&
        mv "$binary.part" "$binary" &&
        printf '#!/bin/sh\nPHPRC="%s" PHP_INI_SCAN_DIR= exec "%s" "$@"\n' "$ini" "$binary" >"$php.part" &&
        chmod +x "$php.part" && mv "$php.part" "$php" && works "$php"
}

install() {
    local version=$1 suite=$2
    if apt-cache show "php$version-cli" >/dev/null 2>&1; then
        apt_install_anyway "php$version-cli" "php$version-mbstring" "php$version-bz2" && php_of "$version" >/dev/null && return 0
    fi
    [ -n "$from" ] || return 1
    command -v debootstrap >/dev/null && command -v patchelf >/dev/null || apt_install_anyway debootstrap patchelf || return 1
    unpack "$version" "$suite" && expose "$version"
}

missing=
for pair in $suites; do
    php_of "${pair%%:*}" >/dev/null || missing="$missing $pair"
done
if [ -z "$missing" ]; then
    report
    exit 0
fi

[ "$(id -u)" = 0 ] || leave "not root"
command -v apt-get >/dev/null || leave "not a Debian system"
[ "$(uname -m)" = x86_64 ] || leave "not an x86_64 machine"
mkdir -p "$cache" 2>/dev/null
[ -w "$cache" ] || leave "cannot write to $cache"
# One at a time: two runs would unpack into the same folder.
exec 9>"$cache/lock"
flock 9 2>/dev/null

from=$(mirror)
if [ -z "$from" ]; then
    apt-get update >>"$cache/install.log" 2>&1 </dev/null
    from=$(mirror)
fi
for pair in $missing; do
    # While this run waited for the lock, another may have made it.
    php_of "${pair%%:*}" >/dev/null || install "${pair%%:*}" "${pair##*:}" ||
        log "php ${pair%%:*} is not to be had here (see $cache/install.log)"
done
report
