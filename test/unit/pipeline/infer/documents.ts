import { ExactPath } from '../../../../src/formats/json/exact/exact-path.ts'
import { columnOf } from '../../../../src/formats/json/column.ts'
import { shapeOf } from '../../../../src/pipeline/commit/value-shape.ts'
import { inferColumns } from '../../../../src/pipeline/infer/infer-columns.ts'
import { columnTypeText } from '../../../../src/spec/column-type.ts'
import type { ValueColumn } from '../../../../src/spec/value-column.ts'

/** Values as bytes: texts as they are, everything else as JSON. */
export function bytesOf(values: readonly unknown[]): Uint8Array[] {
  return values.map((value) =>
    value instanceof Uint8Array ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  )
}

export function infer(values: readonly unknown[], { taken = [] as string[], maxColumns = 500 } = {}): readonly ValueColumn[] {
  return inferColumns(bytesOf(values), { taken: new Set(taken), maxColumns })
}

/** `name: type` of each inferred column, with its form where it has one: `at: timestamptz T3Z`. */
export function inferred(values: readonly unknown[], options: Parameters<typeof infer>[1] = {}): string[] {
  return infer(values, options).map(({ name, type, form }) => {
    const written = form === null ? '' : ` ${form.separator}${form.fraction}${form.zone}`
    return `${name}: ${columnTypeText(type)}${written}`
  })
}

/** The rescue text of each value where it is put into the columns; null where it is all in them. */
export function rescued(columns: readonly ValueColumn[], values: readonly Uint8Array[]): (string | null)[] {
  const shape = {
    columns: columns.map((column) => ({ path: column.path, shape: shapeOf(column.type, column), required: column.required })),
  }
  const path = new ExactPath(
    shape,
    shape.columns.map((column) => columnOf(column.shape)),
  )
  return values.map((value) => {
    const kept = path.append(value, 0, value.length)
    if ('bad' in kept) throw new Error(kept.bad.message)
    return kept.rescue === null ? null : Buffer.from(kept.rescue).toString()
  })
}
