import { describe, expect, test } from 'vitest'
import { attribute } from '../../../../src/pipeline/verify/removals.ts'

const order = (snapshot: bigint) => Number(snapshot)

describe('who removed a row', () => {
  test('is the snapshot that removed the file that had it', () => {
    const removals = [
      { ranges: [[0n, 10n]] as const, sequence: 1n, snapshot: 5n },
      { ranges: [[10n, 20n]] as const, sequence: 2n, snapshot: 6n },
    ]
    expect(attribute([[8n, 12n]], removals, order)).toEqual(
      new Map([
        [6n, [[10n, 12n]]],
        [5n, [[8n, 10n]]],
      ]),
    )
  })

  test('is not the one that rewrote the file with the row, but the one that removed the new file', () => {
    const removals = [
      { ranges: [[0n, 10n]] as const, sequence: 1n, snapshot: 5n },
      { ranges: [[0n, 10n]] as const, sequence: 5n, snapshot: 7n },
    ]
    expect(attribute([[3n, 4n]], removals, order)).toEqual(new Map([[7n, [[3n, 4n]]]]))
  })

  test('is the one that deleted the row from the file, and not the one that rewrote the file without it', () => {
    const removals = [
      { ranges: [[0n, 10n]] as const, sequence: 1n, snapshot: 7n },
      { ranges: [[3n, 4n]] as const, sequence: 1n, snapshot: 5n },
    ]
    expect(attribute([[3n, 4n]], removals, order)).toEqual(new Map([[5n, [[3n, 4n]]]]))
  })

  test('is nobody that is known where no file had it', () => {
    expect(attribute([[3n, 4n]], [{ ranges: [[0n, 3n]], sequence: 1n, snapshot: 5n }], order)).toEqual(new Map([[null, [[3n, 4n]]]]))
  })
})
