#!/usr/bin/env bash
# Stops servers that up.sh started with the same INTEROP_RUN and removes their data. usage: down.sh [NAME-PORT...]   (none: all of them)
set -euo pipefail
. "$(dirname "$0")/env.sh"
[ -d "$INTEROP_RUN/pid" ] || exit 0
[ $# -gt 0 ] || { cd "$INTEROP_RUN/pid"; set -- *-*; [ "$1" != '*-*' ] || exit 0; }
for name in "$@"; do
  pid_file="$INTEROP_RUN/pid/$name"
  [ -f "$pid_file" ] || continue
  group=$(cat "$pid_file")
  kill -TERM -- "-$group" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 -- "-$group" 2>/dev/null || break; sleep 0.1; done
  kill -KILL -- "-$group" 2>/dev/null || true
  rm -rf "$pid_file" "$INTEROP_RUN/data/${name:?}" "$INTEROP_RUN/data/$name.pid"
done
