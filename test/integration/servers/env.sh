# Sourced by the scripts beside it.
#   INTEROP      where servers and engines are installed once and for all
#   INTEROP_RUN  where running servers keep process ids, logs and data; one directory for each test run, so that runs never meet
#   INTEROP_OWNER  a process id: what up.sh starts ends by itself soon after that process is gone
INTEROP=${INTEROP:-$HOME/.cache/iceberg-processor-interop}
INTEROP_RUN=${INTEROP_RUN:-$INTEROP/run}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
S3_ACCESS_KEY=testkey S3_SECRET_KEY=testsecret12 S3_REGION=us-east-1

die() { echo "${0##*/}: $*" >&2; exit 1; }

# need PROGRAM WHAT-FOR DEBIAN-PACKAGE
need() { command -v "$1" >/dev/null || die "$2 needs '$1', which is not on the PATH (Debian package $3)"; }

# jdk25: the home of a JDK 25, for servers that the default one is too old for
jdk25() {
  local default j
  default=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")
  for j in "${JAVA25_HOME:-}" "$default" "$default"/../*-25-*; do
    [ -n "$j" ] && [ -x "$j/bin/java" ] && "$j/bin/java" -version 2>&1 | grep -q '"25' && { (cd "$j" && pwd); return; }
  done
  die "no JDK 25 found beside the default one: set JAVA25_HOME"
}
