import type { ColumnBatch } from '../../../../src/formats/arrow/vector.ts'
import type { SingleValue } from '../../../../src/formats/iceberg/data-file.ts'
import type { PrimitiveType } from '../../../../src/formats/iceberg/schema.ts'
import { PartitionSplitter } from '../../../../src/pipeline/write/partition/split-batch.ts'
import { fillingOf } from '../../formats/arrow/fill.ts'

/** A batch of one column. */
export function columnOf(type: PrimitiveType, values: readonly unknown[]): ColumnBatch {
  const { builder, append } = fillingOf(type)
  for (const value of values) append(value)
  return { length: values.length, columns: [builder.snapshot()] }
}

/** Each row's value of a transform, by the way that rows are written. */
export function splitBy(transform: string, type: PrimitiveType, values: readonly unknown[]): SingleValue[] {
  const splitter = new PartitionSplitter([{ transform, type, path: [0] }])
  const found = Array<SingleValue>(values.length).fill(false)
  for (const { partition, rows } of splitter.split(columnOf(type, values))) {
    for (const row of rows ?? values.keys()) found[row] = splitter.valuesOf(partition)[0]
  }
  return found
}
