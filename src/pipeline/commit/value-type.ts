import type { IcebergType, NestedField } from '../../formats/iceberg/schema.ts'
import { columnTypeText, parseColumnType, type ColumnType } from '../../spec/column-type.ts'
import { FormError } from '../../spec/scanner.ts'
import { Refusal } from './refusal.ts'

/**
 * What a table's column can hold of values, where nothing but the table tells: documents call fields by their names. Fields that can
 * not be filled are left out; null where nothing is left, or where something within must not be null.
 */
export function fillableType(found: IcebergType): ColumnType | null {
  if (typeof found === 'string') return plainType(found)
  switch (found.type) {
    case 'struct': {
      if (found.fields.some(({ required }) => required)) return null
      const fields = found.fields.flatMap((field) => {
        const type = fillableType(field.type)
        return type === null ? [] : [{ name: field.name, key: field.name, type }]
      })
      return fields.length === 0 ? null : { type: 'struct', fields }
    }
    case 'list': {
      const element = fillableType(found.element)
      return element === null || found['element-required'] ? null : { type: 'list', element }
    }
    case 'map': {
      const [key, value] = [fillableType(found.key), fillableType(found.value)]
      if (key === null || value === null || found['value-required'] || isNested(key)) return null
      return { type: 'map', key, value }
    }
  }
}

/**
 * What a table's column holds now of the values of type `chosen`: the table's own type counts where it was widened (specification,
 * "Schema Evolution"), fields are found by name and come in the table's order. Fields that the table no longer has are added to
 * `missing`; null where it has none left. Throws a Refusal that says what to change where the values do not fit.
 *
 * @param name of the column, with dots before the fields within.
 */
export function currentType(chosen: ColumnType, found: IcebergType, name: string, missing: string[]): ColumnType | null {
  if (typeof found === 'string') {
    const type = plainType(found)
    if (type === null || !holds(type, chosen)) throw unfit(name, found, chosen)
    return type
  }
  if (found.type !== chosen.type) throw unfit(name, found.type, chosen)
  if (found.type === 'struct' && chosen.type === 'struct') return currentStruct(chosen.fields, found.fields, name, missing)
  if (found.type === 'list' && chosen.type === 'list') {
    if (found['element-required']) throw mayBeNull(`${name}.element`)
    const element = currentType(chosen.element, found.element, `${name}.element`, missing)
    return element === null ? null : { type: 'list', element }
  }
  if (found.type === 'map' && chosen.type === 'map') {
    if (found['value-required']) throw mayBeNull(`${name}.value`)
    const key = currentType(chosen.key, found.key, `${name}.key`, missing)
    const value = currentType(chosen.value, found.value, `${name}.value`, missing)
    return key === null || value === null ? null : { type: 'map', key, value }
  }
  throw unfit(name, found.type, chosen)
}

type StructFields = Extract<ColumnType, { readonly type: 'struct' }>['fields']

function currentStruct(chosen: StructFields, found: readonly NestedField[], name: string, missing: string[]): ColumnType | null {
  for (const field of chosen) {
    if (!found.some((one) => one.name === field.name)) missing.push(`${name}.${field.name}`)
  }
  const fields = found.flatMap((field) => {
    const path = `${name}.${field.name}`
    const own = chosen.find((one) => one.name === field.name)
    if (field.required)
      throw own === undefined ? new Refusal(`column ${path} is required and nothing fills it; make it optional`) : mayBeNull(path)
    const type = own === undefined ? null : currentType(own.type, field.type, path, missing)
    return type === null ? [] : [{ name: field.name, key: own!.key, type }]
  })
  return fields.length === 0 ? null : { type: 'struct', fields }
}

/** A table's type without the fields that `type` has not. */
export function filledPart(found: IcebergType, type: ColumnType): IcebergType {
  if (typeof found === 'string') return found
  if (found.type === 'struct' && type.type === 'struct') {
    const fields = found.fields.flatMap((field) => {
      const own = type.fields.find(({ name }) => name === field.name)
      return own === undefined ? [] : [{ ...field, type: filledPart(field.type, own.type) }]
    })
    return { ...found, fields }
  }
  if (found.type === 'list' && type.type === 'list') return { ...found, element: filledPart(found.element, type.element) }
  if (found.type === 'map' && type.type === 'map') return { ...found, value: filledPart(found.value, type.value) }
  throw new Error(`expected a ${type.type}, found a ${found.type}`)
}

/** A primitive type of the table as a column's type, which has the same name; null for those that no value can fill. */
function plainType(found: string): ColumnType | null {
  try {
    return parseColumnType(found)
  } catch (error) {
    if (error instanceof FormError) return null
    throw error
  }
}

/** Whether a column of type `wide` holds every value of type `narrow`: they are equal, or it is one of Iceberg's promotions. */
function holds(wide: ColumnType, narrow: ColumnType): boolean {
  if (wide.type === 'decimal' && narrow.type === 'decimal') return wide.scale === narrow.scale && wide.precision >= narrow.precision
  if (wide.type === 'long' && narrow.type === 'int') return true
  if (wide.type === 'double' && narrow.type === 'float') return true
  return wide.type === narrow.type
}

function isNested(type: ColumnType): type is Extract<ColumnType, { readonly type: 'struct' | 'list' | 'map' }> {
  return type.type === 'struct' || type.type === 'list' || type.type === 'map'
}

function unfit(name: string, found: string, chosen: ColumnType): Refusal {
  return new Refusal(`column ${name} is ${found}, and its values are ${columnTypeText(chosen)}; give it that type, or name another table`)
}

function mayBeNull(name: string): Refusal {
  return new Refusal(`column ${name} is required, and in a value it may be missing or null; make it optional`)
}
