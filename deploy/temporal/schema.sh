#!/bin/sh
# Databases and schemas of the Temporal server. Each step leaves alone what is there, so it runs at every start and brings
# an older schema up to date. SQL_PASSWORD is in the environment.
set -eu

for database in temporal temporal_visibility; do
  tool() { temporal-sql-tool --plugin postgres12 --ep "$SQL_HOST" -p "$SQL_PORT" -u "$SQL_USER" --db "$database" "$@"; }
  tool create
  tool setup-schema -v 0.0
  tool update-schema -d "/etc/temporal/schema/postgresql/v12/${database#temporal_}/versioned"
done
