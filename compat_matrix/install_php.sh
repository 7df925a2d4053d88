#!/usr/bin/env bash
# Brings the newest point releases of php-cli 8.4, 8.2 and 7.4, side by side, and prints a line each:
# "version path", or "version missing: reason".  Exits 1 when one is missing.
#
#   compat_matrix/install_php.sh [CACHE_DIR]      default: ${PHP_STREAMS_PHP:-~/.cache/php-streams/php}
#
# Each version comes from the Debian release that has it (8.4 from trixie, 8.2 from bookworm, 7.4 from bullseye)
# together with that release's security suite.  apt resolves and downloads into the cache folder, with state of
# its own: nothing of the system is changed, dpkg's lock is not needed, and neither is root.  The packages are
# unpacked there, and a copy of the binary gets their loader and libraries, so that it runs on host paths.
# A run with nothing newer to fetch costs a look at the package lists.
set -u
cache=${1:-${PHP_STREAMS_PHP:-${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/php-streams/php}}
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
versions='8.4:trixie 8.2:bookworm 7.4:bullseye'
extensions='json mbstring bz2 ctype iconv posix sockets tokenizer zip'
tries=3

log() { printf 'install_php: %s\n' "$*" >&2; }

# Has it what the cases need?
works() {
    # shellcheck disable=SC2016  # PHP's variable
    [ -x "$1" ] && "$1" -r 'foreach (["openssl", "zlib", "mbstring", "bz2", "json", "zip"] as $e) extension_loaded($e) || exit(1);' \
        >/dev/null 2>&1
}

release() { "$1" -r 'echo PHP_VERSION;' | sed 's/-.*//'; }

# The PHP of that version which the tests would use; fails when there is none.
php_of() {
    local php
    for php in "$cache/bin/php$1" "$(command -v "php$1")"; do
        works "$php" && printf '%s\n' "$php" && return 0
    done
    return 1
}

# Mirrors as apt itself uses them: none is named here.  A machine without the security suite is taken to have
# it beside the archive, as Debian's own mirrors do.
mirrors() {
    # shellcheck disable=SC2016  # apt-get's own placeholders
    archive=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null |
        awk '$2 ~ /^(bullseye|bookworm|trixie|forky)$/ {print $1; exit}')
    # shellcheck disable=SC2016
    security=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null |
        awk '$2 ~ /-security$/ {print $1; exit}')
    # Before the first `apt-get update` there are no targets: the sources say the same.
    [ -n "$archive" ] || archive=$(sources_of debian)
    [ -n "$security" ] || security=$(sources_of debian-security)
    [ -n "$security" ] || security=${archive%/}-security
    [ -n "$archive" ]
}

sources_of() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -oE "^(URIs:|deb ).*" | grep -oE "[a-z+]+:/[^ ]*/$1/?( |\$)" | tr -d ' ' | head -n 1
}

# apt with lists, status and archives of its own, for one suite.
own_apt() {
    local suite=$1
    shift
    "$1" -o Dir::Etc::SourceList="$cache/apt/$suite/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$cache/apt/$suite/state" -o Dir::State::status="$cache/apt/$suite/status" \
        -o Dir::Cache="$cache/apt/$suite/cache" -o APT::Sandbox::User= -o Debug::NoLocking=1 \
        -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Install-Recommends=0 \
        -o APT::Get::List-Cleanup=0 "${@:2}" </dev/null
}

# A failure that may pass is tried again; a package that the mirror does not hold is no such failure.
again() {
    local try
    for try in $(seq "$tries"); do
        "$@" >"$cache/last.log" 2>&1 && return 0
        cat "$cache/last.log" >>"$cache/install.log"
        grep -q '404 *Not Found' "$cache/last.log" && return 1
        [ "$try" = "$tries" ] || sleep $((try * 5))
    done
    return 1
}

lists() {
    local suite=$1 apt="$cache/apt/$1" keys=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    shift
    printf "deb [signed-by=$keys] %s main\n" "$archive $suite" "$@" >"$apt/sources.list"
    again own_apt "$suite" apt-get -o APT::Update::Error-Mode=any update
}

# The upstream release of the newest package: 8.4.27 of 8.4.27-1~deb13u1.
candidate() {
    own_apt "$1" apt-cache policy "php$2-cli" 2>/dev/null |
        sed -n 's/^  Candidate: \([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p'
}

# The newest packages of that suite, unpacked into a folder that takes its final name last.
unpack() {
    local suite=$1 root=$2 archives="$cache/apt/$1/cache/archives" package
    shift 2
    rm -rf "$root.part" "$archives"
    mkdir -p "$archives/partial" "$root.part"
    again own_apt "$suite" apt-get install --yes --download-only "$@" || return 1
    for package in "$archives"/*.deb; do
        dpkg-deb -x "$package" "$root.part" >>"$cache/install.log" 2>&1 || return 1
    done
    rm -rf "$archives" "$root"
    mv "$root.part" "$root"
}

# patchelf comes with the binaries it has to change, and so does its own libstdc++.
patch() {
    local tool="$cache/tool-patchelf" library=usr/lib/x86_64-linux-gnu
    [ -x "$tool/usr/bin/patchelf" ] || unpack trixie "$tool" patchelf || return 1
    "$tool/$library/ld-linux-x86-64.so.2" --library-path "$tool/$library" "$tool/usr/bin/patchelf" "$@" \
        >>"$cache/install.log" 2>&1
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
        patch --set-interpreter "$loader" --force-rpath \
            --set-rpath "$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu" "$binary.part" &&
        mv "$binary.part" "$binary" &&
        printf '#!/bin/sh\nPHPRC="%s" PHP_INI_SCAN_DIR= exec "%s" "$@"\n' "$ini" "$binary" >"$php.part" &&
        chmod +x "$php.part" && mv "$php.part" "$php" && works "$php"
}

# Newest or nothing: what is there already stays when it is as new as the packages.
bring() {
    local version=$1 suite=$2 newest php
    php=$(php_of "$version") || php=
    if ! lists "$suite" "$security $suite-security" || ! newest=$(candidate "$suite" "$version") || [ -z "$newest" ]; then
        [ -n "$php" ] && log "php $version: no package lists, so nobody knows whether a newer release is out" && return 0
        reason="no package lists of $suite can be had"
        return 1
    fi
    if [ -n "$php" ] && { [ "$(release "$php")" = "$newest" ] || dpkg --compare-versions "$(release "$php")" gt "$newest"; }; then
        return 0
    fi
    set -- "php$version-cli" "php$version-mbstring" "php$version-bz2" "php$version-zip"
    [ "$version" = 7.4 ] && set -- "$@" php7.4-json
    reason="its packages cannot be had or do not run here, see $cache/install.log"
    if ! unpack "$suite" "$cache/root-$version" "$@"; then
        # Mirrors drop the security packages of a release that has gone out of support.
        log "php $version: the packages of $suite-security cannot be had, those of $suite are taken"
        lists "$suite" && unpack "$suite" "$cache/root-$version" "$@" || return 1
    fi
    expose "$version"
}

# Why nothing can be fetched here at all; empty where it can.
obstacle() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        echo "not a Debian system"
    elif [ "$(uname -m)" != x86_64 ]; then
        echo "not an x86_64 machine"
    elif ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
        echo "cannot write to $cache"
    elif ! mirrors; then
        echo "apt has no source of Debian packages"
    fi
}

missing=0
reason=
why=$(obstacle)
if [ -z "$why" ]; then
    mirrors
    # One at a time: two runs would unpack into the same folder.
    exec 9>"$cache/lock"
    flock 9 2>/dev/null
fi
for pair in $versions; do
    version=${pair%%:*}
    [ -n "$why" ] || bring "$version" "${pair##*:}" || log "php $version: $reason"
    if php=$(php_of "$version"); then
        printf '%s %s\n' "$(release "$php")" "$php"
    else
        printf '%s missing: %s\n' "$version" "${why:-$reason}"
        missing=1
    fi
done
exit "$missing"
