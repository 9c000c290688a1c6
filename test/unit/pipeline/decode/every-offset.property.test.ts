import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalizeRanges, type OffsetRanges } from '../../../../src/model/offset-range.ts'
import { batch, record, segment, type Written } from '../../service/segments.ts'
import { decode } from './decoding.ts'

/** What stands at each offset of a segment, in the order of its records. */
interface Held {
  readonly offset: bigint
  readonly kind: 'row' | 'control' | 'bad'
}

const batchArbitrary = fc.record({
  /** Where it begins, relative to where the batch before it ended: it may go back, or leave offsets out. */
  shift: fc.integer({ min: -4, max: 3 }),
  deltas: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 6 }),
  kind: fc.constantFrom('row', 'row', 'row', 'control', 'bad'),
})
const segmentArbitrary = fc.record({ shift: fc.integer({ min: -5, max: 4 }), batches: fc.array(batchArbitrary, { maxLength: 4 }) })

/** Segments with ascending base offsets that overlap, repeat and leave out as they like, and what they hold. */
const logArbitrary = fc.array(segmentArbitrary, { minLength: 1, maxLength: 5 }).map((plans) => {
  const segments: { written: Written; held: Held[] }[] = []
  let end = 20n
  let lowest = 0n
  for (const plan of plans) {
    const base = max(end + BigInt(plan.shift), lowest)
    lowest = base + 1n
    let next = base
    const held: Held[] = []
    const batches = plan.batches.map(({ shift, deltas, kind }) => {
      const start = max(next + BigInt(shift), 0n)
      const sorted = deltas.toSorted((a, b) => a - b)
      next = start + BigInt(sorted.at(-1)! + 1)
      for (const delta of sorted) held.push({ offset: start + BigInt(delta), kind })
      const value = kind === 'bad' ? Buffer.of(0xff) : Buffer.from(`${base}`)
      return batch(
        start,
        sorted.map((offsetDelta) => record(value, { offsetDelta })),
        { attributes: kind === 'control' ? 32 : 0 },
      )
    })
    end = max(end, next)
    segments.push({ written: segment(base, batches), held: held.filter(({ offset }) => offset >= base) })
  }
  return segments
})

const decidedArbitrary = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 6 })), { maxLength: 3 })
  .map((ranges) => normalizeRanges(ranges.map(([start, length]) => [BigInt(start), BigInt(start + length)] as const)))

test('rows, control records, skipped ones and those decided before are what the segments hold, each offset once', () => {
  fc.assert(
    fc.property(logArbitrary, decidedArbitrary, (log, decided) => {
      const { rows, part, spans } = decode(
        log.map(({ written }) => written),
        { value: 'string', onError: 'skip', part: { decided } },
      )
      const before = offsetsOf(decided)
      const expected = new Map<bigint, { kind: Held['kind']; base: bigint }>()
      let records = 0
      for (const { written, held } of log) {
        for (const { offset, kind } of held) {
          records++
          if (!before.has(offset) && !expected.has(offset)) expected.set(offset, { kind, base: written.ref.baseOffset })
        }
      }
      const of = (kind: Held['kind']) => [...expected].filter(([, one]) => one.kind === kind)
      expect(part.ended).toBeNull()
      expect(rows.map(({ offset, value }) => [offset, value]).sort(ascending)).toEqual(
        of('row')
          .map(([offset, { base }]) => [offset, `${base}`])
          .sort(ascending),
      )
      expect(part.counts).toMatchObject({ rows: of('row').length, control: of('control').length, skipped: of('bad').length })
      expect(part.skips.flatMap(({ range }) => [...offsetsOf([range])]).sort(order)).toEqual(
        of('bad')
          .map(([offset]) => offset)
          .sort(order),
      )
      expect([...offsetsOf(part.ranges)].sort(order)).toEqual([...expected.keys()].sort(order))
      expect(spans.flatMap(({ ranges }) => ranges.flatMap((range) => [...offsetsOf([range])])).sort(order)).toEqual(
        [...expected.keys()].sort(order),
      )
      const below = log.reduce((sum, { written, held }) => sum + recordsIn(written) - held.length, 0)
      expect(part.counts.clipped + part.counts.repeated).toBe(records - expected.size + below)
    }),
    { numRuns: 300 },
  )
})

function recordsIn({ bytes }: Written): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(16)
}

function offsetsOf(ranges: OffsetRanges): Set<bigint> {
  const offsets = new Set<bigint>()
  for (const [start, end] of ranges) for (let offset = start; offset < end; offset++) offsets.add(offset)
  return offsets
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function ascending(a: readonly unknown[], b: readonly unknown[]): number {
  return order(a[0] as bigint, b[0] as bigint)
}
