#!/bin/sh
# What docker-compose.yml expects of the original's entrypoint, when it is started as the user postgres.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=$(mktemp)
    printf '%s' "$POSTGRES_PASSWORD" > "$password"
    initdb --encoding=UTF8 --locale=C.UTF-8 --username="$POSTGRES_USER" --pwfile="$password" --auth-host=scram-sha-256 --auth-local=trust > /dev/null
    rm "$password"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    pg_ctl start --wait --silent --options "-c listen_addresses=''"
    createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    for file in /docker-entrypoint-initdb.d/*.sql; do
        psql --no-psqlrc --quiet --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --file="$file"
    done
    pg_ctl stop --wait --silent --mode=fast
fi
exec "$@"
