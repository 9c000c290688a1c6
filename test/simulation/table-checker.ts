import { isDeepStrictEqual } from 'node:util'
import type { ManifestList } from '../../src/formats/iceberg/manifest-list.ts'
import { refSnapshotId, type Snapshot, snapshotById, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import {
  containsOffset,
  endOf,
  formatRanges,
  intersectRanges,
  type OffsetRanges,
  subtractRanges,
  unionRanges,
} from '../../src/model/offset-range.ts'
import { incarnationId } from '../../src/model/incarnation.ts'
import { decidedRanges, noProgress, type Progress, progressBeyond } from '../../src/model/progress.ts'
import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'
import { noRequests, type Requests } from '../../src/model/requests.ts'
import { type Backfill, isEnded } from '../../src/model/backfill.ts'
import { frontierOf, type Frontiers } from '../../src/model/segment.ts'
import type { StartAt } from '../../src/spec/document.ts'
import { decodeFrontiers, decodeProgress } from '../../src/pipeline/commit/progress-text.ts'
import { decodeRequests } from '../../src/pipeline/commit/requests-text.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import { InvariantBroken } from './faults.ts'
import { control, type SourceModel } from './model.ts'
import { branchOf, lostBy, rebuildsOf } from './rebuilt-tables.ts'
import type { LiveFile, Row, TableReader } from './table-reader.ts'

/** A snapshot that was found sound. */
interface Checked {
  readonly progress: Progress
  readonly frontiers: Frontiers
  readonly requests: Requests
  /** By `topic/partition@offset`. */
  readonly rows: ReadonlyMap<string, Row>
  /** Rows that another writer deleted somewhere in this history. */
  readonly deleted: ReadonlySet<string>
  /** Offsets that are not to be looked for any more: of rows that we deleted for their age. */
  readonly accepted: Progress
  readonly files: readonly string[]
  /** Where each log began, as the first snapshot with progress of it says, and when that was seen, ms. */
  readonly starts: ReadonlyMap<string, { readonly offset: bigint; readonly seenMs: number }>
}

const empty: Checked = {
  progress: noProgress,
  frontiers: new Map(),
  requests: noRequests,
  rows: new Map(),
  deleted: new Set(),
  accepted: noProgress,
  files: [],
  starts: new Map(),
}

/** A topic-partition that the table materializes, and the source that it is in. */
interface SourceLog {
  readonly sourceId: string
  readonly at: TopicPartition
}

/** A log as the model knows it: one that was restarted is another from then on. */
interface NamedLog {
  readonly name: string
  readonly at: TopicPartition
  readonly decided: (progress: Progress) => OffsetRanges
}

/** Checks every snapshot of one table, once, when it is first seen in the history of main. */
export class TableChecker {
  readonly table: string
  readonly #logs: readonly SourceLog[]
  readonly #model: SourceModel
  readonly #reader: TableReader
  readonly #startAt: StartAt
  /** Rows from before are old, and deleted by us; null: none is. */
  readonly #midnightMs: number | null
  readonly #now: () => number
  readonly #checked = new Map<bigint, Checked>()
  /** The branches on which it is made anew, with their heads that were seen last; and by snapshot the branch that it was made on. */
  readonly #branches = new Map<string, bigint>()
  readonly #madeOn = new Map<bigint, string>()
  /** By the snapshot that came in its place: what main had. */
  readonly #replaced = new Map<bigint, bigint>()
  #asked: Requests | null = null
  /** By log: whatever somebody wanted to be backfilled. */
  readonly #everAsked = new Map<string, OffsetRanges>()
  /** Backfills by id, as they were asked for last, and when, ms. */
  readonly #backfills = new Map<string, { readonly backfill: Backfill; readonly askedMs: number }>()
  snapshots = 0
  rowsChecked = 0
  /** The catalog's document that was seen last. */
  metadata: TableMetadata | null = null

  constructor(
    table: string,
    logs: readonly SourceLog[],
    model: SourceModel,
    reader: TableReader,
    { startAt, midnightMs, now }: { readonly startAt: StartAt; readonly midnightMs: number | null; readonly now: () => number },
  ) {
    this.#startAt = startAt
    this.#midnightMs = midnightMs
    this.#now = now
    this.table = table
    this.#logs = logs
    this.#model = model
    this.#reader = reader
  }

  /**
   * Looks at the table; returns the snapshots that are new, oldest first. `moved`: somebody has taken main back, so that what is new
   * need not stand on what was current. Throws InvariantBroken.
   */
  async look(metadata: TableMetadata, moved: boolean): Promise<readonly Snapshot[]> {
    if (metadata === this.metadata) return []
    const before = this.metadata === null ? null : refSnapshotId(this.metadata)
    this.metadata = metadata
    this.#asked ??= requestsOf(metadata.properties ?? {}, noRequests)
    for (const [branch, head] of rebuildsOf(metadata)) {
      const { fresh, id } = this.#unseen(metadata, head)
      if (fresh.length > 0 && id !== (this.#branches.get(branch) ?? null))
        throw this.#broken('no commit is dropped', `${idOf(fresh[0])} of ${branch} stands on ${id}`)
      for (const snapshot of fresh) this.#checked.set(snapshot['snapshot-id'], await this.#check(snapshot))
      this.#branches.set(branch, head)
    }
    const { fresh, id } = this.#unseen(metadata, refSnapshotId(metadata))
    const branch = id === null ? undefined : this.#madeOn.get(id)
    const dropped = branch === undefined ? id !== before && !moved : id !== this.#branches.get(branch)
    if (fresh.length > 0 && dropped)
      throw this.#broken('no commit is dropped', `${idOf(fresh[0])} stands on ${id}, and ${before} was current`)
    for (const snapshot of fresh) {
      const checked = await this.#check(snapshot)
      const isRebuilt = branchOf(snapshot) === undefined && this.#madeOn.has(snapshot['parent-snapshot-id'] ?? 0n)
      this.#checked.set(snapshot['snapshot-id'], isRebuilt ? this.#checkRebuilt(snapshot, checked, before) : checked)
    }
    return fresh.filter((snapshot) => branchOf(snapshot) === undefined)
  }

  /** The snapshots of a history that were not looked at, oldest first, and what they stand on. */
  #unseen(metadata: TableMetadata, head: bigint | null): { fresh: Snapshot[]; id: bigint | null } {
    const fresh: Snapshot[] = []
    let id = head
    while (id !== null && !this.#checked.has(id)) {
      const snapshot = snapshotById(metadata, id)
      if (snapshot === undefined) throw this.#broken('every commit is seen', `snapshot ${id} went before it was looked at`)
      fresh.unshift(snapshot)
      id = snapshot['parent-snapshot-id'] ?? null
    }
    return { fresh, id }
  }

  /** What was made anew has main's place: it has everything that main had, which began where it began. */
  #checkRebuilt(snapshot: Snapshot, made: Checked, before: bigint | null): Checked {
    const replaced = before === null ? empty : this.at(before)
    const lost = lostBy(made, replaced, (place) => this.#mayHaveNone(place))
    if (lost !== null) throw this.#broken(lost.invariant, `${idOf(snapshot)} in the place of ${before}: ${lost.detail}`)
    this.#replaced.set(snapshot['snapshot-id'], before ?? 0n)
    const starts = new Map([...made.starts, ...replaced.starts])
    // Of topic-partitions too that could not be seen when it was asked for it has everything: those begin anew.
    for (const { name, decided } of this.#namedLogs()) {
      const below = intersectRanges(decided(made.progress), [[0n, starts.get(name)?.offset ?? 0n]])
      if (subtractRanges(below, this.#askedOf(name)).length > 0) starts.set(name, made.starts.get(name)!)
    }
    return { ...made, starts }
  }

  /** Whether an offset may have no row though somebody read one there: it was written again as a control record, or was damaged. */
  #mayHaveNone(place: string): boolean {
    const [log, offset] = [place.slice(0, place.lastIndexOf('@')), BigInt(place.slice(place.lastIndexOf('@') + 1))]
    return this.#model.everWritten(log, offset).has(control) || this.#model.maySkip(log, offset)
  }

  /** Whether a snapshot put what was made anew in main's place. */
  isRebuilt(snapshot: Snapshot): boolean {
    return this.#replaced.has(snapshot['snapshot-id'])
  }

  /** What main had before a snapshot; 0: nothing. */
  beforeOf(snapshot: Snapshot): bigint {
    return this.#replaced.get(snapshot['snapshot-id']) ?? snapshot['parent-snapshot-id'] ?? 0n
  }

  /** What the current snapshot holds. */
  current(): Checked {
    const id = this.metadata === null ? null : refSnapshotId(this.metadata)
    return id === null ? empty : this.at(id)
  }

  /** Whether the table stands at a segment of this log that is not its very first. */
  standsBehindFirst(sourceId: string, at: TopicPartition): boolean {
    return (frontierOf(this.current().frontiers, sourceId, at)?.baseOffset ?? 0n) > 0n
  }

  /** Paths of the live files of a snapshot. */
  filesOf(snapshotId: bigint): readonly string[] {
    return this.at(snapshotId).files
  }

  at(snapshotId: bigint): Checked {
    return this.#checked.get(snapshotId) ?? empty
  }

  /** Everything visible must be there now, but for the logs in `except`: exactly the rows that the model of the source calls for. Throws InvariantBroken. */
  checkComplete(frontierKept: boolean, except: ReadonlySet<string>): void {
    const { progress, rows, deleted, starts } = this.current()
    for (const { name, decided: ofLog } of this.#namedLogs()) {
      if (except.has(name)) continue
      const decided = ofLog(progress)
      const start = this.#startAt === 'earliest' ? undefined : starts.get(name)
      const verdicts = this.#model.verdicts(name, frontierKept, start?.offset ?? 0n, this.#backfills.size > 0)
      if (start !== undefined && this.#startAt !== 'earliest')
        this.#checkStart(name, start.offset, decided, this.#startAt === 'latest' ? start.seenMs : this.#startAt.timeMs)
      for (const [offset, { must, candidates }] of verdicts) {
        const place = `${name}@${offset}`
        if (!containsOffset(decided, offset)) {
          if (must) throw this.#broken('nothing is lost', `${place} is in the source and not decided (${formatRanges(decided)})`)
          continue
        }
        if (deleted.has(place)) continue
        const found = rows.get(place)?.value ?? control
        if (!candidates.has(found) && !(found === control && this.#model.maySkip(name, offset))) {
          throw this.#broken(
            'the right record is kept',
            `${place} is ${String(found)}, and ${[...candidates].map(String).join(' or ')} was to be read`,
          )
        }
        this.rowsChecked++
      }
      for (const offset of offsetsOf(decided)) {
        if (!verdicts.has(offset) && !this.#model.maySkip(name, offset))
          throw this.#broken('only what is readable is decided', `${name}@${offset}`)
      }
    }
  }

  /** What is said to be backfilled is there, as far as it was sure to be in the source. */
  checkBackfilled(): void {
    const { progress, requests } = this.current()
    for (const { id, topic } of requests.backfills.filter(({ state }) => state === 'done')) {
      const known = this.#backfills.get(keyOf(undefined, id))
      // It was asked for on a branch, which main's place was given to with all that main had.
      if (known === undefined) continue
      const {
        askedMs,
        backfill: { ranges },
      } = known
      for (const { name, at, decided: ofLog } of this.#namedLogs()) {
        const wanted = ranges.get(at.partition)
        if (at.topic !== topic || wanted === undefined || this.#model.restarted.has(topicPartitionName(at))) continue
        const decided = ofLog(progress)
        // What lies behind all of it is the tail's: of two that begin a table at once, one may find less than the other.
        const history = intersectRanges(wanted, [[0n, endOf(decided) ?? 0n]])
        for (const offset of this.#model.historyBefore(name, askedMs)) {
          if (containsOffset(history, offset) && !containsOffset(decided, offset))
            throw this.#broken('what is backfilled is there', `${name}@${offset} is not, of ${id}: ${formatRanges(wanted)}`)
        }
      }
    }
  }

  /** `branch`: on which a table is made anew, where the same wish means other offsets; undefined: main. */
  #note(branch: string | undefined, { backfills }: Requests): void {
    // Of one that is ended the table does not tell the offsets any more.
    for (const backfill of backfills.filter((one) => !isEnded(one))) {
      const key = keyOf(branch, backfill.id)
      const known = this.#backfills.get(key)
      if (known === undefined || !isDeepStrictEqual(known.backfill.ranges, backfill.ranges))
        this.#backfills.set(key, { backfill, askedMs: this.#now() })
    }
  }

  #askedOf(name: string): OffsetRanges {
    let asked = this.#everAsked.get(name)
    for (const { backfill } of this.#backfills.values()) {
      const log = this.#logs.find(({ at }) => topicPartitionName(at) === name.replace('#2', ''))
      const ranges = log?.at.topic === backfill.topic ? backfill.ranges.get(log.at.partition) : undefined
      if (ranges !== undefined) asked = unionRanges(asked ?? [], ranges)
    }
    this.#everAsked.set(name, asked ?? [])
    return asked ?? []
  }

  /** Nothing that was written since is left out. Where a table was made anew before main had begun, all below its start was brought as history. */
  #checkStart(log: string, start: bigint, decided: OffsetRanges, sinceMs: number): void {
    for (const base of this.#model.writtenSince(log, sinceMs))
      if (base < start && !containsOffset(decided, base))
        throw this.#broken('a start leaves nothing out that was written since', `${log} starts at ${start}, behind ${base}`)
  }

  *#namedLogs(): Generator<NamedLog> {
    for (const { sourceId, at } of this.#logs) {
      const name = topicPartitionName(at)
      const [first, second] = [1, 2].map((i) => (progress: Progress) => decidedRanges(progress, incarnationId(sourceId, i), at))
      if (!this.#model.restarted.has(name)) yield { name, at, decided: (progress) => unionRanges(first(progress), second(progress)) }
      else {
        yield { name, at, decided: first }
        yield { name: `${name}#2`, at, decided: second }
      }
    }
  }

  /** `topic/partition@offset`, with the incarnation of a log that was restarted. */
  #placeOf({ log, offset, incarnation }: Row): string {
    return `${log}${incarnation > 1 && this.#model.restarted.has(log) ? `#${incarnation}` : ''}@${offset}`
  }

  async #check(snapshot: Snapshot): Promise<Checked> {
    this.snapshots++
    const branch = branchOf(snapshot)
    if (branch !== undefined) this.#madeOn.set(snapshot['snapshot-id'], branch)
    const parentId = snapshot['parent-snapshot-id'] ?? null
    const parent = parentId === null ? empty : this.at(parentId)
    const list = await this.#reader.manifestList(snapshot)
    const files = await this.#reader.liveFiles(list)
    const rows = this.#rowsOf(snapshot, files)
    const ours = snapshot.summary[summaryKeys.commitId] !== undefined
    const progress = ours ? progressOf(snapshot, list) : parent.progress
    const gone = [...parent.rows.keys()].filter((place) => !rows.has(place))
    const paths = files.map(({ path }) => path)
    const frontiers = list.metadata.get(summaryKeys.frontiers)
    const requests = parentId === null ? (this.#asked ?? noRequests) : parent.requests
    const carried = {
      accepted: ours ? acceptedIn(list, snapshot) : parent.accepted,
      frontiers: ours && frontiers !== undefined ? decodeFrontiers(frontiers, idOf(snapshot)) : parent.frontiers,
      requests: ours ? requestsOf(snapshot.summary, noRequests) : requests,
    }
    this.#note(branch, carried.requests)
    const checked = {
      ...carried,
      starts: this.#startsOf(snapshot, parent, progress),
      progress,
      rows,
      files: paths,
      deleted: gone.length === 0 ? parent.deleted : new Set([...parent.deleted, ...gone]),
    }
    const lost = progressBeyond(parent.progress, progress)
    if (lost.length > 0) {
      throw this.#broken(
        'progress never shrinks',
        `${idOf(snapshot)} has lost ${lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join(', ')}`,
      )
    }
    if (ours) for (const place of gone) this.#checkRetired(snapshot, place, parent.rows.get(place)!)
    this.#checkRows(snapshot, checked)
    this.#checkAccepted(snapshot, parent, checked, ours ? gone : [])
    return checked
  }

  /** We drop no row but for its age, in a snapshot that says so. */
  #checkRetired(snapshot: Snapshot, place: string, { timestampMs }: Row): void {
    const isSaid = ['delete', 'overwrite'].includes(snapshot.summary.operation ?? '')
    if (isSaid && this.#midnightMs !== null && timestampMs !== null && timestampMs < this.#midnightMs) return
    throw this.#broken('a snapshot of ours drops no row that is not old', `${place}, of ${timestampMs}, is not in ${idOf(snapshot)}`)
  }

  /** Nobody looks any more for the rows that we deleted, and for no others. */
  #checkAccepted(snapshot: Snapshot, parent: Checked, { accepted, rows }: Checked, retired: readonly string[]): void {
    const lost = progressBeyond(parent.accepted, accepted)
    if (lost.length > 0) throw this.#broken('what is accepted stays accepted', idOf(snapshot))
    const isAccepted = (place: string, { log, offset }: Row) => {
      const named = [...this.#namedLogs()].find(({ name }) => place === `${name}@${offset}`)
      if (named !== undefined && this.#model.restarted.has(log)) return null
      return named === undefined ? null : containsOffset(named.decided(accepted), offset)
    }
    for (const place of retired)
      if (isAccepted(place, parent.rows.get(place)!) === false)
        throw this.#broken('rows that we delete are accepted as absent', `${place} in ${idOf(snapshot)}`)
    if (accepted === parent.accepted) return
    for (const [place, row] of rows)
      if (isAccepted(place, row) === true)
        throw this.#broken('a row that is there is not accepted as absent', `${place} in ${idOf(snapshot)}`)
  }

  #startsOf(snapshot: Snapshot, { starts }: Checked, progress: Progress): Checked['starts'] {
    const known = new Map(starts)
    for (const { name, decided } of this.#namedLogs()) {
      const offset = decided(progress)[0]?.[0]
      if (offset === undefined) continue
      const start = known.get(name) ?? { offset, seenMs: this.#now() }
      const below = intersectRanges(decided(progress), [[0n, start.offset]])
      if (subtractRanges(below, this.#askedOf(name)).length > 0)
        throw this.#broken(
          'nothing below the start is decided that was not asked for',
          `${name} ${formatRanges(below)} in ${idOf(snapshot)}`,
        )
      known.set(name, start)
    }
    return known
  }

  #rowsOf(snapshot: Snapshot, files: readonly LiveFile[]): Map<string, Row> {
    const rows = new Map<string, Row>()
    let count = 0
    for (const { path, rows: ofFile, records } of files) {
      count += records
      for (const row of ofFile) {
        const place = this.#placeOf(row)
        if (rows.has(place)) throw this.#broken('no row is there twice', `${place} in ${idOf(snapshot)}, the second in ${path}`)
        rows.set(place, row)
      }
    }
    const total = snapshot.summary['total-records']
    if (total !== undefined && total !== String(count))
      throw this.#broken('total-records is the number of records in data files', `${idOf(snapshot)} says ${total} and has ${count}`)
    return rows
  }

  /** A row exactly where progress says so, unless it was a control record or was deleted. */
  #checkRows(snapshot: Snapshot, { progress, rows, deleted }: Checked): void {
    let expected = 0
    for (const { name, decided } of this.#namedLogs()) {
      for (const offset of offsetsOf(decided(progress))) {
        const place = `${name}@${offset}`
        const row = rows.get(place)
        const written = this.#model.everWritten(name, offset)
        this.rowsChecked++
        if (row !== undefined) {
          expected++
          if (deleted.has(place)) throw this.#broken('what was deleted stays deleted', `${place} in ${idOf(snapshot)}`)
          if (!written.has(row.value)) throw this.#broken('rows are what was written', `${place} in ${idOf(snapshot)} is ${row.value}`)
        } else if (!deleted.has(place) && !written.has(control) && !this.#model.maySkip(name, offset))
          throw this.#broken('decided offsets have a row', `${place} in ${idOf(snapshot)} has none`)
      }
    }
    const logs = new Set(this.#logs.map(({ at }) => topicPartitionName(at)))
    const ours = [...rows.values()].filter(({ log }) => logs.has(log)).length
    if (ours !== expected)
      throw this.#broken(
        'rows are decided offsets',
        `${idOf(snapshot)} has ${ours} rows of the source, and ${expected} of them are in its progress`,
      )
  }

  #broken(invariant: string, detail: string): InvariantBroken {
    return new InvariantBroken(invariant, `table ${this.table}: ${detail}`)
  }
}

function idOf(snapshot: Snapshot): string {
  return `snapshot ${snapshot['snapshot-id']}`
}

function progressOf(snapshot: Snapshot, list: ManifestList): Progress {
  const text = snapshot.summary[summaryKeys.progress] ?? list.metadata.get(summaryKeys.progress)
  if (text === undefined) throw new InvariantBroken('every snapshot of ours carries progress', idOf(snapshot))
  return decodeProgress(text, idOf(snapshot))
}

function acceptedIn({ metadata }: ManifestList, snapshot: Snapshot): Progress {
  const text = metadata.get(summaryKeys.accepted)
  return text === undefined ? noProgress : decodeProgress(text, idOf(snapshot))
}

function requestsOf(keys: Readonly<Record<string, string>>, none: Requests): Requests {
  const text = keys[summaryKeys.requests]
  return text === undefined ? none : decodeRequests(text, 'requests')
}

function* offsetsOf(ranges: OffsetRanges): Generator<bigint> {
  for (const [start, end] of ranges) for (let offset = start; offset < end; offset++) yield offset
}

function keyOf(branch: string | undefined, id: string): string {
  return `${branch ?? 'main'} ${id}`
}
