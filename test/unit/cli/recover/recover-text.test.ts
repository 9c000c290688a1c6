import { expect, test } from 'vitest'
import { showRecoveries } from '../../../../src/cli/recover-text.ts'
import { defaultPrices } from '../../../../src/pipeline/backfill/bill.ts'
import { recordingTerminal } from '../program.ts'

const table = { table: 'a.orders', exists: true, sound: null, partitions: [], lost: [], done: false, problem: null }
const partitions = [{ topic: 'orders', partition: 0, ranges: [[5n, 8n] as const], offsets: 3n }]
const found = { partitions, rows: 3n, files: 2, bytes: 64 * 1024 ** 3, coreSeconds: 3840, done: false }

test('what it takes to remove rows that are twice is told in requests, time and money, until it is done', () => {
  const terminal = recordingTerminal()
  const duplicates = { ...found, requests: { get: 2_000_000, put: 40_000 } }
  showRecoveries([{ ...table, duplicates }], 'duplicates', { ...defaultPrices, readPerGiB: 0.01 }, terminal)
  // 0.80 for GETs, 0.20 for PUTs, 0.64 for what is read, 0.05 for the core.
  expect(terminal.lines.at(-1)).toBe(
    '  nothing is written yet  with --yes: 3 rows of 2 files (64 GiB) are removed: of each offset the row that came first stays, which takes about 2,000,000 GETs and 40,000 PUTs, 1 h 4 min by the speed of the benchmark; about 1.69 USD',
  )
  const after = recordingTerminal()
  showRecoveries([{ ...table, duplicates: { ...found, requests: null, done: true } }], 'duplicates', defaultPrices, after)
  expect(after.lines.at(-1)).toBe('  written  without 3 rows of 2 files (64 GiB)')
})
