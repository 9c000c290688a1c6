import { AvroError } from '../avro/schema.ts'
import { stringifyJson } from '../json/exact.ts'
import type { PartitionField, PartitionSpec } from './partition-spec.ts'
import type { Schema } from './schema.ts'

/** What a manifest says of itself in its Avro file's metadata (table specification, "Manifests"). */
export interface ManifestHeader {
  readonly specId: number
  readonly partitionFields: readonly PartitionField[]
  readonly content: 0 | 1
  readonly formatVersion: number
}

/** The header's keys and values, all text. `partition-spec` is the array of fields only. */
export function writeManifestHeader(manifest: {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly content: 0 | 1
  readonly formatVersion: 2 | 3
}): Record<string, string> {
  const { schema, spec, content, formatVersion } = manifest
  return {
    schema: stringifyJson(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': stringifyJson(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': String(formatVersion),
    content: content === 0 ? 'data' : 'deletes',
  }
}

/**
 * @param partitionSpecId the manifest list's answer, for version 1 manifests that do not name their spec
 * @throws AvroError that names the key that is missing or malformed.
 */
export function readManifestHeader(metadata: ReadonlyMap<string, Uint8Array>, partitionSpecId: number): ManifestHeader {
  const get = (key: string): string | undefined => {
    const value = metadata.get(key)
    return value === undefined ? undefined : new TextDecoder().decode(value)
  }
  const content = get('content') ?? 'data'
  if (content !== 'data' && content !== 'deletes') throw malformed('content', '"data" or "deletes"')
  return {
    specId: integer('partition-spec-id', get('partition-spec-id')) ?? partitionSpecId,
    partitionFields: partitionFields(get('partition-spec')),
    content: content === 'data' ? 0 : 1,
    formatVersion: integer('format-version', get('format-version')) ?? 1,
  }
}

function integer(key: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text)) throw malformed(key, 'a number')
  return Number(text)
}

function partitionFields(json: string | undefined): PartitionField[] {
  if (json === undefined) throw malformed('partition-spec', 'the fields of a partition spec')
  let fields: unknown
  try {
    fields = JSON.parse(json)
  } catch {
    throw malformed('partition-spec', 'JSON')
  }
  if (!Array.isArray(fields)) throw malformed('partition-spec', 'an array of fields')
  return fields.map((field: Partial<PartitionField> | null, i) => {
    const { name, transform, 'source-id': sourceId } = field ?? {}
    if (typeof name !== 'string' || typeof transform !== 'string' || !Number.isSafeInteger(sourceId)) {
      throw malformed('partition-spec', `name, transform and source-id in field ${i}`)
    }
    // Version 1 numbered partition fields from 1000, without saying so.
    return { ...field, 'field-id': field?.['field-id'] ?? 1000 + i } as PartitionField
  })
}

function malformed(key: string, expected: string): AvroError {
  return new AvroError(`iceberg: manifest header "${key}": expected ${expected}`)
}
