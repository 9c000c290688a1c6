import { expect, test } from 'vitest'
import type { PartitionSpec } from '../../../../src/formats/iceberg/partition-spec.ts'
import { DeleteIndex, pathFieldId } from '../../../../src/pipeline/maintain/delete-index.ts'
import type { LiveDelete, LiveFile } from '../../../../src/pipeline/maintain/rewrite-flow.ts'
import { deletes, live } from './live.ts'

const field = (transform: string) => ({ 'source-id': 1, 'field-id': 1000, name: 'p', transform })
const specs: PartitionSpec[] = [
  { 'spec-id': 0, fields: [] },
  { 'spec-id': 1, fields: [field('identity')] },
  { 'spec-id': 2, fields: [field('void')] },
]

function applying(file: LiveFile, ...all: LiveDelete[]): string[] {
  const index = new DeleteIndex(specs)
  for (const one of all) index.add(one)
  return index.of(file).map((one) => one.file.filePath)
}

const bounds = (lower: string, upper: string) => ({
  lowerBounds: new Map([[pathFieldId, Buffer.from(lower)]]),
  upperBounds: new Map([[pathFieldId, Buffer.from(upper)]]),
})

test('position deletes apply to files that are not newer, equality deletes to those that are older', () => {
  const file = live('a', 1, { sequence: 5 })
  const of = (sequence: number, content: 1 | 2) => deletes(`${content}@${sequence}`, { sequence, content })
  expect(applying(file, of(4, 1), of(5, 1), of(6, 1), of(4, 2), of(5, 2), of(6, 2))).toEqual(['1@5', '1@6', '2@6'])
})

test('deletes apply to the partition of their spec, and equality deletes without a partition to every file', () => {
  const file = live('a', 1, { specId: 1, partition: [7] })
  const of = (path: string, specId: number, partition: readonly (number | null)[], content: 1 | 2) =>
    deletes(path, { specId, partition, content })
  expect(
    applying(
      file,
      of('own', 1, [7], 1),
      of('other value', 1, [8], 1),
      of('other spec', 2, [null], 1),
      of('no partition', 0, [], 1),
      of('own equality', 1, [7], 2),
      of('other equality', 1, [null], 2),
      of('global', 0, [], 2),
      of('void is global', 2, [null], 2),
    ),
  ).toEqual(['own', 'own equality', 'global', 'void is global'])
})

test('position deletes of one file apply to that one, whether its path is named or both bounds are', () => {
  const all = [
    deletes('named', { referencedDataFile: 'a' }),
    deletes('bounded', bounds('a', 'a')),
    deletes('other', { referencedDataFile: 'b' }),
    deletes('around', bounds('A', 'b')),
    deletes('beyond', bounds('b', 'c')),
  ]
  expect(applying(live('a', 1), ...all)).toEqual(['named', 'bounded', 'around'])
})

test('a deletion vector stands for all position deletes of its file, and for no equality delete', () => {
  const vector = deletes('v', { referencedDataFile: 'a', fileFormat: 'PUFFIN', contentOffset: 4n })
  const all = [vector, deletes('p', { referencedDataFile: 'a' }), deletes('shared'), deletes('e', { content: 2 })]
  expect(applying(live('a', 1), ...all)).toEqual(['v', 'e'])
  expect(applying(live('b', 1), ...all)).toEqual(['shared', 'e'])
})
