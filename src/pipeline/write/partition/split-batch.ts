import type { ColumnBatch } from '../../../formats/arrow/vector.ts'
import type { SingleValue } from '../../../formats/iceberg/data-file.ts'
import { FieldCodes } from './field-codes.ts'
import type { PartitionSource } from './partition-source.ts'

/** The rows of a batch that belong to one partition. */
export interface BatchShare {
  /** The partition's number: the same through all batches. */
  readonly partition: number
  /** Their numbers, ascending; null: all of them. */
  readonly rows: Uint32Array | null
}

/** More codes than a field can have in one task: two of them make a safe integer. */
const codes = 2 ** 26

/** Splits batches by the partition values of their rows. */
export class PartitionSplitter {
  readonly #fields: readonly FieldCodes[]
  readonly #tuples: Map<number, number>[]
  /** By the partition's number: its codes, field by field. */
  readonly #partitions: (readonly number[])[] = []

  constructor(sources: readonly PartitionSource[]) {
    this.#fields = sources.map((source) => new FieldCodes(source))
    this.#tuples = sources.map(() => new Map<number, number>())
  }

  /** The partition's values, field by field. */
  valuesOf(partition: number): SingleValue[] {
    return (this.#partitions[partition] ?? []).map((code, i) => this.#fields[i].valueOf(code))
  }

  /** Each row once, in the share of its partition; the shares in the order in which their partitions come. */
  split(batch: ColumnBatch): BatchShare[] {
    if (this.#fields.length === 0) return [{ partition: 0, rows: null }]
    const perField = this.#fields.map((field) => field.of(batch))
    const partitions = new Int32Array(batch.length)
    for (let i = 0; i < batch.length; i++) partitions[i] = this.#partitionOf(perField, i)
    const counts = new Int32Array(this.#partitions.length)
    for (const partition of partitions) counts[partition]++
    if (counts[partitions[0]] === batch.length) return [{ partition: partitions[0], rows: null }]
    const shares = new Map<number, Uint32Array>()
    const filled = new Int32Array(counts.length)
    for (const [i, partition] of partitions.entries()) {
      let rows = shares.get(partition)
      if (rows === undefined) shares.set(partition, (rows = new Uint32Array(counts[partition])))
      rows[filled[partition]++] = i
    }
    return [...shares].map(([partition, rows]) => ({ partition, rows }))
  }

  /** Code after code: what stands for the fields so far, and the next one's code, are looked up together. */
  #partitionOf(perField: readonly Int32Array[], row: number): number {
    let prefix = 0
    for (let field = 0; field < perField.length; field++) {
      const tuples = this.#tuples[field]
      const key = prefix * codes + perField[field][row]
      let next = tuples.get(key)
      if (next === undefined) {
        const isLast = field === perField.length - 1
        next = isLast ? this.#partitions.push(perField.map((column) => column[row])) - 1 : tuples.size
        tuples.set(key, next)
      }
      prefix = next
    }
    return prefix
  }
}
