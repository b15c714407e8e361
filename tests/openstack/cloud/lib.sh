# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the scripts of this folder share; sourced by each of them, with STATE set to the folder of
# one cloud. Everything that a cloud has is below it: settings, configuration, databases, logs,
# and the pids of what was started. Everything listens on 127.0.0.1, at $PORT_BASE and the next 31.

: "${STATE:?the folder of the cloud}"
# The distribution's own programs: another python in front of them breaks the services.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=$STATE/home TMPDIR=$STATE/tmp
unset PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED REQUESTS_CA_BUNDLE
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

export ETC=$STATE/etc LOG=$STATE/log RUN=$STATE/run DB=$STATE/db
# shellcheck source=/dev/null
[ ! -f "$STATE/settings" ] || . "$STATE/settings"

HOST=127.0.0.1
REGION=RegionOne
COMPUTE=machine-one # as which nova-compute and the network's agents are known
NETWORK=flat        # the one network, which everybody may use
GATEWAY=10.77.0.1
if [ -n "${PORT_BASE:-}" ]; then
    KEYSTONE=$PORT_BASE GLANCE=$((PORT_BASE + 1)) PLACEMENT=$((PORT_BASE + 2))
    NOVA=$((PORT_BASE + 3)) NEUTRON=$((PORT_BASE + 4)) SWIFT=$((PORT_BASE + 5))
    MISTRAL=$((PORT_BASE + 6)) FILES=$((PORT_BASE + 7)) RABBIT=$((PORT_BASE + 8))
    RABBIT_NODES=$((PORT_BASE + 9)) EPMD=$((PORT_BASE + 10)) MEMCACHED=$((PORT_BASE + 11))
    SWIFT_ACCOUNT=$((PORT_BASE + 12)) SWIFT_CONTAINER=$((PORT_BASE + 13))
    SWIFT_OBJECT=$((PORT_BASE + 14))
fi
export KEYSTONE GLANCE PLACEMENT NOVA NEUTRON SWIFT MISTRAL RABBIT RABBIT_NODES EPMD
export MEMCACHED SWIFT_ACCOUNT SWIFT_CONTAINER SWIFT_OBJECT FILES COMPUTE NETWORK GATEWAY

say() {
    printf '[%s] %s\n' "$(date +%T)" "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# --- processes ---

started_at() { # started_at PID: its moment of starting, which no later process of that id shares
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

is_a() { # is_a PID PROGRAM: by its name; its path may lead through another mount namespace
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "${2:0:15}" ]
}

# begin NAME COMMAND...: in a session of its own, with its pid written down, and the command, by
# which `service` begins it again.
begin() {
    local name=$1
    shift
    printf '%q ' "$@" >"$RUN/$name.command"
    setsid "$@" </dev/null >"$LOG/$name.out" 2>&1 &
    printf '%s %s\n' "$!" "$(started_at "$!")" >"$RUN/$name.pid"
}

# session_of NAME: the session that was begun so, if anything of it still runs. Its id belongs to
# it for as long as it has members, and to its leader's pid only if that began when it was noted.
session_of() {
    local pid began
    read -r pid began 2>/dev/null <"$RUN/$1.pid" || return 1
    [ ! -d "/proc/$pid" ] || [ "$(started_at "$pid")" = "$began" ] || return 1
    ps -eo sid=,stat= | awk -v sid="$pid" '$1 == sid && $2 !~ /^Z/ { found = 1 }
        END { exit !found }' || return 1
    printf '%s\n' "$pid"
}

signal() { # signal NAME SIGNAL: to all of its session
    local sid
    sid=$(session_of "$1") || return 0
    ps -eo pid=,sid= | awk -v sid="$sid" '$2 == sid { print $1 }' |
        xargs -r kill "-$2" 2>/dev/null || true
}

complain() { # complain NAME WHAT: with the end of its log
    printf '%s: %s\n' "$1" "$2" >&2
    tail -n 15 "$LOG/$1.out" >&2
    return 1
}

await() { # await NAME SECONDS COMMAND...: until the command succeeds, while NAME runs
    local name=$1 until=$((SECONDS + $2 * ${MIRAGE_TEST_PATIENCE:-1}))
    shift 2
    until "$@" >/dev/null 2>&1; do
        session_of "$name" >/dev/null || complain "$name" "has ended" || return 1
        [ "$SECONDS" -lt "$until" ] || complain "$name" "does not get ready" || return 1
        sleep 0.1
    done
}

answers() { # answers URL: with whatever status
    curl -s -m 5 -o "$STATE/nobody" "$1"
}

listens() { # listens PORT
    (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null
}

quietly() { # quietly NAME COMMAND...: what it says is shown when it fails
    local name=$1
    shift
    "$@" >>"$LOG/$name.out" 2>&1 || complain "$name" "failed: $*"
}

# --- databases ---

SOCKET=$STATE/mariadb/socket

sql() {
    mariadb -u root -S "$SOCKET" -N -B "$@"
}

mariadb_url() { # mariadb_url DATABASE
    printf 'mysql+pymysql://root@localhost/%s?unix_socket=%s&charset=utf8' "$1" "$SOCKET"
}

sqlite_url() { # sqlite_url DATABASE: for the services that write little
    printf 'sqlite:///%s/%s.sqlite?timeout=60' "$DB" "$1"
}

sqlite_ready() { # sqlite_ready DATABASE: readers do not wait for the writer
    sqlite3 "$DB/$1.sqlite" 'PRAGMA journal_mode=WAL' >"$STATE/nobody"
}

# --- pieces of configuration ---

rabbit_url() {
    printf 'rabbit://cloud:%s@%s:%s/' "$PASSWORD" "$HOST" "$RABBIT"
}

as_user() { # as_user USER: how a service asks Keystone, for any section
    cat <<END
auth_type = password
auth_url = http://$HOST:$KEYSTONE/v3
username = $1
password = $PASSWORD
project_name = service
user_domain_id = default
project_domain_id = default
region_name = $REGION
interface = public
valid_interfaces = public
END
}

checks_tokens() { # checks_tokens USER: the section by which a service judges who calls it
    cat <<END
[keystone_authtoken]
www_authenticate_uri = http://$HOST:$KEYSTONE/v3
service_token_roles_required = false
token_cache_time = 2
$(as_user "$1")
END
}

# --- the APIs ---

TOKEN=

token_for() { # token_for USER PROJECT: sets TOKEN
    TOKEN=$(curl -s -D - -o "$STATE/nobody" -H 'Content-Type: application/json' \
        "http://$HOST:$KEYSTONE/v3/auth/tokens" -d "$(jq -n --arg user "$1" --arg project "$2" \
            --arg password "$PASSWORD" '{auth: {
                identity: {methods: ["password"], password: {user: {
                    name: $user, password: $password, domain: {id: "default"}}}},
                scope: {project: {name: $project, domain: {id: "default"}}}}}')" |
        tr -d '\r' | awk 'tolower($1) == "x-subject-token:" { print $2 }')
    [ -n "$TOKEN" ] || die "Keystone gives no token to $1"
}

call() { # call METHOD URL [JSON]: the answer's body; a refusal ends the script
    curl -sS --fail-with-body -m 120 -X "$1" -H "X-Auth-Token: $TOKEN" \
        -H 'Content-Type: application/json' -H 'Accept: application/json' ${3:+-d "$3"} "$2"
}
