import type { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import { countOffsets, type OffsetRanges } from '../../model/offset-range.ts'
import { coordinateNames, type Coordinates } from './data-file.ts'
import type { DeletedRow } from './deleted-rows.ts'
import type { KafkaColumns } from './table-files.ts'

/** Offsets of one topic-partition of which one row was seen: a bit for each offset that is there more than once. */
export class SeenOffsets {
  readonly #ranges: OffsetRanges
  /** How many offsets come before each range. */
  readonly #before: number[] = []
  readonly #bits: Uint8Array

  /** `ranges`: the offsets that are there more than once; others are not looked at. */
  constructor(ranges: OffsetRanges) {
    let total = 0
    for (const [start, end] of ranges) {
      this.#before.push(total)
      total += Number(end - start)
    }
    this.#ranges = ranges
    this.#bits = new Uint8Array((Number(countOffsets(ranges)) + 7) >> 3)
  }

  /** Whether a row of this offset is one too many: it is there more than once, and a row of it was seen before. */
  isTooMany(offset: bigint): boolean {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ranges[middle][1] <= offset) low = middle + 1
      else high = middle
    }
    const range = this.#ranges[low]
    if (range === undefined || range[0] > offset) return false
    const bit = this.#before[low] + Number(offset - range[0])
    const wasSeen = ((this.#bits[bit >> 3] >> (bit & 7)) & 1) === 1
    this.#bits[bit >> 3] |= 1 << (bit & 7)
    return wasSeen
  }
}

/**
 * The rows of a file of which another one with the same coordinates was seen before, in this file or in an earlier one: a bit for each
 * position, and how many there are. `seenOf`: by topic and partition. Throws what the store throws, and an Error for a file that is damaged.
 */
export async function rowsTooMany(
  parquet: ParquetColumns,
  kafka: KafkaColumns,
  deleted: DeletedRow | null,
  seenOf: (topic: string, partition: number) => SeenOffsets | undefined,
): Promise<{ readonly bitmap: Uint8Array; readonly count: number }> {
  const bitmap = new Uint8Array((Number(parquet.rowCount) + 7) >> 3)
  let count = 0
  const names = coordinateNames(parquet, kafka)
  if (names === null) return { bitmap, count }
  for await (const { firstRow, length, columns } of parquet.chunks(names)) {
    const [topics, partitions, offsets] = columns as Coordinates
    for (let i = 0; i < length; i++) {
      const [topic, partition, offset, position] = [topics[i], partitions[i], offsets[i], firstRow + i]
      if (topic == null || partition == null || offset == null || deleted?.(position) !== undefined) continue
      if (seenOf(topic, Number(partition))?.isTooMany(BigInt(offset)) !== true) continue
      bitmap[position >> 3] |= 1 << (position & 7)
      count++
    }
  }
  return { bitmap, count }
}
