import type { ManifestList } from '../../src/formats/iceberg/manifest-list.ts'
import { refSnapshotId, type Snapshot, snapshotById, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { containsOffset, formatRanges, type OffsetRanges } from '../../src/model/offset-range.ts'
import { decidedRanges, noProgress, type Progress, progressBeyond } from '../../src/model/progress.ts'
import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'
import { decodeProgress } from '../../src/pipeline/commit/progress-text.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import { InvariantBroken } from './faults.ts'
import { control, type SourceModel } from './model.ts'
import type { LiveFile, Row, TableReader } from './table-reader.ts'

/** A snapshot that was found sound. */
interface Checked {
  readonly progress: Progress
  /** By `topic/partition@offset`. */
  readonly rows: ReadonlyMap<string, Row>
  /** Rows that another writer deleted somewhere in this history. */
  readonly deleted: ReadonlySet<string>
  readonly files: readonly string[]
}

const empty: Checked = { progress: noProgress, rows: new Map(), deleted: new Set(), files: [] }

/** A topic-partition that the table materializes, and the source that it is in. */
interface SourceLog {
  readonly sourceId: string
  readonly at: TopicPartition
}

/** Checks every snapshot of one table, once, when it is first seen in the history of main. */
export class TableChecker {
  readonly table: string
  readonly #logs: readonly SourceLog[]
  readonly #model: SourceModel
  readonly #reader: TableReader
  readonly #checked = new Map<bigint, Checked>()
  snapshots = 0
  rowsChecked = 0
  /** The catalog's document that was seen last. */
  metadata: TableMetadata | null = null

  constructor(table: string, logs: readonly SourceLog[], model: SourceModel, reader: TableReader) {
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
    const fresh: Snapshot[] = []
    let id = refSnapshotId(metadata)
    while (id !== null && !this.#checked.has(id)) {
      const snapshot = snapshotById(metadata, id)
      if (snapshot === undefined) throw this.#broken('every commit is seen', `snapshot ${id} went before it was looked at`)
      fresh.unshift(snapshot)
      id = snapshot['parent-snapshot-id'] ?? null
    }
    if (fresh.length > 0 && id !== before && !moved)
      throw this.#broken('no commit is dropped', `${idOf(fresh[0])} stands on ${id}, and ${before} was current`)
    for (const snapshot of fresh) this.#checked.set(snapshot['snapshot-id'], await this.#check(snapshot))
    return fresh
  }

  /** What the current snapshot holds. */
  current(): Checked {
    const id = this.metadata === null ? null : refSnapshotId(this.metadata)
    return id === null ? empty : this.at(id)
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
    const { progress, rows, deleted } = this.current()
    for (const { sourceId, at } of this.#logs) {
      if (except.has(topicPartitionName(at))) continue
      const decided = decidedRanges(progress, sourceId, at)
      const verdicts = this.#model.verdicts(at, frontierKept)
      for (const [offset, { must, candidates }] of verdicts) {
        const place = `${topicPartitionName(at)}@${offset}`
        if (!containsOffset(decided, offset)) {
          if (must) throw this.#broken('nothing is lost', `${place} is in the source and not decided (${formatRanges(decided)})`)
          continue
        }
        if (deleted.has(place)) continue
        const found = rows.get(place)?.value ?? control
        if (!candidates.has(found)) {
          throw this.#broken(
            'the right record is kept',
            `${place} is ${String(found)}, and ${[...candidates].map(String).join(' or ')} was to be read`,
          )
        }
        this.rowsChecked++
      }
      for (const offset of offsetsOf(decided)) {
        if (!verdicts.has(offset)) throw this.#broken('only what is readable is decided', `${topicPartitionName(at)}@${offset}`)
      }
    }
  }

  async #check(snapshot: Snapshot): Promise<Checked> {
    this.snapshots++
    const parentId = snapshot['parent-snapshot-id'] ?? null
    const parent = parentId === null ? empty : this.at(parentId)
    const list = await this.#reader.manifestList(snapshot)
    const files = await this.#reader.liveFiles(list)
    const rows = this.#rowsOf(snapshot, files)
    const ours = snapshot.summary[summaryKeys.commitId] !== undefined
    const progress = ours ? progressOf(snapshot, list) : parent.progress
    const gone = ours ? [] : [...parent.rows.keys()].filter((place) => !rows.has(place))
    const paths = files.map(({ path }) => path)
    const checked = { progress, rows, files: paths, deleted: gone.length === 0 ? parent.deleted : new Set([...parent.deleted, ...gone]) }
    const lost = progressBeyond(parent.progress, progress)
    if (lost.length > 0) {
      throw this.#broken(
        'progress never shrinks',
        `${idOf(snapshot)} has lost ${lost.map(({ at, ranges }) => `${topicPartitionName(at)} ${formatRanges(ranges)}`).join(', ')}`,
      )
    }
    for (const place of parent.rows.keys()) {
      if (ours && !rows.has(place))
        throw this.#broken('an append drops no row', `${place} was in ${parentId} and is not in ${idOf(snapshot)}`)
    }
    this.#checkRows(snapshot, checked)
    return checked
  }

  #rowsOf(snapshot: Snapshot, files: readonly LiveFile[]): Map<string, Row> {
    const rows = new Map<string, Row>()
    let count = 0
    for (const { path, rows: ofFile } of files) {
      count += ofFile.length
      for (const row of ofFile) {
        const place = `${row.log}@${row.offset}`
        if (rows.has(place)) throw this.#broken('no row is there twice', `${place} in ${idOf(snapshot)}, the second in ${path}`)
        rows.set(place, row)
      }
    }
    const total = snapshot.summary['total-records']
    if (total !== undefined && total !== String(count))
      throw this.#broken('total-records is the number of rows', `${idOf(snapshot)} says ${total} and has ${count}`)
    return rows
  }

  /** A row exactly where progress says so, unless it was a control record or was deleted. */
  #checkRows(snapshot: Snapshot, { progress, rows, deleted }: Checked): void {
    let expected = 0
    for (const { sourceId, at } of this.#logs) {
      const log = topicPartitionName(at)
      for (const offset of offsetsOf(decidedRanges(progress, sourceId, at))) {
        const place = `${log}@${offset}`
        const row = rows.get(place)
        const written = this.#model.everWritten(at, offset)
        this.rowsChecked++
        if (row !== undefined) {
          expected++
          if (deleted.has(place)) throw this.#broken('what was deleted stays deleted', `${place} in ${idOf(snapshot)}`)
          if (!written.has(row.value)) throw this.#broken('rows are what was written', `${place} in ${idOf(snapshot)} is ${row.value}`)
        } else if (!deleted.has(place) && !written.has(control))
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

function* offsetsOf(ranges: OffsetRanges): Generator<bigint> {
  for (const [start, end] of ranges) for (let offset = start; offset < end; offset++) yield offset
}
