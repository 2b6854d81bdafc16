# Runs a throwaway PostgreSQL server for as long as somebody holds the other end of its input.
#
#   sh -c "$script" cluster "$script" BIN_FOLDER SERVER_OPTIONS
#
# It tells `ready FOLDER` (the socket is in that folder) or `failed REASON`, then takes one word a line, `start`,
# `stop`, `crash`, `follow` (by a second server) or `promote` (that one), and answers each with `done` or `failed REASON`. When its input ends, because the holder said so
# or because it was killed, the server goes, and everything it wrote.

script=$1 bin=$2 options=$3
cd /

# The server refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    for user in postgres nobody; do
        id "$user" >/dev/null 2>&1 || continue
        if command -v setpriv >/dev/null 2>&1; then
            exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
                sh -c "$script" cluster "$script" "$bin" "$options"
        elif command -v runuser >/dev/null 2>&1; then
            exec runuser -u "$user" -- sh -c "$script" cluster "$script" "$bin" "$options"
        fi
    done
    echo "failed neither setpriv nor runuser, or no user to become, and the server refuses to run as root"
    exit 1
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/sagewai-pg.XXXXXX" 2>/dev/null || mktemp -d /tmp/sagewai-pg.XXXXXX)
log=$folder/log

server() {
    "$bin/pg_ctl" --pgdata "$folder/data" --silent --wait --timeout 60 "$@" </dev/null >>"$folder/control" 2>&1
}

reason() {
    echo "failed $(tail -n 5 "$folder/control" "$log" 2>/dev/null | tr '\n' ' ')"
}

start() {
    server start --log "$log" --options "-k $folder -c listen_addresses= $options"
}

if "$bin/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 --no-locale --no-sync \
    >"$folder/control" 2>&1 </dev/null && start; then
    echo "ready $folder"
else
    reason
fi

# A second server that follows the first one, with its socket beside it under port 5433.
standby() {
    "$bin/pg_basebackup" --host "$folder" --username postgres --pgdata "$folder/standby" --write-recovery-conf \
        --checkpoint fast --no-sync </dev/null >>"$folder/control" 2>&1 &&
        second start --log "$folder/standby.log" --options "-k $folder -p 5433 -c listen_addresses= $options"
}

second() {
    "$bin/pg_ctl" --pgdata "$folder/standby" --silent --wait --timeout 60 "$@" </dev/null >>"$folder/control" 2>&1
}

while read -r word; do
    case $word in
    start) start ;;
    stop) server stop --mode fast ;;
    crash) server stop --mode immediate ;;
    follow) standby ;;
    promote) second promote ;;
    *) false ;;
    esac && echo done || reason
done

server stop --mode immediate
[ ! -d "$folder/standby" ] || second stop --mode immediate
rm -rf "$folder"
