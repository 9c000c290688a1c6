import { isDeepStrictEqual } from 'node:util'
import type { IcebergType, NestedField } from '../../formats/iceberg/schema.ts'
import { Refusal } from './refusal.ts'

/**
 * Columns and fields of structs that nothing of ours fills are left out of our files, and readers take their initial default (table
 * specification, "Default values"). Throws a Refusal where that is not the default that writers are to write, or where rows are partitioned by it.
 *
 * @param fields of the table. @param filled those of them that we write, with what of them we write. @param sources what rows are partitioned by.
 */
export function refuseDefaults(fields: readonly NestedField[], filled: readonly NestedField[], sources: readonly number[]): void {
  for (const field of fields) {
    const own = filled.find(({ id }) => id === field.id)
    if (own !== undefined) {
      refuseDefaults(fieldsIn(field.type), fieldsIn(own.type), sources)
      continue
    }
    const [initial, write] = [field['initial-default'] ?? null, field['write-default'] ?? null]
    if (!isDeepStrictEqual(initial, write)) {
      const texts = [initial, write].map((value) => JSON.stringify(value))
      throw new Refusal(
        `nothing fills ${field.name}, where readers would take ${texts[0]} and writers are to write ${texts[1]}; make its initial and its write default the same`,
      )
    }
    if (initial !== null && sources.includes(field.id)) {
      throw new Refusal(
        `it is partitioned by ${field.name}, which has the default ${JSON.stringify(initial)} and nothing fills; replace that partition field`,
      )
    }
  }
}

function fieldsIn(type: IcebergType): readonly NestedField[] {
  if (typeof type === 'string') return []
  if (type.type === 'struct') return type.fields
  return type.type === 'list' ? fieldsIn(type.element) : [...fieldsIn(type.key), ...fieldsIn(type.value)]
}
