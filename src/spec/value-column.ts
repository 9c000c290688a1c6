import type { TimeForm, TimeUnit } from '../formats/json/shape.ts'
import type { ColumnType } from './column-type.ts'
import type { MappingSettings } from './document.ts'

/** A column that JSON values fill: declared in a document, inferred from a sample, or stored in a table. */
export interface ValueColumn {
  readonly name: string
  /** The keys that lead to its value in a document, at least one. */
  readonly path: readonly string[]
  readonly type: ColumnType
  readonly required: boolean
  /** How the dates and times in it are written. */
  readonly unit: TimeUnit
  /** In which form they are written as text; null where nothing is known of it. */
  readonly form: TimeForm | null
}

/** What becomes of the values: one column that keeps them whole, or columns with a rescue column beside them. */
export type DecidedValue = { readonly format: 'binary' | 'string' } | { readonly format: 'json'; readonly columns: readonly ValueColumn[] }

/** The columns that a document declares; undefined where it declares none. */
export function declaredColumns({ columns }: MappingSettings['value']): readonly ValueColumn[] | undefined {
  return columns?.map(({ name, path, type, required, unit }) => ({
    name,
    path: path ?? [name],
    type,
    required,
    unit: unit ?? 'iso8601',
    form: null,
  }))
}

/** What the document alone decides; null where a sample of the values, or a registry, must tell. */
export function declaredValue(value: MappingSettings['value']): DecidedValue | null {
  if (value.format === 'binary' || value.format === 'string') return { format: value.format }
  const columns = declaredColumns(value)
  return columns === undefined || (value.format !== 'json' && value.format !== 'auto') ? null : { format: 'json', columns }
}
