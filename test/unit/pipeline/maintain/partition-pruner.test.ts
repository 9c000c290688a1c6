import { expect, test } from 'vitest'
import type { DataFile, ManifestFile } from '../../../../src/formats/iceberg/data-file.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { PartitionPruner } from '../../../../src/pipeline/maintain/partition-pruner.ts'
import type { LiveFile } from '../../../../src/pipeline/maintain/rewrite-flow.ts'

const metadata = {
  'current-schema-id': 0,
  schemas: [{ type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'u', required: false, type: 'uuid' }] }],
  'partition-specs': [{ 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'u', transform: 'identity' }] }],
} as unknown as TableMetadata

const uuid = (first: number) => new Uint8Array(16).fill(first)
const fileOf = (value: Uint8Array) => ({ specId: 0, sequenceNumber: 1n, file: { partition: [value] } as unknown as DataFile }) as LiveFile
const manifestOf = (lowerBound: Uint8Array, upperBound: Uint8Array) =>
  ({
    partitionSpecId: 0,
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    partitions: [{ containsNull: false, lowerBound, upperBound }],
  }) as unknown as ManifestFile

test('a manifest of a writer that orders uuids as signed numbers may hold what lies between its bounds in either order', () => {
  const pruner = new PartitionPruner(metadata)
  expect(pruner.mayHold(manifestOf(uuid(0x80), uuid(0x7f)), fileOf(uuid(0x12)))).toBe(true)
  expect(pruner.mayHold(manifestOf(uuid(0x10), uuid(0x20)), fileOf(uuid(0x12)))).toBe(true)
  expect(pruner.mayHold(manifestOf(uuid(0x10), uuid(0x20)), fileOf(uuid(0x21)))).toBe(false)
})
