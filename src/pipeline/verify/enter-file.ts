import type { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import { countOffsets, normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Books } from './books.ts'
import { readOffsets } from './data-file.ts'
import type { DeletedRow } from './deleted-rows.ts'
import { PackedRanges } from './packed-ranges.ts'
import type { KafkaColumns, TableFile } from './table-files.ts'

/** What a file's metadata says of one segment: whence the rows come. */
export interface FileClaim {
  readonly at: TopicPartition
  /** Of the segment; null where its key is none of this source's. */
  readonly baseOffset: bigint | null
  readonly etag: string
  /** With the offsets that have no row. */
  readonly ranges: OffsetRanges
}

/** A data file of the table, opened. */
export interface EnteredFile {
  /** Its number, which stands for it in the books. */
  readonly index: number
  readonly entry: TableFile
  readonly parquet: ParquetColumns
  /** Null: it has no metadata of ours. */
  readonly claims: readonly FileClaim[] | null
  /** The rows of it that delete files take out; null: none. */
  readonly deleted: DeletedRow | null
}

/**
 * Enters the rows of a file in the books: from its metadata where that can be right, which is where it has as many rows as offsets,
 * and from the lowest to the highest of them; from its columns where it can not, or with `exact`. What columns and metadata do not agree
 * on is altered. Returns whether the columns were read.
 */
export async function enterFile(file: EnteredFile, columns: KafkaColumns, exact: boolean, books: Books): Promise<boolean> {
  const { index, entry, claims } = file
  if (!exact && claims !== null && canBeRight(file, claims, columns)) {
    for (const { at, ranges } of claims) for (const [start, end] of ranges) books.of(at).runs.add(start, end, index)
    enterClaims(claims, books)
    return false
  }
  const claimed = claims === null ? null : byPartition(claims)
  let differs = file.parquet.rowCount !== entry.rows
  for await (const { at, offsets, deletedBy } of readOffsets(file.parquet, columns, file.deleted)) {
    const book = books.of(at)
    const { inside, outside } = claimed === null ? { inside: offsets, outside: null } : split(offsets, claimed.get(keyOf(at))?.ranges ?? [])
    if (outside !== null && outside.length > 0) {
      differs = true
      for (const range of rangesOf(outside)) book.altered.push({ range, snapshot: entry.snapshot })
    }
    if (deletedBy === undefined) book.runs.addAll(inside, index)
    else if (inside.length > 0) book.removals.push({ ranges: new PackedRanges(inside), sequence: entry.sequence, snapshot: deletedBy })
  }
  if (differs) enterAltered(entry, claims, books)
  else enterClaims(claims ?? [], books)
  return true
}

/** Notes which segments a file that can be relied on was written from. */
function enterClaims(claims: readonly FileClaim[], books: Books): void {
  for (const { at, baseOffset, etag, ranges } of claims) {
    if (baseOffset !== null && ranges.length > 0) books.of(at).claim(baseOffset, etag, [ranges[0][0], ranges[ranges.length - 1][1]])
  }
}

/** Notes that nothing that a file says can be relied on. False: it does not even tell which offsets it is about. */
export function enterAltered(entry: TableFile, claims: readonly FileClaim[] | null, books: Books): boolean {
  const { snapshot, extent } = entry
  const whole = claims === null ? (extent === null ? [] : [{ at: extent, ranges: [[extent.start, extent.end] as const] }]) : claims
  for (const { at, ranges } of whole) for (const range of ranges) books.of(at).altered.push({ range, snapshot })
  return whole.length > 0
}

/** Whether metadata, footer and manifest entry agree as far as they can be compared without reading a row. */
function canBeRight({ entry, parquet, deleted }: EnteredFile, claims: readonly FileClaim[], columns: KafkaColumns): boolean {
  if (deleted !== null || parquet.rowCount !== entry.rows) return false
  if (claims.reduce((sum, { ranges }) => sum + countOffsets(ranges), 0n) !== entry.rows || claims.length === 0) return false
  // No offset comes from two segments.
  const apart = [...byPartition(claims).values()].reduce((sum, one) => sum + countOffsets(one.ranges), 0n)
  if (apart !== entry.rows) return false
  const ranges = normalizeRanges(claims.flatMap((claim) => claim.ranges))
  const partitions = claims.map(({ at }) => at.partition)
  const [lowest, highest] = [partitions.reduce((a, b) => Math.min(a, b)), partitions.reduce((a, b) => Math.max(a, b))]
  return (
    agrees(parquet, columns.offset, ranges[0][0], ranges[ranges.length - 1][1] - 1n) &&
    agrees(parquet, columns.partition, BigInt(lowest), BigInt(highest))
  )
}

function agrees(parquet: ParquetColumns, { id, name }: { readonly id: number; readonly name: string }, min: bigint, max: bigint): boolean {
  const column = parquet.flatColumns.find(({ fieldId }) => fieldId === id)?.name ?? name
  const bounds = parquet.bounds(column)
  return bounds !== null && bounds.min === min && bounds.max === max
}

function byPartition(claims: readonly FileClaim[]): Map<string, { readonly ranges: OffsetRanges }> {
  const all = Map.groupBy(claims, ({ at }) => keyOf(at))
  return new Map([...all].map(([key, own]) => [key, { ranges: normalizeRanges(own.flatMap(({ ranges }) => ranges)) }]))
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** The offsets inside and outside ranges, both ascending. */
function split(offsets: BigInt64Array, ranges: OffsetRanges): { inside: BigInt64Array; outside: BigInt64Array } {
  offsets.sort()
  const inside = new BigInt64Array(offsets.length)
  const outside: bigint[] = []
  let [count, r] = [0, 0]
  for (const offset of offsets) {
    while (r < ranges.length && ranges[r][1] <= offset) r++
    if (r < ranges.length && ranges[r][0] <= offset) inside[count++] = offset
    else outside.push(offset)
  }
  return { inside: inside.subarray(0, count), outside: BigInt64Array.from(outside) }
}

/** Offsets as ranges. */
function rangesOf(offsets: BigInt64Array): OffsetRange[] {
  offsets.sort()
  const ranges: [bigint, bigint][] = []
  for (const offset of offsets) {
    const last = ranges.at(-1)
    if (last === undefined || last[1] < offset) ranges.push([offset, offset + 1n])
    else if (last[1] === offset) last[1]++
  }
  return ranges
}
