# Sourced by the scripts beside it: ports, and where processes leave their ids and logs.
S3_PORT=${S3_PORT:-4566} REDIS_PORT=${REDIS_PORT:-6379} CATALOG_PORT=${CATALOG_PORT:-8181} METRICS_PORT=${METRICS_PORT:-9093}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVERS=$HERE/../test/integration/servers
export INTEROP_RUN=${LOCALSTACK_DIR:-$HERE/.run}
export S3_ENDPOINT=http://127.0.0.1:$S3_PORT REDIS_URL=redis://127.0.0.1:$REDIS_PORT CATALOG_URL=http://127.0.0.1:$CATALOG_PORT
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 SEGMENTS_PREFIX=${SEGMENTS_PREFIX:-prod/}
# The Node that npm ci has brought.
export PATH="$HERE/../node_modules/.bin:$PATH"
roles=(worker-1 worker-2 planner-1 committer-1)
