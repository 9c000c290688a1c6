import type { NestedField, Schema } from './schema.ts'
import { isPrimitive } from './primitive-type.ts'

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
 * are counted as Iceberg does: the primitives of a struct before what is nested in its other fields. Inside lists and maps there are no statistics.
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
  for (const { id, path } of columns(schema.fields, '')) {
    const inferred = modes.size < limit || exemptIds.has(id) ? fallback : none
    const own = properties[columnPrefix + path]
    modes.set(id, own === undefined ? inferred : (parseMode(own) ?? fallback))
  }
  return modes
}

function columns(fields: readonly NestedField[], prefix: string): { readonly id: number; readonly path: string }[] {
  const flat = fields.filter((field) => isPrimitive(field.type)).map((field) => ({ id: field.id, path: prefix + field.name }))
  const nested = fields.flatMap((field) =>
    !isPrimitive(field.type) && field.type.type === 'struct' ? columns(field.type.fields, `${prefix}${field.name}.`) : [],
  )
  return [...flat, ...nested]
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
