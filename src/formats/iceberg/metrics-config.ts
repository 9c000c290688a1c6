import { isPrimitive } from './primitive-type.ts'
import type { IcebergType, NestedField, Schema } from './schema.ts'

/** How much of a column's statistics goes to the manifest (`write.metadata.metrics.*`). `truncate` bounds strings and binaries by a length. */
export type MetricsMode = { readonly kind: 'none' | 'counts' | 'full' } | { readonly kind: 'truncate'; readonly length: number }

const none: MetricsMode = { kind: 'none' }
const standard: MetricsMode = { kind: 'truncate', length: 16 }
const defaultKey = 'write.metadata.metrics.default'
const columnPrefix = 'write.metadata.metrics.column.'
const columnLimitKey = 'write.metadata.metrics.max-inferred-column-defaults'

/**
 * The mode of each primitive column, by field id, as the table's properties say. Without a default of their own they mean
 * `truncate(16)` for the first 100 columns (or as many as the property for it says) and none for the rest, save `exemptIds`. Columns
 * are counted as Iceberg does: the primitives of a struct before what is nested in its other fields, those in lists and maps too, though
 * there are no statistics of them.
 * A mode that can not be read counts as the default, as it does in other engines: a typing error in a property stops no table.
 */
export function metricsModes(
  schema: Pick<Schema, 'fields'>,
  properties: Readonly<Record<string, string>>,
  exemptIds: ReadonlySet<number> = new Set(),
): Map<number, MetricsMode> {
  const configured = properties[defaultKey]
  const fallback = configured === undefined ? standard : (parseMode(configured) ?? standard)
  const limit = configured === undefined ? columnLimit(properties) : Infinity
  const modes = new Map<number, MetricsMode>()
  for (const [i, { id, path }] of columns(schema.fields, '').entries()) {
    if (path === null) continue
    const inferred = i < limit || exemptIds.has(id) ? fallback : none
    const own = properties[columnPrefix + path]
    modes.set(id, own === undefined ? inferred : (parseMode(own) ?? fallback))
  }
  return modes
}

/** `path`: names with dots between; null inside a list or map. */
interface Column {
  readonly id: number
  readonly path: string | null
}

function columns(fields: readonly Pick<NestedField, 'id' | 'name' | 'type'>[], parent: string | null): Column[] {
  const pathOf = (name: string) => (parent === null ? null : parent + name)
  const flat = fields.filter(({ type }) => isPrimitive(type)).map(({ id, name }) => ({ id, path: pathOf(name) }))
  return [...flat, ...fields.flatMap(({ name, type }) => columnsWithin(type, pathOf(`${name}.`)))]
}

function columnsWithin(type: IcebergType, path: string | null): Column[] {
  if (isPrimitive(type)) return []
  switch (type.type) {
    case 'struct':
      return columns(type.fields, path)
    case 'list':
      return columns([{ id: type['element-id'], name: 'element', type: type.element }], null)
    case 'map': {
      const key = { id: type['key-id'], name: 'key', type: type.key }
      return columns([key, { id: type['value-id'], name: 'value', type: type.value }], null)
    }
  }
}

function columnLimit(properties: Readonly<Record<string, string>>): number {
  const text = properties[columnLimitKey]
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 100
}

function parseMode(text: string): MetricsMode | undefined {
  const mode = text.trim().toLowerCase()
  if (mode === 'none' || mode === 'counts' || mode === 'full') return { kind: mode }
  const length = Number(/^truncate\((\d{1,9})\)$/.exec(mode)?.[1] ?? 0)
  return length > 0 ? { kind: 'truncate', length } : undefined
}
