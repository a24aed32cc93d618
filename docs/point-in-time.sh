#!/usr/bin/env bash
# Brings one tenant back as it was at a moment: restores a base backup and the archived WAL up to that moment in a scratch
# cluster, exports the tenant there into a container, and removes the scratch cluster. The cluster in service is not touched.
#
#   PITR_DATABASE=app PITR_OWNER=owner docs/point-in-time.sh BASE WAL 'TIME' SLUG OUTPUT
#
#   BASE    a folder that `pg_basebackup -D BASE` wrote (plain format), before TIME; it is copied
#   WAL     the folder to which archive_command copies finished segments
#   TIME    such as '2026-11-20 17:05:00+00'; there must be WAL of later than that
#   OUTPUT  the container to write; then: tenantry tenant import OUTPUT --as SLUG-2
#
# PITR_SCRATCH (default /tmp) needs as much room as BASE. As root, PostgreSQL runs as PITR_ACCOUNT (default postgres).
# The programs of the same major version of PostgreSQL, and tenantry, are found through PATH.
set -euo pipefail
[ $# -eq 5 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 1; }
base=$1 wal=$(cd "$2" && pwd) time=$3 slug=$4 output=$5
: "${PITR_DATABASE:?the database that the tenant is in}" "${PITR_OWNER:?the login that owns catalog and tenants}"

as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then runuser -u "${PITR_ACCOUNT:-postgres}" -- "$@"; else "$@"; fi
}

scratch=$(mktemp -d "${PITR_SCRATCH:-/tmp}/tenantry-point-in-time.XXXXXX")
data=$scratch/data
finish() {
  as_postgres pg_ctl stop -D "$data" -m immediate -s 2>/dev/null || true
  rm -rf "$scratch"
}
trap finish EXIT

cp -a "$base" "$data"
chmod 700 "$data"
rm -f "$data"/postmaster.pid "$data"/standby.signal
# Nobody but this script can connect: no network, and a socket in a folder of its own. Settings of the cluster in service do
# not apply, above all not its archive_command. Without hot_standby nobody is let in before the moment is reached.
cat > "$data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$scratch'
port = 5432
hot_standby = off
archive_mode = off
max_locks_per_transaction = 256
restore_command = 'cp "$wal/%f" "%p"'
recovery_target_time = '$time'
recovery_target_action = promote
CONF
: > "$data/postgresql.auto.conf"
: > "$data/pg_ident.conf"
echo 'local all all trust' > "$data/pg_hba.conf"
: > "$data/recovery.signal"
if [ "$(id -u)" -eq 0 ]; then chown -R "${PITR_ACCOUNT:-postgres}" "$scratch"; fi

echo "restoring to $time" >&2
failed() {
  cat "$scratch/log" >&2
  echo "the scratch cluster did not reach $time" >&2
  exit 2
}
as_postgres pg_ctl start -D "$data" -l "$scratch/log" -s -w -t 86400 || failed
# It counts as started while it replays; it lets nobody in before it has been promoted.
until psql -h "$scratch" -U "$PITR_OWNER" -d "$PITR_DATABASE" -qAtc 'select 1' > /dev/null 2>&1; do
  as_postgres pg_ctl status -D "$data" > /dev/null || failed
  sleep 0.2
done
DATABASE_URL="postgres:///$PITR_DATABASE?host=$scratch&user=$PITR_OWNER&sslmode=disable" \
  tenantry tenant export "$slug" --output "$output"
