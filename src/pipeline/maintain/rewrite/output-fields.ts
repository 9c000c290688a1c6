import type { NestedField, Schema } from '../../../formats/iceberg/schema.ts'

/** Reserved field ids of row lineage (table specification, "Reserved Field IDs", "Row Lineage"). */
export const rowIdField: NestedField = { id: 2147483540, name: '_row_id', required: false, type: 'long' }
export const lastUpdatedField: NestedField = { id: 2147483539, name: '_last_updated_sequence_number', required: false, type: 'long' }

/** What the outputs of a rewrite have: the columns of the schema and, from format version 3 on, what tells a row's lineage. */
export function outputFields({ fields }: Pick<Schema, 'fields'>, formatVersion: number): readonly NestedField[] {
  return formatVersion < 3 ? fields : [...fields, rowIdField, lastUpdatedField]
}
