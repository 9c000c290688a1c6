import type { NestedField } from '../../formats/iceberg/schema.ts'
import type { ColumnShape } from '../../formats/json/shape.ts'
import type { ValueColumn } from '../../spec/value-column.ts'
import { checkDeclared } from './check-declared.ts'
import { shapeOf } from './value-shape.ts'
import { currentType, filledPart } from './value-type.ts'

/** A table's column that values fill. `field`: without the fields within that nothing fills. */
interface ValueField {
  readonly field: NestedField
  readonly shape: ColumnShape
}

/**
 * What JSON values fill of a table that exists, by column name. The columns chosen when it was created are found by name, whatever
 * their order; the table's types count. `missing` are those columns and fields that it no longer has.
 * Throws a Refusal where a column can not take its values, and where the document contradicts what was chosen.
 */
export function valueFields(
  fields: readonly NestedField[],
  chosen: readonly ValueColumn[],
  declared: readonly ValueColumn[] | undefined,
): { readonly filled: ReadonlyMap<string, ValueField>; readonly missing: readonly string[] } {
  const filled = new Map<string, ValueField>()
  const current = new Map<string, ValueColumn>()
  const missing: string[] = []
  for (const column of chosen) {
    const { name, path } = column
    const field = fields.find((one) => one.name === name)
    if (field === undefined) {
      missing.push(name)
      continue
    }
    const type = currentType(column.type, field.type, name, missing)
    if (type === null) continue
    current.set(name, { ...column, type, required: field.required })
    const isAsked = declared?.some((one) => one.name === name && one.required) ?? false
    filled.set(name, {
      field: { ...field, type: filledPart(field.type, type) },
      shape: { path, shape: shapeOf(type, column), required: field.required || isAsked },
    })
  }
  if (declared !== undefined) checkDeclared(declared, chosen, current)
  return { filled, missing }
}
