#!/usr/bin/env bash
# Starts one server on loopback and returns when it answers. Stop it with: down.sh NAME-PORT
# usage: up.sh versitygw PORT [REGION KEY SECRET] | minio PORT [REGION KEY SECRET] | rest-catalog PORT S3_PORT BUCKET | rest-catalog PORT DIRECTORY | nessie PORT S3_PORT BUCKET | trino PORT S3_PORT REST_CATALOG_PORT | redis PORT | localstack PORT
# A catalog's bucket must exist. Everything a server writes lies in $INTEROP_RUN and starts empty.
set -euo pipefail
. "$(dirname "$0")/env.sh"
[ $# -ge 2 ] || die "usage: up.sh NAME PORT [S3_PORT BUCKET]"
what=$1 port=$2 name=$1-$2
data="$INTEROP_RUN/data/$name" log="$INTEROP_RUN/log/$name.log" pid_file="$INTEROP_RUN/pid/$name" server_file="$INTEROP_RUN/data/$name.pid"
need curl up.sh curl
need setsid up.sh util-linux

[ ! -f "$pid_file" ] || ! kill -0 "$(cat "$pid_file")" 2>/dev/null || die "$name runs already (process $(cat "$pid_file"))"
! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || die "port $port is taken"
rm -rf "$data" "$server_file"
mkdir -p "$data" "$INTEROP_RUN/log" "$INTEROP_RUN/pid"
case $what in versitygw | minio) S3_REGION=${3:-$S3_REGION} S3_ACCESS_KEY=${4:-$S3_ACCESS_KEY} S3_SECRET_KEY=${5:-$S3_SECRET_KEY} ;; esac
export AWS_REGION=$S3_REGION AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY

# start COMMAND...: in a process group of its own; a watcher in it ends the group when the owner is gone
start() {
  setsid bash -c '
    owner=$1 server_file=$2; shift 2
    "$@" & server=$!
    echo "$server" >"$server_file"
    while kill -0 "$server" 2>/dev/null; do
      if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then kill -KILL 0; fi
      sleep 0.5
    done' server "${INTEROP_OWNER:-}" "$server_file" "$@" >"$log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  disown
  until [ -s "$server_file" ]; do sleep 0.02; done
}

# ready URL [SECONDS]: until it answers with anything but 503
ready() {
  local code
  for _ in $(seq $((${2:-60} * 10))); do
    code=$(curl -s -m 5 -o /dev/null -w '%{http_code}' "$1") || true
    [ "$code" != 000 ] && [ "$code" != 503 ] && running && return 0
    running || break
    sleep 0.1
  done
  failed
}

# ready_tcp: until something accepts connections on the port
ready_tcp() {
  for _ in $(seq 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && running && return 0
    running || break
    sleep 0.1
  done
  failed
}

# running: whether the server is there beside its watcher
running() { kill -0 "$(cat "$server_file")" 2>/dev/null; }

failed() {
  tail -n 20 "$log" >&2
  kill -KILL -- "-$(cat "$pid_file")" 2>/dev/null || true
  rm -f "$pid_file"
  die "$name did not start (the whole log: $log)"
}

case $what in
  versitygw)
    [ -x "$INTEROP/bin/versitygw" ] || die "versitygw is not installed: setup.sh versitygw"
    mkdir -p "$data/iam" "$data/objects"
    start "$INTEROP/bin/versitygw" --access "$S3_ACCESS_KEY" --secret "$S3_SECRET_KEY" --port "127.0.0.1:$port" \
      --region "$S3_REGION" --iam-dir "$data/iam" --virtual-domain "localhost:$port" posix "$data/objects"
    ready "http://127.0.0.1:$port/" ;;
  minio)
    [ -x "$INTEROP/bin/minio" ] || die "minio is not installed: setup.sh minio"
    export MINIO_ROOT_USER=$S3_ACCESS_KEY MINIO_ROOT_PASSWORD=$S3_SECRET_KEY MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CI_CD=1 MINIO_SITE_REGION=$S3_REGION
    start "$INTEROP/bin/minio" server --quiet --address "127.0.0.1:$port" "$data"
    ready "http://127.0.0.1:$port/minio/health/live" ;;
  rest-catalog) # the Iceberg project's own REST server over a SQLite file
    [ $# -eq 3 ] || [ $# -eq 4 ] || die "usage: up.sh rest-catalog PORT S3_PORT BUCKET | rest-catalog PORT DIRECTORY"
    [ -d "$INTEROP/rest-catalog" ] || die "rest-catalog is not installed: setup.sh rest-catalog"
    export CATALOG_REST_PORT=$port CATALOG_CATALOG_NAME=rest_backend CATALOG_URI="jdbc:sqlite:$data/catalog.db"
    if [ $# -eq 3 ]; then
      export CATALOG_WAREHOUSE="file://$3"
    else
      export CATALOG_WAREHOUSE="s3://$4/warehouse" CATALOG_IO__IMPL=org.apache.iceberg.aws.s3.S3FileIO \
        CATALOG_S3_ENDPOINT="http://127.0.0.1:$3" CATALOG_S3_PATH__STYLE__ACCESS=true
    fi
    start java -Xmx512m -XX:+UseSerialGC -Djava.io.tmpdir="$data" -Dorg.slf4j.simpleLogger.defaultLogLevel=info \
      -cp "$INTEROP/rest-catalog/*" org.apache.iceberg.rest.RESTCatalogServer
    ready "http://127.0.0.1:$port/v1/config" ;;
  nessie) # speaks Iceberg REST at /iceberg; takes PORT+1 too
    [ $# -eq 4 ] || die "usage: up.sh nessie PORT S3_PORT BUCKET"
    jar="$INTEROP/nessie/nessie-quarkus-0.99.0-runner.jar"
    [ -f "$jar" ] || die "nessie is not installed: setup.sh nessie"
    java25=$(jdk25)/bin/java
    catalog=-Dnessie.catalog s3=$catalog.service.s3.default-options
    start "$java25" -Xmx600m -Dnessie.server.authentication.enabled=false -Dnessie.version.store.type=IN_MEMORY \
      -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
      -Dquarkus.management.host=127.0.0.1 -Dquarkus.management.port=$((port + 1)) \
      $catalog.default-warehouse=lake $catalog.warehouses.lake.location="s3://$4/nessie/" \
      $s3.region="$S3_REGION" $s3.endpoint="http://127.0.0.1:$3/" $s3.path-style-access=true $s3.auth-type=STATIC \
      $s3.access-key=urn:nessie-secret:quarkus:my-secrets.s3-default \
      -Dmy-secrets.s3-default.name="$S3_ACCESS_KEY" -Dmy-secrets.s3-default.secret="$S3_SECRET_KEY" -jar "$jar"
    ready "http://127.0.0.1:$port/iceberg/v1/config" ;;
  trino) # the REST catalog is `ice`; `memory` has no statistics
    [ $# -eq 4 ] || die "usage: up.sh trino PORT S3_PORT REST_CATALOG_PORT"
    home="$INTEROP/trino-476" etc="$data/etc"
    [ -d "$home" ] || die "trino is not installed: setup.sh trino"
    mkdir -p "$etc/catalog"
    printf '%s\n' node.environment=test node.id="$name" node.data-dir="$data" node.internal-address=127.0.0.1 node.bind-ip=127.0.0.1 \
      plugin.dir="$home/plugin" >"$etc/node.properties"
    printf '%s\n' coordinator=true node-scheduler.include-coordinator=true http-server.http.port="$port" \
      discovery.uri="http://127.0.0.1:$port" catalog.management=dynamic >"$etc/config.properties"
    printf '%s\n' io.trino=WARN >"$etc/log.properties"
    printf '%s\n' -server -Xmx1g -XX:+UseSerialGC -Djava.io.tmpdir="$data" -Djdk.attach.allowAttachSelf=true -Dfile.encoding=UTF-8 \
      --sun-misc-unsafe-memory-access=allow --add-modules=jdk.incubator.vector >"$etc/jvm.config"
    printf '%s\n' connector.name=iceberg iceberg.catalog.type=rest iceberg.rest-catalog.uri="http://127.0.0.1:$4" \
      fs.native-s3.enabled=true s3.endpoint="http://127.0.0.1:$3" s3.region="$S3_REGION" s3.path-style-access=true \
      s3.aws-access-key="$S3_ACCESS_KEY" s3.aws-secret-key="$S3_SECRET_KEY" >"$etc/catalog/ice.properties"
    echo connector.name=memory >"$etc/catalog/memory.properties"
    JAVA_HOME=$(jdk25)
    export JAVA_HOME PATH="$JAVA_HOME/bin:$PATH"
    start "$home/bin/launcher" run --etc-dir "$etc" --data-dir "$data"
    ready "http://127.0.0.1:$port/v1/info" 120
    until curl -s -m 5 "http://127.0.0.1:$port/v1/info" | grep -q '"starting" *: *false'; do running || failed; sleep 0.1; done ;;
  localstack) # S3 alone, in host mode: no Docker, no token, nothing downloaded; it checks no signatures
    [ -x "$INTEROP/localstack/bin/python" ] || die "localstack is not installed: setup.sh localstack"
    export SERVICES=s3 EAGER_SERVICE_LOADING=1 GATEWAY_LISTEN="127.0.0.1:$port" LOCALSTACK_HOST="127.0.0.1:$port" DISABLE_EVENTS=1 \
      SKIP_SSL_CERT_DOWNLOAD=1 SKIP_INFRA_DOWNLOADS=1 PERSISTENCE=0 LOCALSTACK_VOLUME_DIR="$data" DATA_DIR="$data" FILESYSTEM_ROOT="$data" \
      PATH="$INTEROP/localstack/bin:$PATH"
    cd "$data"
    start "$INTEROP/localstack/bin/python" -m localstack.runtime.main
    ready "http://127.0.0.1:$port/_localstack/health" 120 ;;
  redis)
    command -v redis-server >/dev/null || die "redis is not installed: setup.sh redis"
    start redis-server --bind 127.0.0.1 --port "$port" --dir "$data" --save '' --appendonly no
    ready_tcp ;;
  *) die "no such server: $what" ;;
esac
echo "$name ready"
