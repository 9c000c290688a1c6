#!/usr/bin/env bash
# Ends what up.sh started, the fleet first, so that it can commit what it holds; what was in the servers is gone with them.
set -euo pipefail
. "$(dirname "$0")/env.sh"
for name in "${roles[@]}"; do
  [ -f "$INTEROP_RUN/pid/$name" ] && kill -TERM "$(cat "$INTEROP_RUN/pid/$name")" 2>/dev/null || true
done
for _ in $(seq 300); do
  alive=
  for name in "${roles[@]}"; do
    [ -f "$INTEROP_RUN/pid/$name" ] && kill -0 "$(cat "$INTEROP_RUN/pid/$name")" 2>/dev/null && alive=$name
  done
  [ -n "$alive" ] || break
  sleep 0.1
done
bash "$SERVERS/down.sh"
