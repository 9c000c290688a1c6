import type { Task } from './task.ts'

/** How fast tasks were that read segments of a table, over its last commits with such that are large enough to tell. */
export interface Speed {
  readonly commits: number
  readonly segments: number
  /** Of these segments. */
  readonly bytes: number
  /** What the tasks took one after another, ms. */
  readonly ms: number
}

/** A task, and how long it took; undefined: nobody says. */
export interface Timed {
  readonly task: Task
  readonly tookMs?: number
}

/** One process does about so much a second, by docs/bench.md: bytes of large segments, and small segments. */
const bytesPerSecond = 32 * 1024 * 1024
const segmentsPerSecond = 500

/** What tasks of so much take by the benchmark, ms. */
export function benchmarkMs(bytes: number, segments: number): number {
  return 1000 * (bytes / bytesPerSecond + segments / segmentsPerSecond)
}

/** Of tasks that should take less than this, most is what every task takes, however small: they tell nothing of larger ones. */
const tellingMs = 250
/** With so many commits, what is older counts half. */
const rememberedCommits = 20

/** The speed with what a commit's tasks took; as it was where none of them tells. */
export function speedWith(before: Speed | null, committed: readonly Timed[]): Speed | null {
  let [segments, bytes, ms] = [0, 0, 0]
  for (const { task, tookMs = 0 } of committed) {
    const count = task.parts.reduce((sum, part) => sum + part.segments.length, 0)
    if (tookMs <= 0 || benchmarkMs(task.bytes, count) < tellingMs) continue
    segments += count
    bytes += task.bytes
    ms += tookMs
  }
  if (ms === 0) return before
  const known = before === null || before.commits < rememberedCommits ? before : halved(before)
  const { commits: oldCommits, segments: oldSegments, bytes: oldBytes, ms: oldMs } = known ?? nothing
  return { commits: oldCommits + 1, segments: oldSegments + segments, bytes: oldBytes + bytes, ms: oldMs + Math.round(ms) }
}

const nothing: Speed = { commits: 0, segments: 0, bytes: 0, ms: 0 }

function halved({ commits, segments, bytes, ms }: Speed): Speed {
  const half = (value: number) => Math.ceil(value / 2)
  return { commits: half(commits), segments: half(segments), bytes: half(bytes), ms: half(ms) }
}

/** `{"commits": n, "segments": n, "bytes": n, "ms": n}`. */
export function encodeSpeed({ commits, segments, bytes, ms }: Speed): string {
  return JSON.stringify({ commits, segments, bytes, ms })
}

/** Null where it is none of ours: it is an estimate, and nothing stops for it. */
export function decodeSpeed(text: string | undefined): Speed | null {
  const found = /^\{"commits":(\d{1,15}),"segments":(\d{1,15}),"bytes":(\d{1,15}),"ms":(\d{1,15})\}$/.exec(text ?? '')
  if (found === null) return null
  const [commits, segments, bytes, ms] = found.slice(1).map(Number)
  return benchmarkMs(bytes, segments) > 0 && ms > 0 ? { commits, segments, bytes, ms } : null
}

/** What a time was reckoned by: what somebody allows to be read or asked for, the table's last commits, or the benchmark. */
export type Pace = { readonly by: 'bounds' | 'benchmark' } | { readonly by: 'commits'; readonly commits: number }

/** What the speed of a table is reckoned by. */
export function paceOf(speed: Speed | null): Pace {
  return speed === null ? { by: 'benchmark' } : { by: 'commits', commits: speed.commits }
}

/** What work takes in one process that has so many tasks at once, by this speed, or by the benchmark where it is null; seconds, to the millisecond. */
export function secondsFor(work: { readonly bytes: number; readonly segments: number }, speed: Speed | null, atOnce: number): number {
  const usual = benchmarkMs(work.bytes, work.segments)
  const ms = speed === null ? usual : (usual * speed.ms) / benchmarkMs(speed.bytes, speed.segments) / Math.max(1, atOnce)
  return Math.ceil(ms) / 1000
}
