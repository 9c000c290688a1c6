import { expect, test } from 'vitest'
import { isClean, showVerifications } from '../../../src/cli/verify-text.ts'
import type { Finding } from '../../../src/pipeline/verify/finding.ts'
import { noCounts, type TableVerification } from '../../../src/pipeline/verify/verification.ts'
import { recordingTerminal } from './program.ts'

const finding = (kind: Finding['kind'], start: bigint): Finding => ({
  kind,
  table: 'analytics.orders',
  topic: 'orders',
  partition: 0,
  start,
  end: start + 1n,
  snapshot: 7n,
})

function shown(findings: readonly Finding[], unlisted = 0, retraction: TableVerification['retraction'] = null): readonly string[] {
  const table: TableVerification = {
    table: 'analytics.orders',
    exists: true,
    snapshot: 7n,
    counts: noCounts,
    findings,
    unlisted,
    facts: [],
    newlyAccepted: null,
    retraction,
    reading: null,
    notes: [],
    problem: null,
  }
  const verifications = [{ name: 'orders', tables: [table] }]
  expect(isClean(verifications)).toBe(findings.length === 0)
  const terminal = recordingTerminal(120)
  showVerifications(verifications, terminal)
  return terminal.lines
}

test('what is to be done is said once for each kind of finding', () => {
  const lines = shown([finding('missing', 3n), finding('missing', 8n), finding('duplicate', 9n)])
  expect(lines.filter((line) => line.includes('--retract --yes'))).toHaveLength(1)
  expect(lines.filter((line) => line.includes('recover --duplicates'))).toHaveLength(1)
  expect(shown([]).join('\n')).not.toMatch(/--retract|--duplicates/)
})

test('findings beyond those that are kept are counted', () => {
  const kept = Array.from({ length: 60 }, (_, i) => finding('missing', BigInt(2 * i)))
  const lines = shown(kept, 40).join('\n')
  expect(lines).toContain('100 findings')
  expect(lines).toContain('and 50 more (--json lists the first 60)')
})

test('the run that takes rows back calls the table retracted, not clean, since it has holes from then on', () => {
  const lines = shown([], 0, { offsets: 4n, done: true })
  expect(lines[2]).toMatch(/ retracted$/)
  expect(lines.join('\n')).not.toContain('clean')
  expect(lines[3]).toContain('4 offsets; backfill --missing materializes what is a hole now')
  expect(shown([], 0, { offsets: 0n, done: false })[2]).toMatch(/ clean$/)
})
