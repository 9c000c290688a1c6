#!/usr/bin/env bash
# LocalStack (S3), Redis, an Iceberg REST catalog and a fleet of two workers, a planner and a committer, on this machine, without Docker.
# usage: up.sh   after npm ci; down.sh ends it. Ports: S3_PORT, REDIS_PORT, CATALOG_PORT, and four from METRICS_PORT on.
set -euo pipefail
. "$(dirname "$0")/env.sh"
bash "$SERVERS/setup.sh" localstack redis rest-catalog
bash "$SERVERS/up.sh" localstack "$S3_PORT" &
bash "$SERVERS/up.sh" redis "$REDIS_PORT"
wait $!
for bucket in kafscale-data lake; do curl -sf -o /dev/null -X PUT "$S3_ENDPOINT/$bucket"; done
bash "$SERVERS/up.sh" rest-catalog "$CATALOG_PORT" "$S3_PORT" lake
exec bash "$HERE/fleet.sh"
