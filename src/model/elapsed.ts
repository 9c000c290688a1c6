/**
 * How long ago something was, ms, by a clock that shows `nowMs` now. Where that is before it, the clock was set back since, and nobody can tell:
 * then it counts as long ago, so that whoever waits does not wait for that time to come again.
 */
export function elapsedMs(nowMs: number, sinceMs: number): number {
  return nowMs < sinceMs ? Infinity : nowMs - sinceMs
}
