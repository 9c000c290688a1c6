import { isObject, type JsonObject } from '../../formats/json/expect.ts'
import type { TimeForm, TimeUnit } from '../../formats/json/shape.ts'
import { columnTypeText, parseColumnType } from '../../spec/column-type.ts'
import { FormError } from '../../spec/scanner.ts'
import type { DecidedValue, ValueColumn } from '../../spec/value-column.ts'
import { parseValuePath, pathsMeet, valuePathText } from '../../spec/value-path.ts'
import type { BytesFormat, ColumnRole } from '../flow.ts'

/** Which column is what, and how values are kept: chosen when a table is created, stored in it, and never changed by an upgrade. */
export interface StoredLayout {
  readonly columns: Readonly<Partial<Record<Exclude<ColumnRole, 'field'>, string>>>
  readonly keyFormat: BytesFormat
  readonly value: DecidedValue
}

/**
 * The text of the table property:
 *
 *     {"columns": {<role>: <name>, …}, "keyFormat": "binary" | "string", "valueFormat": "binary" | "string" | "json",
 *      "value": [{"name", "type", "path"?, "unit"?, "required"?, "form"?}, …]}
 *
 * The role `recordId` means the layout of KafScale's Go processor, in which the value is kept whole beside its columns.
 * `value` is there with `json` alone. `type` is in the grammar of `parseColumnType`, `path` a normalized path. What is left out is
 * the default: the name as the one key, iso8601, optional, and no form.
 */
export function layoutText({ columns, keyFormat, value }: StoredLayout): string {
  const fields = value.format === 'json' ? value.columns.map(storedColumn) : undefined
  return JSON.stringify({ columns, keyFormat, valueFormat: value.format, value: fields })
}

function storedColumn({ name, path, type, unit, required, form }: ValueColumn): JsonObject {
  return {
    name,
    type: columnTypeText(type),
    ...((path.length > 1 || path[0] !== name) && { path: valuePathText(path) }),
    ...(unit !== 'iso8601' && { unit }),
    ...(required && { required }),
    ...(form !== null && { form }),
  }
}

/** Null for a text that this program can not have written. */
export function parseLayout(text: string): StoredLayout | null {
  let layout: unknown
  try {
    layout = JSON.parse(text)
  } catch {
    return null
  }
  if (!isObject(layout)) return null
  const { columns, keyFormat, valueFormat } = layout
  if (!isObject(columns) || !Object.values(columns).every((name) => typeof name === 'string')) return null
  if (keyFormat !== 'binary' && keyFormat !== 'string') return null
  const value = parseValue(layout)
  const needed = ['topic', 'partition', 'offset', valueFormat === 'json' && !Object.hasOwn(columns, 'recordId') ? 'rescue' : 'value']
  return value === null || needed.some((role) => !Object.hasOwn(columns, role)) ? null : { columns, keyFormat, value }
}

function parseValue({ valueFormat, value }: JsonObject): DecidedValue | null {
  if (valueFormat === 'binary' || valueFormat === 'string') return { format: valueFormat }
  if (valueFormat !== 'json' || !Array.isArray(value)) return null
  const columns = value.map(parseColumn)
  if (!columns.every((column) => column !== null)) return null
  const apart = columns.every(({ name, path }, i) =>
    columns.slice(0, i).every((before) => before.name !== name && !pathsMeet(before.path, path)),
  )
  return apart ? { format: 'json', columns } : null
}

function parseColumn(column: unknown): ValueColumn | null {
  if (!isObject(column)) return null
  const { name, type, path, unit = 'iso8601', required = false, form = null } = column
  if (typeof name !== 'string' || typeof type !== 'string' || typeof required !== 'boolean') return null
  if (!isUnit(unit) || !(form === null || isForm(form))) return null
  try {
    const at = path === undefined ? [name] : typeof path === 'string' ? parseValuePath(path) : null
    return at === null ? null : { name, path: at, type: parseColumnType(type), required, unit, form }
  } catch (error) {
    if (error instanceof FormError) return null
    throw error
  }
}

function isUnit(unit: unknown): unit is TimeUnit {
  return ['iso8601', 's', 'ms', 'us', 'ns'].includes(unit as string)
}

function isForm(form: unknown): form is TimeForm {
  if (!isObject(form)) return false
  const { separator, fraction, zone } = form
  return (separator === 'T' || separator === ' ') && Number.isInteger(fraction) && typeof zone === 'string'
}
