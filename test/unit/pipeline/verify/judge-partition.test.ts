import { describe, expect, test } from 'vitest'
import { inOrder } from '../../../../src/pipeline/verify/finding.ts'
import { judgePartition, type PartitionFacts, splitHoles } from '../../../../src/pipeline/verify/judge-partition.ts'

const facts: PartitionFacts = {
  table: 'db.orders',
  at: { topic: 'orders', partition: 3 },
  missing: new Map(),
  duplicates: new Map(),
  holes: [],
  gaps: [],
  altered: [],
  rewritten: [],
}

const none = { isAccepted: () => false, isOurs: () => false, accepted: [] }

describe('what is known becomes findings', () => {
  test('each with its place and the snapshot that did it', () => {
    const verdict = judgePartition(
      { ...facts, missing: new Map([[7n, [[0n, 2n]]]]), duplicates: new Map([[8n, [[5n, 6n]]]]), rewritten: [[10n, 20n]] },
      none,
    )
    const place = { table: 'db.orders', topic: 'orders', partition: 3 }
    expect(inOrder(verdict.findings)).toEqual([
      { kind: 'missing', ...place, start: 0n, end: 2n, snapshot: 7n },
      { kind: 'duplicate', ...place, start: 5n, end: 6n, snapshot: 8n },
      { kind: 'rewritten', ...place, start: 10n, end: 20n, snapshot: null },
    ])
  })

  test('what a snapshot of ours removed is counted as far as it is accepted, and missing beyond that', () => {
    const exempt = { ...none, isOurs: (id: bigint) => id === 7n, accepted: [[0n, 2n]] as const }
    const verdict = judgePartition({ ...facts, missing: new Map([[7n, [[0n, 5n]]]]) }, exempt)
    expect(verdict).toMatchObject({ findings: [{ kind: 'missing', start: 2n, end: 5n, snapshot: 7n }], removed: 2n, accepted: 0n })
  })

  test('what was accepted is counted: all that a snapshot removed, and offsets', () => {
    const missing = new Map([
      [7n, [[0n, 2n]]],
      [null, [[4n, 8n]]],
    ] as const)
    const verdict = judgePartition(
      { ...facts, missing, gaps: [[10n, 12n]] },
      { ...none, isAccepted: (id) => id === 7n, accepted: [[5n, 11n]] },
    )
    expect(verdict.accepted).toBe(6n)
    expect(verdict.findings.map(({ kind, start, end }) => [kind, start, end])).toEqual([
      ['missing', 4n, 5n],
      ['gap', 11n, 12n],
    ])
  })

  test('what an altered file should hold is told once', () => {
    const altered = [{ range: [0n, 5n] as const, snapshot: 9n }]
    const verdict = judgePartition({ ...facts, altered, missing: new Map([[null, [[3n, 7n]]]]) }, none)
    expect(verdict.findings.map(({ kind, start, end, snapshot }) => [kind, start, end, snapshot])).toEqual([
      ['missing', 5n, 7n, null],
      ['altered', 0n, 5n, 9n],
    ])
  })

  test('a hole is what a segment has, and a gap the rest', () => {
    expect(splitHoles([[10n, 20n]], [[13n, 25n]])).toEqual({ holes: [[13n, 20n]], gaps: [[10n, 13n]] })
  })
})
