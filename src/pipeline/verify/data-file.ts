import { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import { WorkError } from '../../model/failure.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { FileIO } from '../../seams/file-io.ts'
import { ObjectNotFound } from '../../seams/object-store.ts'
import type { DeletedRow } from './deleted-rows.ts'
import type { KafkaColumns, TableFile } from './table-files.ts'

/** A data file that was opened, or why it can not be. */
export type OpenedFile =
  | { readonly kind: 'open'; readonly parquet: ParquetColumns }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Reads a data file's footer. Throws a WorkError where the store does not answer, or where the file's format can not be read at all. */
export async function openDataFile(io: FileIO, { path, bytes, format }: TableFile): Promise<OpenedFile> {
  if (format !== 'PARQUET') {
    throw new WorkError(`${path} is ${format}, and only Parquet can be read: rewrite the table's files as Parquet`, { retry: 'never' })
  }
  try {
    const slice = (start: number, end: number) => io.read(path, { start, end })
    return { kind: 'open', parquet: await ParquetColumns.open({ byteLength: bytes, slice }) }
  } catch (error) {
    if (error instanceof ObjectNotFound) return { kind: 'gone' }
    if (!(error instanceof WorkError)) return { kind: 'unreadable', reason: (error as Error).message }
    if (error.retry !== 'never') throw error
    // The part that was asked for may lie behind the end of a file that was cut off.
    const { length } = await io.read(path).catch(() => Promise.reject(error))
    return { kind: 'unreadable', reason: `it has ${length} bytes, and its manifest says ${bytes}` }
  }
}

/** Offsets of rows of one topic-partition, from one row group. */
export interface OffsetsRead {
  readonly at: TopicPartition
  /** In the file's order. The receiver's own. */
  readonly offsets: BigInt64Array
  /** The snapshot that deleted these rows; undefined: they are there. */
  readonly deletedBy?: bigint | null
}

/** What a file calls the columns of topic, partition and offset; null: it is from before the table had them, and its rows come from elsewhere. */
export function coordinateNames({ flatColumns }: ParquetColumns, { topic, partition, offset }: KafkaColumns): string[] | null {
  const names = [topic, partition, offset].map(
    ({ id, name }) =>
      flatColumns.find(({ fieldId }) => fieldId === id)?.name ??
      flatColumns.find((column) => column.fieldId === null && column.name === name)?.name,
  )
  return names.includes(undefined) ? null : (names as string[])
}

/** Columns of topic, partition and offset, as a file has them: numbers of 32 bits or of 64. */
export type Coordinates = [ArrayLike<string | null>, ArrayLike<bigint | number | null>, ArrayLike<bigint | number | null>]

/** Reads where each row of a file comes from, row group after row group. Throws what the store throws, and an Error for a file that is damaged. */
export async function* readOffsets(
  parquet: ParquetColumns,
  kafka: KafkaColumns,
  deleted: DeletedRow | null,
): AsyncGenerator<OffsetsRead, void, undefined> {
  const names = coordinateNames(parquet, kafka)
  if (names === null) return
  for await (const { firstRow, length, columns } of parquet.chunks(names)) {
    const [topics, partitions, offsets] = columns as Coordinates
    const groups = new Map<string, Collected>()
    let last: Collected | undefined
    for (let i = 0; i < length; i++) {
      const [rowTopic, ofPartition, rowOffset] = [topics[i], partitions[i], offsets[i]]
      if (rowTopic == null || ofPartition == null || rowOffset == null) continue
      const rowPartition = Number(ofPartition)
      const by = deleted?.(firstRow + i)
      if (last === undefined || last.at.topic !== rowTopic || last.at.partition !== rowPartition || last.by !== by) {
        const key = `${rowTopic}/${rowPartition}/${by === undefined ? '' : String(by.snapshot)}`
        last = groups.get(key)
        if (last === undefined) groups.set(key, (last = new Collected({ topic: rowTopic, partition: rowPartition }, by)))
      }
      last.push(BigInt(rowOffset))
    }
    for (const { at, by, values } of groups.values()) yield { at, offsets: values, ...(by !== undefined && { deletedBy: by.snapshot }) }
  }
}

class Collected {
  readonly at: TopicPartition
  readonly by: { readonly snapshot: bigint | null } | undefined
  #values = new BigInt64Array(64)
  #length = 0

  constructor(at: TopicPartition, by: Collected['by']) {
    this.at = at
    this.by = by
  }

  get values(): BigInt64Array {
    return this.#values.subarray(0, this.#length)
  }

  push(value: bigint): void {
    if (this.#length === this.#values.length) {
      const larger = new BigInt64Array(this.#length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#length++] = value
  }
}
