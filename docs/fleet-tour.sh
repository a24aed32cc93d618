#!/usr/bin/env bash
# Every command that an operator has, once, on a fleet of 2,000 tenants, from an empty database to a clean end. It prints how long
# each took, as the table in docs/fleet-tour.md.
#
#   DATABASE_URL=postgres://owner@host/empty TARGET_DATABASE_URL=postgres://owner@host/empty2 docs/fleet-tour.sh
#
# TOUR_TENANTS (2000) is how many tenants there are, TOUR_JOBS (4) how many are worked on at once. The owner needs CREATEROLE.
# tenantry, psql and pg_dump are found through PATH. Whatever fails ends it, and what was said is shown.
set -euo pipefail
: "${DATABASE_URL:?the owner of an empty database}" "${TARGET_DATABASE_URL:?the owner of another empty database}"
tenants=${TOUR_TENANTS:-2000} jobs=${TOUR_JOBS:-4}
shipped=$(cd "$(dirname "$0")/../tenant-schema/migrations" && pwd)

scratch=$(mktemp -d "${TMPDIR:-/tmp}/tenantry-tour.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
template=$scratch/template backup=$scratch/backup said=$scratch/said
mkdir "$template" "$scratch/man"
cp "$shipped"/*.sql "$template"
TENANTRY_KEYRING="tour:$(head -c 32 /dev/urandom | base64 -w 0)"
export DATABASE_URL TARGET_DATABASE_URL TENANTRY_KEYRING TENANTRY_TEMPLATE=$template

# step WHAT COMMAND…: runs it, and prints how long it took.
step() {
  local what=$1 began=$EPOCHREALTIME
  shift
  if ! "$@" >"$said" 2>&1 </dev/null; then
    printf 'failed: %s\n' "$*" >&2
    cat "$said" >&2
    exit 1
  fi
  LC_ALL=C awk -v what="$what" -v began="$began" -v ended="$EPOCHREALTIME" \
    'BEGIN { printf "| `%s` | %.2f s |\n", what, ended - began }'
}

# t COMMAND…: a step of one tenantry command.
t() { step "$*" tenantry "$@"; }

# each COMMAND…: a tenantry command for every tenant, {} in it being the slug, several at once.
each() { seq -f 'tenant-%g' "$tenants" | xargs -P "$jobs" -I '{}' tenantry "$@"; }

# service COMMAND…: begins it, tells it to end when there are six spares, and waits until it has.
service() {
  "$@" &
  local pid=$!
  until [ "$(tenantry spare list --json | grep -o '"schema":' | wc -l)" -ge 6 ]; do kill -0 "$pid" || return 1; done
  kill -TERM "$pid"
  wait "$pid"
}

printf '| %s tenants, %s jobs | took |\n| --- | --- |\n' "$tenants" "$jobs"

# A database, people, and a fleet.
t init
t user create --email ann@tour.example --name 'Ann'
t spare fill --target 5
t spare list
step "tenant create … ($tenants times)" each tenant create '{}' --name 'Tenant {}' --owner-email ann@tour.example
t spare drop --yes
t organization create hub --kind platform --name Hub
t organization create studio --kind agency --parent hub --name Studio
t tenant create client-1 --name Client --kind client --parent studio --owner-email ann@tour.example
t key create tenant-1 --name Tour --scope 'contacts:read'
t key list tenant-1

# Looking at it.
t tenant list
t tenant list --where parent=studio
t tenant show tenant-1
t tenant sizes --limit 10
t tenant stats --limit 10
t tenant top --once
t erd --tenant tenant-1
t erd catalog
t doctor --skip settings --fail-on error

# Asking it.
t sql --all --jobs "$jobs" 'select count(*) as n from contacts' --then 'select sum(n) from fleet'
t sql --only tenant-1 --write "insert into tags (id, name) values (gen_random_uuid(), 'tour')"
t psql tenant-1 -- -c 'select count(*) from tags'
t dba grant tour_reader tenant-1 --create --read-only
t dba list
t dba revoke tour_reader --all
step 'drop role tour_reader' psql "$DATABASE_URL" -X -q -v ON_ERROR_STOP=1 -c 'drop role tour_reader'

# What tenants may take.
t plan set pro --in-flight 50 --storage-hard 10GiB
t plan list
t plan show pro
t tenant plan tenant-1 pro
t tenant limit tenant-1 --in-flight 80
t tenant measure
t tenant plan tenant-1 --none
t plan remove pro

# A new version of the template, for all.
next=$(($(ls "$template" | grep -c '^V') + 1))
cat >"$template/V${next}__tour.sql" <<'SQL'
alter table companies add column tour text;
create index companies_tour_idx on companies (tour);
SQL
t template check "$template"
t spare fill --target 5
step 'spare fill --target 6 --watch, told to end' service tenantry spare fill --target 6 --watch --every 1s
t tenant pin tenant-2
t migrate --plan
t migrate --dry-run --only tenant-1
t migrate --wave 1,5%,25%,100% --jobs "$jobs"
t tenant unpin tenant-2
t migrate --jobs "$jobs"
t migrate
t migrate status

# What cannot be in a transaction, behind it.
echo 'create index concurrently contacts_tour_idx on contacts (created_at)' >"$template/P${next}__tour.sql"
t template check "$template"
t migrate --post-steps
t migrate status

# One tenant's life.
t tenant suspend tenant-1 --reason 'invoice 114'
t tenant resume tenant-1
t tenant rename tenant-1 --name 'Another name'
t tenant slug tenant-1 tenant-one
t tenant slug tenant-one tenant-1
t tenant clone tenant-1 tenant-1-staging --owner-email ann@tour.example
t tenant export tenant-1 --output "$scratch/tenant-1.tenantry"
t tenant export tenant-1 --plain --output "$scratch/tenant-1.sql"
t tenant import "$scratch/tenant-1.tenantry" --as tenant-1-again
t tenant archive tenant-1 --to "$scratch/away.tenantry" --yes
t tenant unarchive tenant-1 "$scratch/away.tenantry"
t tenant drop tenant-1 --yes
t tenant undrop tenant-1

# To another database, and back.
there=(env DATABASE_URL="$TARGET_DATABASE_URL" TARGET_DATABASE_URL="$DATABASE_URL" tenantry)
step 'init (of the other database)' "${there[@]}" init
t tenant move tenant-1
t tenant drop tenant-1 --yes --now
step 'tenant move tenant-1 (back)' "${there[@]}" tenant move tenant-1
t tenant move tenant-1 --stay
step 'tenant drop tenant-1 --yes --now (what it left there)' "${there[@]}" tenant drop tenant-1 --yes --now

# All of them in files.
t backup "$backup" --jobs "$jobs"
t backup "$backup" --only tenant-1
t backup drill "$backup" --only tenant-1,tenant-2

# The end of it.
t tenant drop tenant-1-staging --yes --now
t tenant drop tenant-1-again --yes --now
t tenant drop client-1 --yes --now
t tenant purge-dropped --dry-run
step "tenant drop … --yes --now ($tenants times)" each tenant drop '{}' --yes --now
t tenant purge-dropped --yes
t tenant erasures
t spare drop --yes
t doctor --fix --skip settings --fail-on error
t man --output "$scratch/man"
t completions bash
