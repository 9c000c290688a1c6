import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'

/** What a writer put at an offset: a value, or a control record, which has no row. */
export type Written = string | typeof control
export const control = Symbol('control')

/** Records of a segment's bytes, as a reader of the whole segment meets them: the first of each offset. */
export interface SegmentContent {
  readonly records: ReadonlyMap<bigint, Written>
  /** The bytes are damaged behind these records: a reader must stop there. */
  readonly faulty: boolean
}

/** A time during which a segment was complete (both objects there) with the same bytes. */
interface Version extends SegmentContent {
  readonly fromMs: number
  untilMs: number
}

interface SegmentHistory {
  readonly base: bigint
  kfs: SegmentContent | null
  index: boolean
  readonly versions: Version[]
  /** Whether it was complete and then was not. */
  broken: boolean
}

/** What may and must stand in the table at one offset. */
export interface Verdict {
  /** Whether it must be decided when everything visible has been read. */
  readonly must: boolean
  /** What may have been read there; more than one where the source itself is ambiguous. */
  readonly candidates: ReadonlySet<Written>
}

/** Times of objects are whole seconds: a segment may seem this much older than it is. */
const secondMs = 1000

/**
 * What the bucket has held, and what follows from it by the documented rules alone. It knows nothing of planning or commits:
 *
 * - a segment is readable while both its objects are there, once a later complete one exists or it has stood for the grace age;
 * - of segments that overlap, the one with the lowest base offset has the offset;
 * - what became complete behind a later segment that had stood for the grace age need not be found;
 * - a segment written again while it is the newest is read again for what it has beyond the first reading.
 */
export class SourceModel {
  readonly #graceMs: number
  readonly #logs = new Map<string, Map<bigint, SegmentHistory>>()
  readonly #written = new Map<string, Set<Written>>()

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  segmentPut(at: TopicPartition, base: bigint, content: SegmentContent, nowMs: number): void {
    const history = this.#history(at, base)
    history.kfs = content
    for (const [offset, written] of content.records) this.#note(at, offset, written)
    this.#renew(history, nowMs)
  }

  indexPut(at: TopicPartition, base: bigint, nowMs: number): void {
    const history = this.#history(at, base)
    history.index = true
    this.#renew(history, nowMs)
  }

  removed(at: TopicPartition, base: bigint, extension: 'kfs' | 'index', nowMs: number): void {
    const history = this.#history(at, base)
    if (extension === 'kfs') history.kfs = null
    else history.index = false
    this.#renew(history, nowMs)
  }

  /** Whatever was written at an offset of a topic-partition, read or not. */
  everWritten(at: TopicPartition, offset: bigint): ReadonlySet<Written> {
    return this.#written.get(`${topicPartitionName(at)}@${offset}`) ?? new Set()
  }

  /**
   * The verdict on every offset that a complete segment of the topic-partition ever had. `frontierKept`: false where the table has
   * lost how far its tail had come; then what is wholly decided by the look of its keys is not read again, and overlaps are open.
   */
  verdicts(at: TopicPartition, frontierKept = true): ReadonlyMap<bigint, Verdict> {
    const histories = [...(this.#logs.get(topicPartitionName(at)) ?? new Map<bigint, SegmentHistory>()).values()]
      .filter(({ versions }) => versions.length > 0)
      .sort((a, b) => (a.base < b.base ? -1 : 1))
    const verdicts = new Map<bigint, { must: boolean; settled: boolean; candidates: Set<Written> }>()
    for (const history of histories) {
      const later = histories.filter(({ base }) => base > history.base)
      const earlier = histories.filter(({ base }) => base < history.base)
      const inOrder = later.every((other) => completedAt(history) <= completedAt(other))
      const musts =
        frontierKept || isAlone(history, earlier, later) ? this.#mustBeRead(history, earlier, later, inOrder) : new Set<bigint>()
      // Always the same bytes, and before everything that begins behind it: no later segment can take its offsets.
      const settles = frontierKept && inOrder && !history.broken && new Set(history.versions.map(({ records }) => records)).size === 1
      for (const offset of new Set(history.versions.flatMap(({ records }) => [...records.keys()]))) {
        let verdict = verdicts.get(offset)
        if (verdict === undefined) verdicts.set(offset, (verdict = { must: false, settled: false, candidates: new Set() }))
        verdict.must ||= musts.has(offset)
        if (verdict.settled) continue
        verdict.settled = settles
        for (const version of history.versions) {
          const written = version.records.get(offset)
          if (written !== undefined && this.#readableFrom(version, later) <= version.untilMs) verdict.candidates.add(written)
        }
      }
    }
    return verdicts
  }

  #mustBeRead(
    history: SegmentHistory,
    earlier: readonly SegmentHistory[],
    later: readonly SegmentHistory[],
    inOrder: boolean,
  ): ReadonlySet<bigint> {
    if (history.broken || (!inOrder && !this.#isBarelyLate(history, earlier, later))) return new Set()
    // Written again while it was the newest: what counts is the version that stood when a later one came, or any after that.
    const first = history.versions.findIndex(({ untilMs }) => later.some((other) => completedAt(other) <= untilMs))
    const last = history.versions.slice(first < 0 ? -1 : first).filter(({ faulty }) => !faulty)
    const [one, ...others] = last
    return new Set([...(one?.records.keys() ?? [])].filter((offset) => others.every(({ records }) => records.has(offset))))
  }

  /** Late, but before a later segment was old enough to prove a gap, and with a gap to be seen. */
  #isBarelyLate(history: SegmentHistory, earlier: readonly SegmentHistory[], later: readonly SegmentHistory[]): boolean {
    const anchored = earlier.some(
      (other) =>
        !other.broken && [...earlier, history, ...later].every((any) => any.base <= other.base || completedAt(other) <= completedAt(any)),
    )
    return (
      isAlone(history, earlier, later) &&
      anchored &&
      later.every((other) => completedAt(history) < completedAt(other) + this.#graceMs - secondMs)
    )
  }

  #readableFrom(version: Version, later: readonly SegmentHistory[]): number {
    let from = version.fromMs + this.#graceMs - secondMs
    for (const other of later) {
      for (const { fromMs, untilMs } of other.versions)
        if (untilMs >= version.fromMs) from = Math.min(from, Math.max(fromMs, version.fromMs))
    }
    return from
  }

  #history(at: TopicPartition, base: bigint): SegmentHistory {
    const name = topicPartitionName(at)
    let log = this.#logs.get(name)
    if (log === undefined) this.#logs.set(name, (log = new Map()))
    let history = log.get(base)
    if (history === undefined) log.set(base, (history = { base, kfs: null, index: false, versions: [], broken: false }))
    return history
  }

  #note(at: TopicPartition, offset: bigint, written: Written): void {
    const place = `${topicPartitionName(at)}@${offset}`
    const known = this.#written.get(place)
    if (known === undefined) this.#written.set(place, new Set([written]))
    else known.add(written)
  }

  #renew(history: SegmentHistory, nowMs: number): void {
    const current = history.versions.at(-1)
    if (current?.untilMs === Infinity) current.untilMs = nowMs
    if (history.kfs !== null && history.index) history.versions.push({ ...history.kfs, fromMs: nowMs, untilMs: Infinity })
    else if (history.versions.length > 0) history.broken = true
  }
}

function completedAt(history: SegmentHistory): number {
  return history.versions[0].fromMs
}

/** Whether no other segment has ever had an offset within its bounds. */
function isAlone(history: SegmentHistory, earlier: readonly SegmentHistory[], later: readonly SegmentHistory[]): boolean {
  const end = endOf(history)
  return earlier.every((other) => endOf(other) <= history.base) && later.every(({ base }) => base >= end)
}

function endOf(history: SegmentHistory): bigint {
  let end = history.base
  for (const { records } of history.versions) for (const offset of records.keys()) if (offset >= end) end = offset + 1n
  return end
}
