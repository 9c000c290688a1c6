import type { NestedField } from '../../formats/iceberg/schema.ts'

/** What a table column is filled with. */
export type ColumnRole = 'topic' | 'partition' | 'offset' | 'timestamp' | 'key' | 'headers' | 'value'

/** How bytes become a column: as they are, or as UTF-8 text. */
export type BytesFormat = 'binary' | 'string'

/**
 * The columns that we fill in a table, with the field ids and the order that the table gives them. Optional columns of the table
 * that are not ours are absent here and so in our files, where readers see them as null.
 */
export interface TableLayout {
  readonly schemaId: number
  readonly columns: readonly { readonly role: ColumnRole; readonly field: NestedField }[]
  readonly keyFormat: BytesFormat
  readonly valueFormat: BytesFormat
}
