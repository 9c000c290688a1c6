import { ParquetColumns, type RowGroupPlace } from '../../formats/parquet/read-rows.ts'
import { WorkError } from '../../model/failure.ts'
import { currentIncarnation } from '../../model/incarnation.ts'
import {
  endOf,
  containsOffset,
  intersectRanges,
  normalizeRanges,
  type OffsetRange,
  type OffsetRanges,
  subtractRanges,
} from '../../model/offset-range.ts'
import { decidedRanges } from '../../model/progress.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import type { TableLayout } from '../../pipeline/flow.ts'
import { limitsOf } from '../tasks/limits.ts'
import type { Entered } from './table-books.ts'
import type { TableUnderTest } from './table-under-test.ts'
import type { VerifySeams } from './verify-options.ts'
import type { Finding } from '../../pipeline/verify/finding.ts'
import type { DeletedRows } from '../../pipeline/verify/deleted-rows.ts'
import { valueText } from '../../pipeline/verify/row-text.ts'
import { damagedFact, type SourceFact, unreadableFact } from '../../pipeline/verify/source-fact.ts'
import type { OwnSegment } from '../../pipeline/verify/survey-source.ts'
import type { TableFile } from '../../pipeline/verify/table-files.ts'
import { rowsCost, sumOfCosts } from '../../pipeline/verify/reading-cost.ts'
import type { ComparingPlan } from '../../pipeline/verify/verification.ts'
import { openDataFile } from '../../pipeline/verify/data-file.ts'
import { carryOut } from '../tasks/worker.ts'

/** What comparing values came to. */
export interface ComparedValues {
  readonly findings: readonly Finding[]
  readonly facts: readonly SourceFact[]
  /** A sentence for each data file of which rows can not be read. */
  readonly notes: readonly string[]
  /** Rows that were compared. */
  readonly rows: bigint
}

/** A row's values as text, and the file that has it. */
interface Row {
  readonly text: string
  readonly file: number
}

/** By topic-partition and offset. */
type RowGroup = ReadonlyMap<string, ReadonlyMap<bigint, readonly Row[]>>

/** What a segment gives. */
interface Expected {
  readonly texts: ReadonlyMap<bigint, string>
  /** The offsets that it has and that can be read: what others have is not compared with it. */
  readonly offsets: OffsetRanges
}

const lastOffset = 0x7fffffffffffffffn
/** Row groups whose rows are kept: those of the neighbouring segments. */
const keptGroups = 4

/**
 * Compares rows with what their segments give, decoded once more by the code that materialized them, into a file in memory that is read
 * like the table's own. Columns that a file does not have, since they came later, are not compared.
 */
export class ValuesVerifier {
  readonly #table: TableUnderTest
  readonly #files: readonly TableFile[]
  readonly #entered: Entered
  readonly #deletes: DeletedRows
  readonly #seams: VerifySeams
  readonly #layout: TableLayout
  readonly #open = new Map<number, Promise<ParquetColumns | null>>()
  readonly #groups = new Map<string, Promise<RowGroup>>()
  /** Why not all rows of these files can be read: only their Kafka columns, or none, were read before. */
  readonly #unreadable = new Map<number, string>()

  /** Throws a WorkError where the table could not be continued as it is, so that nothing tells what its rows should be. */
  constructor(table: TableUnderTest, files: readonly TableFile[], entered: Entered, deletes: DeletedRows, seams: VerifySeams) {
    this.#table = table
    this.#files = files
    this.#entered = entered
    this.#deletes = deletes
    this.#seams = seams
    const incarnation = currentIncarnation(table.state.progress, table.source.id)
    this.#layout = resolveLayout(table.table, table.metadata, table.mapping, incarnation)
  }

  plan(segments: readonly OwnSegment[]): ComparingPlan {
    const rows = new Map<number, { rows: number; segments: number }>()
    for (const one of segments) {
      for (const file of this.#filesOf(one)) {
        const known = rows.get(file) ?? { rows: 0, segments: 0 }
        const own = Math.min(Number(one.range[1] - one.range[0]), Number(this.#files[file].rows))
        rows.set(file, { rows: known.rows + own, segments: known.segments + 1 })
      }
    }
    const ofFiles = [...rows].map(([file, own]) => rowsCost(this.#files[file], own.rows / own.segments, own.segments))
    const { get, bytes } = sumOfCosts([...ofFiles, ...segments.map(({ segment }) => ({ get: 1, bytes: segment.size }))])
    return { segments: segments.length, bytes, get }
  }

  async compare(segments: readonly OwnSegment[], progress: (done: number, total: number) => void): Promise<ComparedValues> {
    const findings: Finding[] = []
    const facts: SourceFact[] = []
    let rows = 0n
    const inOrder = segments
      .map((one) => ({ one, files: this.#filesOf(one) }))
      .sort((a, b) => (a.files[0] ?? -1) - (b.files[0] ?? -1) || (a.one.range[0] < b.one.range[0] ? -1 : 1))
    for (const [i, { one, files }] of inOrder.entries()) {
      const expected = await this.#expected(one, facts)
      if (expected !== null) {
        const { found, unread } = await this.#found(one, files)
        // What an altered file should hold is reported once.
        const damaged = normalizeRanges(this.#entered.books.of(one.at).altered.map((part) => part.range))
        for (const { ranges, snapshot } of unread) {
          for (const [start, end] of subtractRanges(ranges, damaged))
            findings.push({ kind: 'altered', table: this.#table.table, ...one.at, start, end, snapshot })
        }
        const different: { offset: bigint; snapshot: bigint | null }[] = []
        for (const [offset, own] of found) {
          if (containsOffset(damaged, offset) || !containsOffset(expected.offsets, offset)) continue
          rows++
          const text = expected.texts.get(offset)
          if (own.some((row) => this.#agrees(row.text, text))) continue
          different.push({ offset, snapshot: this.#files[own[0].file].snapshot })
        }
        for (const finding of findingsOf(this.#table.table, one, different)) findings.push(finding)
      }
      progress(i + 1, segments.length)
    }
    const notes = [...this.#unreadable].map(([file, reason]) => `data file ${this.#files[file].path} can not be read: ${reason}`)
    return { findings, facts, notes, rows }
  }

  /** A column that the file has not is `?` in its text. */
  #agrees(text: string, expected: string | undefined): boolean {
    if (expected === undefined) return false
    if (text === expected) return true
    const [own, wanted] = [text.split('\u0000'), expected.split('\u0000')]
    return own.includes('?') && own.every((value, i) => value === '?' || value === wanted[i])
  }

  /** The files that have rows of a segment's offsets. */
  #filesOf({ at, range }: OwnSegment): number[] {
    const files = new Set<number>()
    this.#entered.books
      .of(at)
      .runs.within(range)
      .forEach((_from, _to, file) => files.add(file))
    return [...files].sort((a, b) => a - b)
  }

  /** What the segment gives, by offset; null where it can not be had as it was listed. */
  async #expected({ at, segment, nextBaseOffset, range }: OwnSegment, facts: SourceFact[]): Promise<Expected | null> {
    const { state, source, processing, oldMessageFormats } = this.#table
    const wanted = intersectRanges(decidedRanges(state.progress, source.id, at), [range])
    const decided = subtractRanges([[0n, lastOffset]], wanted)
    const part = { at, follows: null, segments: [segment], startOffset: 0n, decided, nextBaseOffset }
    const written: Uint8Array[] = []
    const io = {
      write: async (_path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
        const copies: Uint8Array[] = []
        for await (const chunk of chunks) copies.push(Uint8Array.from(chunk))
        written.push(Buffer.concat(copies))
        return copies.length
      },
    }
    const properties = { 'write.parquet.compression-codec': 'zstd' }
    const target = { dataDirectory: 'memory:', properties, layout: this.#layout, onError: 'skip' as const, oldMessageFormats }
    const limits = { ...limitsOf(processing), targetFileSizeBytes: Number.MAX_SAFE_INTEGER }
    const { parts } = await carryOut({ id: 'verify', parts: [part], bytes: segment.size }, target, limits, { ...this.#seams, io })
    const [{ ended, skips, ranges }] = parts
    // Where a damaged segment ends that is the last one, nothing tells.
    const cut = ended?.kind === 'fault' ? [{ segment, range: [ended.fault.offset, range[1]] as const, fault: ended.fault }] : []
    for (const skip of [...skips, ...cut]) facts.push(damagedFact(at, skip))
    if (ended?.kind === 'unreadable') facts.push(unreadableFact(at, segment, [range[0], endOf(wanted) ?? range[1]], ended.reason))
    if (ended !== null && ended.kind !== 'fault') return null
    const skipped = normalizeRanges(skips.map((skip) => skip.range))
    const texts = new Map<bigint, string>()
    for (const bytes of written) {
      const slice = async (start: number, end: number) => bytes.slice(start, end)
      const parquet = await ParquetColumns.open({ byteLength: bytes.length, slice })
      for (const place of parquet.rowGroupsWith(this.#offsetName(parquet), 0n, lastOffset)) {
        for (const { offset, text } of await this.#read(parquet, place)) texts.set(offset, text)
      }
    }
    return { texts, offsets: subtractRanges(ranges, skipped) }
  }

  /** The table's rows of the segment's offsets, and those that can not be read in the files that have them. */
  async #found({ at, range }: OwnSegment, files: readonly number[]) {
    const name = topicPartitionName(at)
    const found = new Map<bigint, readonly Row[]>()
    const unread: { readonly ranges: OffsetRanges; readonly snapshot: bigint | null }[] = []
    for (const file of files) {
      const parquet = await this.#parquet(file)
      if (parquet === null) continue
      try {
        for (const place of parquet.rowGroupsWith(this.#offsetName(parquet), ...range)) {
          const rows = (await this.#group(file, parquet, place)).get(name)
          for (const [offset, own] of rows ?? []) {
            if (offset >= range[0] && offset < range[1]) found.set(offset, [...(found.get(offset) ?? []), ...own])
          }
        }
      } catch (error) {
        if (error instanceof WorkError) throw error
        this.#unreadable.set(file, (error as Error).message)
        const own: OffsetRange[] = []
        this.#entered.books
          .of(at)
          .runs.within(range)
          .forEach((start, end, of) => void (of === file && own.push([start, end])))
        unread.push({ ranges: normalizeRanges(own), snapshot: this.#files[file].snapshot })
      }
    }
    return { found, unread }
  }

  #parquet(file: number): Promise<ParquetColumns | null> {
    let opened = this.#open.get(file)
    if (opened === undefined) {
      opened = openDataFile(this.#seams.io, this.#files[file]).then((one) => (one.kind === 'open' ? one.parquet : null))
      if (this.#open.size >= keptGroups) this.#open.clear()
      this.#open.set(file, opened)
    }
    return opened
  }

  /** The rows of a row group, by topic-partition and offset. */
  #group(file: number, parquet: ParquetColumns, place: RowGroupPlace): Promise<RowGroup> {
    const key = `${file} ${place.firstRow}`
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = this.#readGroup(file, parquet, place)
      if (this.#groups.size >= keptGroups) this.#groups.delete(this.#groups.keys().next().value!)
      this.#groups.set(key, group)
    }
    return group
  }

  async #readGroup(file: number, parquet: ParquetColumns, place: RowGroupPlace): Promise<RowGroup> {
    const deleted = this.#deletes.of(this.#files[file])
    const group = new Map<string, Map<bigint, Row[]>>()
    for (const { at, offset, text, position } of await this.#read(parquet, place)) {
      if (deleted?.(position) !== undefined) continue
      let rows = group.get(at)
      if (rows === undefined) group.set(at, (rows = new Map<bigint, Row[]>()))
      const known = rows.get(offset)
      if (known === undefined) rows.set(offset, [{ text, file }])
      else known.push({ text, file })
    }
    return group
  }

  #offsetName(parquet: ParquetColumns): string {
    const { id, name } = this.#table.columns.offset
    return parquet.flatColumns.find(({ fieldId }) => fieldId === id)?.name ?? name
  }

  /** Rows with their place in the log, and their values as text. */
  async #read(parquet: ParquetColumns, place: RowGroupPlace) {
    const names = this.#layout.columns.map(({ field }) => nameIn(parquet, field))
    const roleName = (role: 'topic' | 'partition' | 'offset') => names[this.#layout.columns.findIndex((column) => column.role === role)]
    const [topic, partition, offset] = [roleName('topic'), roleName('partition'), roleName('offset')]
    if (topic === null || partition === null || offset === null) return []
    // What the rescue column has depends on the columns that were there.
    const partial = names.includes(null)
    const isCompared = names.map((name, i) => name !== null && !(partial && this.#layout.columns[i].role === 'rescue'))
    const rows = await parquet.exactRows(
      names.filter((name) => name !== null),
      place,
    )
    return rows.map((row, i) => ({
      at: topicPartitionName({ topic: String(row[topic]), partition: Number(row[partition]) }),
      offset: BigInt(row[offset] as number | bigint),
      position: place.firstRow + i,
      text: names.map((name, column) => (isCompared[column] ? valueText(row[name!]) : '?')).join('\u0000'),
    }))
  }
}

function nameIn(parquet: ParquetColumns, { id, name }: { readonly id: number; readonly name: string }): string | null {
  const { columns } = parquet
  const own = columns.find(({ fieldId }) => fieldId === id) ?? columns.find((column) => column.fieldId === null && column.name === name)
  return own?.name ?? null
}

/** Offsets as ranges, by the snapshot that added their rows. */
function findingsOf(
  table: string,
  { at }: OwnSegment,
  different: readonly { readonly offset: bigint; readonly snapshot: bigint | null }[],
): Finding[] {
  const findings: Finding[] = []
  for (const [snapshot, own] of Map.groupBy(different, (one) => one.snapshot)) {
    const ranges: [bigint, bigint][] = []
    for (const { offset } of own.toSorted((a, b) => (a.offset < b.offset ? -1 : 1))) {
      const last = ranges.at(-1)
      if (last?.[1] === offset) last[1]++
      else ranges.push([offset, offset + 1n])
    }
    for (const [start, end] of ranges) findings.push({ kind: 'differs', table, ...at, start, end, snapshot })
  }
  return findings
}
