#!/usr/bin/env bash
# Starts the fleet alone, on servers that run: what up.sh does last, and what brings the service back in the recovery drill.
set -euo pipefail
. "$(dirname "$0")/env.sh"
port=$METRICS_PORT
for name in "${roles[@]}"; do
  # Ended with their owner, as the servers are.
  setsid bash -c '
    owner=$1; shift
    "$@" & fleet=$!
    trap "kill -TERM $fleet" TERM
    while kill -0 $fleet 2>/dev/null; do
      if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then kill -KILL 0; fi
      sleep 0.5
    done' fleet "${INTEROP_OWNER:-}" node "$HERE/../src/bin.js" "${name%-*}" --file "$HERE/document.yaml" --metrics-address "127.0.0.1:$port" \
    >"$INTEROP_RUN/log/$name.log" 2>&1 </dev/null &
  echo $! >"$INTEROP_RUN/pid/$name"
  port=$((port + 1))
done
port=$METRICS_PORT
for name in "${roles[@]}"; do
  for _ in $(seq 600); do
    curl -sf -m 5 -o /dev/null "http://127.0.0.1:$port/healthz" && break
    kill -0 "$(cat "$INTEROP_RUN/pid/$name")" 2>/dev/null || { tail -n 20 "$INTEROP_RUN/log/$name.log" >&2; echo "fleet.sh: $name ended" >&2; exit 1; }
    sleep 0.1
  done
  echo "$name ready: http://127.0.0.1:$port/metrics, log $INTEROP_RUN/log/$name.log"
  port=$((port + 1))
done
