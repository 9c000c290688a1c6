import { parseJson } from '../json/exact.ts'
import { expectList, expectObject } from '../json/expect.ts'

/** The table property that holds a name mapping. */
export const nameMappingKey = 'schema.name-mapping.default'

/** Field ids of files that have none, by name (table specification, "Column Projection" and appendix C, "Name Mapping Serialization"). */
export type NameMapping = ReadonlyMap<string, MappedName>

export interface MappedName {
  /** Null where the mapping gives the name no id. */
  readonly id: number | null
  readonly fields: NameMapping
}

/** Reads the property's JSON. Throws an Error that names the place. */
export function parseNameMapping(text: string): NameMapping {
  return mappingOf(parseJson(text, nameMappingKey), nameMappingKey)
}

function mappingOf(value: unknown, place: string): NameMapping {
  const names = new Map<string, MappedName>()
  for (const [i, entry] of expectList(value, place).entries()) {
    const at = `${place}[${i}]`
    const { 'field-id': id, names: own, fields } = expectObject(entry, at)
    const mapped = { id: id === undefined || id === null ? null : Number(id), fields: fields == null ? new Map() : mappingOf(fields, at) }
    if (mapped.id !== null && !Number.isSafeInteger(mapped.id)) throw new Error(`${at}: its field-id is no whole number`)
    for (const name of expectList(own, at)) names.set(String(name), mapped)
  }
  return names
}
