#!/usr/bin/env bash
# Passes all tests, from nothing but Rust: finds PostgreSQL's server programs and PgBouncer, or installs them with the
# system's package manager, and runs the tests. These start a throwaway server of their own and take it away again.
#
#   ./test.sh                 everything
#   ./test.sh gate            only tests whose name has `gate` in it
#
# With SAGEWAI_TEST_DATABASE_URL=postgres://… an existing server is used for what needs no server of its own.
set -euo pipefail
cd "$(dirname "$0")"

has_postgres() {
    command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1 && return
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
    compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null && return
    compgen -G '/opt/homebrew/opt/postgresql*/bin/initdb' >/dev/null && return
    compgen -G '/usr/local/opt/postgresql*/bin/initdb' >/dev/null
}

install_postgres() {
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    echo "PostgreSQL's server programs are not here; installing them" >&2
    if command -v apt-get >/dev/null 2>&1; then
        # The package would start a cluster of its own; the tests need none.
        "${root[@]}" mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' |
            "${root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
        "${root[@]}" apt-get update
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql
    elif command -v dnf >/dev/null 2>&1; then
        "${root[@]}" dnf install -y postgresql-server
    elif command -v apk >/dev/null 2>&1; then
        "${root[@]}" apk add postgresql
    elif command -v pacman >/dev/null 2>&1; then
        "${root[@]}" pacman -Sy --noconfirm postgresql
    elif command -v brew >/dev/null 2>&1; then
        brew install postgresql
    else
        echo "install PostgreSQL's server programs (initdb, postgres), then run this again" >&2
        exit 1
    fi
}

has_pgbouncer() {
    command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ]
}

install_pgbouncer() {
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    echo "PgBouncer is not here; installing it" >&2
    if command -v apt-get >/dev/null 2>&1; then
        "${root[@]}" apt-get update
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends pgbouncer
        # The package starts one of its own; the tests need none.
        "${root[@]}" systemctl disable --now pgbouncer >/dev/null 2>&1 || true
    elif command -v dnf >/dev/null 2>&1; then
        "${root[@]}" dnf install -y pgbouncer
    elif command -v apk >/dev/null 2>&1; then
        "${root[@]}" apk add pgbouncer
    elif command -v pacman >/dev/null 2>&1; then
        "${root[@]}" pacman -Sy --noconfirm pgbouncer
    elif command -v brew >/dev/null 2>&1; then
        brew install pgbouncer
    else
        echo "install PgBouncer, then run this again" >&2
        exit 1
    fi
}

has_postgres || install_postgres
has_pgbouncer || install_pgbouncer
exec cargo test --workspace --all-features --locked -- "$@"
