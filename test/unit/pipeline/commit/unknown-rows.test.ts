import { expect, test } from 'vitest'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { unknownRows } from '../../../../src/pipeline/commit/unknown-rows.ts'
import { decided, foreign, ours, tableWith } from './tables.ts'

const filled = (rows: string) => foreign(2, 1, { summary: { operation: 'append', 'total-records': rows } })

test.each<[string, TableMetadata, string]>([
  ['of others alone', tableWith([foreign(1, null), filled('300')]), 'has 300 rows that others wrote'],
  ['of others who do not count', tableWith([foreign(1, null)]), 'has rows that others wrote'],
])('rows %s are unknown', (_, metadata, text) => {
  expect(unknownRows(metadata)).toContain(text)
})

test.each<[string, TableMetadata]>([
  ['without a snapshot', tableWith([])],
  ['without rows', tableWith([foreign(1, null), filled('0')])],
  ['that we wrote to, and others since', tableWith([ours(1, null, decided([0, 9])), filled('300')])],
  ['with our progress in its properties', tableWith([filled('300')], { properties: { [summaryKeys.progress]: '{}' } })],
])('of a table %s there is nothing to say', (_, metadata) => {
  expect(unknownRows(metadata)).toBeNull()
})
