/** What a writer put at an offset: a value, or a control record, which has no row. */
export type Written = string | typeof control
export const control = Symbol('control')

/** Records of a segment's bytes, as a reader of the whole segment meets them: the first of each offset. */
export interface SegmentContent {
  readonly records: ReadonlyMap<bigint, Written>
  /** The time of its records, ms, or a little less. */
  readonly createdMs: number
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
  /** When its bytes were written, each time. */
  readonly putsMs: number[]
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
  readonly #skips: boolean
  /** Topic-partitions that began again at offset 0: from then on they are another log, named with `#2` behind. */
  readonly restarted = new Set<string>()
  readonly #logs = new Map<string, Map<bigint, SegmentHistory>>()
  readonly #written = new Map<string, Set<Written>>()

  /** `skips`: what can not be read is left out. */
  constructor(graceMs: number, skips: boolean) {
    this.#graceMs = graceMs
    this.#skips = skips
  }

  segmentPut(log: string, base: bigint, content: SegmentContent, nowMs: number): void {
    const history = this.#history(log, base)
    history.kfs = content
    history.putsMs.push(nowMs)
    for (const [offset, written] of content.records) this.#note(log, offset, written)
    this.#renew(history, nowMs)
  }

  indexPut(log: string, base: bigint, nowMs: number): void {
    const history = this.#history(log, base)
    history.index = true
    this.#renew(history, nowMs)
  }

  removed(log: string, base: bigint, extension: 'kfs' | 'index', nowMs: number): void {
    const history = this.#history(log, base)
    if (extension === 'kfs') history.kfs = null
    else history.index = false
    this.#renew(history, nowMs)
  }

  /** Whatever was written at an offset of a log, read or not. Logs go by `topic/partition`. */
  everWritten(log: string, offset: bigint): ReadonlySet<Written> {
    return this.#written.get(`${log}@${offset}`) ?? new Set()
  }

  /**
   * The verdict on every offset that a complete segment of the log ever had. `frontierKept`: false where the table has
   * lost how far its tail had come; then what is wholly decided by the look of its keys is not read again, and overlaps are open.
   * Below `start` nothing is read as tail, so that overlaps with what lies there are open too; with `history`, it may be read, of each segment
   * and the one before it.
   */
  verdicts(log: string, frontierKept: boolean, start: bigint, history: boolean): ReadonlyMap<bigint, Verdict> {
    const histories = this.#historiesOf(log)
    const verdicts = new Map<bigint, { must: boolean; settled: boolean; candidates: Set<Written> }>()
    for (const segment of histories) {
      const later = histories.filter(({ base }) => base > segment.base)
      const earlier = histories.filter(({ base }) => base < segment.base)
      const inOrder = later.every((other) => completedAt(segment) <= completedAt(other))
      const isOrderly = frontierKept && segment.base >= start
      const musts = isOrderly || isAlone(segment, earlier, later) ? this.#mustBeRead(segment, earlier, later, inOrder) : new Set<bigint>()
      // Always the same bytes, and before everything that begins behind it: no later segment can take its offsets.
      const isSteady = inOrder && !segment.broken && new Set(segment.versions.map(({ records }) => records)).size === 1
      const isHistory = (offset: bigint) => offset < start && !segment.versions[0].faulty && !(later[1]?.base <= offset)
      for (const offset of new Set(segment.versions.flatMap(({ records }) => [...records.keys()]))) {
        let verdict = verdicts.get(offset)
        if (offset < start && !history) continue
        if (verdict === undefined) verdicts.set(offset, (verdict = { must: false, settled: false, candidates: new Set() }))
        verdict.must ||= offset >= start && musts.has(offset)
        if (verdict.settled) continue
        verdict.settled = isSteady && (isOrderly || isHistory(offset))
        for (const version of segment.versions) {
          const written = version.records.get(offset)
          if (written !== undefined && this.#readableFrom(version, later) <= version.untilMs) verdict.candidates.add(written)
        }
      }
    }
    return verdicts
  }

  /** Base offsets of whole segments that were written since, always as they are and with nothing beside them. */
  writtenSince(log: string, sinceMs: number): bigint[] {
    const histories = this.#historiesOf(log)
    return histories
      .filter((history) => {
        const earlier = histories.filter(({ base }) => base < history.base)
        const later = histories.filter(({ base }) => base > history.base)
        const [{ createdMs, faulty }] = history.versions
        // What comes behind a later one may come when the start is decided already.
        const inOrder = later.every((other) => completedAt(history) <= completedAt(other))
        return (
          createdMs >= sinceMs && inOrder && !faulty && !history.broken && history.versions.length === 1 && isAlone(history, earlier, later)
        )
      })
      .map(({ base }) => base)
  }

  /** Offsets that a backfill must bring which was asked for then: of whole segments that stood already, stand still, and have nothing beside them. */
  historyBefore(log: string, askedMs: number): bigint[] {
    const histories = this.#historiesOf(log)
    const sure = histories.filter((segment) => {
      const earlier = histories.filter(({ base }) => base < segment.base)
      const later = histories.filter(({ base }) => base > segment.base)
      const [{ faulty, fromMs }] = segment.versions
      const isOld = fromMs + this.#graceMs + secondMs < askedMs
      return isOld && !faulty && !segment.broken && segment.versions.length === 1 && isAlone(segment, earlier, later)
    })
    return sure.flatMap(({ versions: [{ records }] }) => [...records.keys()])
  }

  /**
   * Whether who stood at a segment may take the log for one that began again: that segment is gone or was written again, and the first one
   * that was left at some time was written later than it.
   */
  looksRestarted(log: string): boolean {
    const histories = this.#historiesOf(log)
    return histories.some((first, i) => {
      const isFirst = histories.slice(0, i).every(({ broken }) => broken)
      const writtenMs = first.putsMs.at(-1)! + secondMs
      return isFirst && histories.slice(i + 1).some((stood) => (stood.broken || stood.putsMs.length > 1) && stood.putsMs[0] < writtenMs)
    })
  }

  /** Whether an offset may have been left out because its segment was damaged when it was read. */
  maySkip(log: string, offset: bigint): boolean {
    if (!this.#skips) return false
    const histories = this.#historiesOf(log)
    return histories.some((history) => {
      const later = histories.filter(({ base }) => base > history.base)
      return history.versions.some(
        (version) => version.faulty && offset >= soundEnd(history, version) && offset < openEnd(soundEnd(history, version), later),
      )
    })
  }

  #historiesOf(log: string): SegmentHistory[] {
    return [...(this.#logs.get(log) ?? new Map<bigint, SegmentHistory>()).values()]
      .filter(({ versions }) => versions.length > 0)
      .sort((a, b) => (a.base < b.base ? -1 : 1))
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
    const last = history.versions.slice(first < 0 ? -1 : first).filter(({ faulty }) => this.#skips || !faulty)
    const one = last.find(({ faulty }) => !faulty)
    const end = this.#skips ? skipEndOf(history, later) : null
    return new Set(
      [...(one?.records.keys() ?? [])].filter(
        (offset) => last.every((version) => hasOrSkips(history, version, offset)) && (end === null || offset < end),
      ),
    )
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

  #history(log: string, base: bigint): SegmentHistory {
    let histories = this.#logs.get(log)
    if (histories === undefined) this.#logs.set(log, (histories = new Map()))
    let history = histories.get(base)
    if (history === undefined) histories.set(base, (history = { base, kfs: null, index: false, versions: [], putsMs: [], broken: false }))
    return history
  }

  #note(log: string, offset: bigint, written: Written): void {
    const place = `${log}@${offset}`
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

/** Where a reader of damaged bytes must stop. */
function soundEnd({ base }: SegmentHistory, { records }: Version): bigint {
  let end = base
  for (const offset of records.keys()) if (offset >= end) end = offset + 1n
  return end
}

/** Whether a reader of this version decides the offset, where what can not be read is skipped. */
function hasOrSkips(history: SegmentHistory, version: Version, offset: bigint): boolean {
  return version.records.has(offset) || (version.faulty && offset >= soundEnd(history, version))
}

/** Where what is skipped ends at the latest: at the first segment behind it that every listing with a later one shows. */
function openEnd(from: bigint, later: readonly SegmentHistory[]): bigint {
  let end = from
  for (const [i, history] of later.entries()) {
    if (history.base <= from) continue
    end = history.base
    if (!history.broken && later.slice(i + 1).every((other) => completedAt(history) <= completedAt(other))) break
  }
  return end
}

/** Of a segment that was damaged: where the next one begins at the earliest; null of any other. */
function skipEndOf(history: SegmentHistory, later: readonly SegmentHistory[]): bigint | null {
  const ends = history.versions
    .filter(({ faulty }) => faulty)
    .flatMap((version) => later.find(({ base }) => base > soundEnd(history, version))?.base ?? [])
  return ends.length === 0 ? null : ends.reduce((least, end) => (end < least ? end : least))
}
