import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../../src/formats/bytes/crc32c.ts'
import type { FaultKind } from '../../../../src/model/failure.ts'
import { sealBatch } from '../../../../src/formats/kafka/write.ts'
import { batch, damaged, record, segment, type Written } from '../../service/segments.ts'
import { decode } from './decoding.ts'

const first = batch(10n, 3)
const second = batch(13n, 4)
const third = batch(17n, 2)
const secondAt = 32 + first.length
const whole = segment(10n, [first, second, third])
const next = segment(19n, [batch(19n, 2)])

/** A batch with a right CRC whose records are not what its header says. */
const malformedBatch = sealBatch({
  baseOffset: 13n,
  codec: 'none',
  lastOffsetDelta: 3,
  baseTimestampMs: 1n,
  maxTimestampMs: 1n,
  recordCount: 4,
  recordBytes: Buffer.concat([batch(13n, 2).subarray(61), Buffer.alloc(20, 0x7f)]),
})

/** What is done to the second batch of the segment, and the kind of fault that it is. */
const damages: [what: string, kind: FaultKind, position: number, made: Written][] = [
  ['a byte of the second batch is another one', 'crc', secondAt, damaged(whole, (view) => view.setUint8(secondAt + 70, 0x55))],
  ['the second batch has magic 0', 'magic', secondAt, damaged(whole, (view) => view.setInt8(secondAt + 16, 0))],
  ['the second batch is longer than the segment', 'length', secondAt, damaged(whole, (view) => view.setInt32(secondAt + 8, 100_000))],
  ['the second batch has a negative length', 'length', secondAt, damaged(whole, (view) => view.setInt32(secondAt + 8, -5))],
]

describe.each(damages)('where %s', (_what, kind, position, made) => {
  test('stop: the batches before it are rows, and nothing of the segment is decided behind them', () => {
    const { rows, part } = decode([made, next])
    expect(rows.map(({ offset }) => offset)).toEqual([10n, 11n, 12n])
    expect(part).toMatchObject({ ranges: [[10n, 13n]], last: null, skips: [] })
    expect(part.ended).toMatchObject({ kind: 'fault', segment: made.ref, fault: { kind, position, offset: 13n } })
  })

  test('skip: everything up to the next segment is skipped with the reason, and the next segment is read', () => {
    const { rows, part } = decode([made, next], { onError: 'skip' })
    expect(rows.map(({ offset }) => offset)).toEqual([10n, 11n, 12n, 19n, 20n])
    expect(part).toMatchObject({ ranges: [[10n, 21n]], ended: null, gaps: [], counts: { rows: 5, skipped: 6 } })
    expect(part.skips).toMatchObject([{ segment: made.ref, range: [13n, 19n], fault: { kind, position } }])
    expect(part.last).toEqual(next.ref)
  })
})

describe('where the records of one batch are malformed', () => {
  const made = segment(10n, [first, malformedBatch, third])

  test('stop: the records before the bad one are rows', () => {
    const { rows, part } = decode([made])
    expect(rows.map(({ value }) => value)).toEqual(['v10', 'v11', 'v12', 'v13', 'v14'])
    expect(part).toMatchObject({ ranges: [[10n, 15n]], last: null, ended: { kind: 'fault', fault: { kind: 'malformed', offset: 15n } } })
  })

  test('skip: the rest of that batch is skipped, and the batches behind it are read', () => {
    const { rows, part, spans } = decode([made], { onError: 'skip' })
    expect(rows.map(({ offset }) => offset)).toEqual([10n, 11n, 12n, 13n, 14n, 17n, 18n])
    expect(part).toMatchObject({ ranges: [[10n, 19n]], ended: null, counts: { rows: 7, skipped: 2 } })
    expect(part.skips).toMatchObject([{ range: [15n, 17n], fault: { kind: 'malformed', offset: 15n } }])
    expect(spans.flatMap(({ ranges }) => ranges)).toEqual([
      [10n, 13n],
      [13n, 15n],
      [15n, 17n],
      [17n, 19n],
    ])
  })

  test('skip: what was decided before is not skipped again', () => {
    const { part } = decode([made], { onError: 'skip', part: { decided: [[15n, 16n]] } })
    expect(part.skips).toMatchObject([{ range: [16n, 17n] }])
    expect(part.counts).toMatchObject({ skipped: 1 })
  })

  test('skip: what lies below the start is left out, not skipped', () => {
    const { part } = decode([made], { onError: 'skip', part: { startOffset: 16n } })
    expect(part.skips).toMatchObject([{ range: [16n, 17n] }])
    expect(part.ranges).toEqual([[16n, 19n]])
  })

  test('skip: a batch that claims more offsets than there are before the next segment is cut there', () => {
    const claims = sealBatch({
      baseOffset: 13n,
      codec: 'none',
      lastOffsetDelta: 2_000_000_000,
      baseTimestampMs: 1n,
      maxTimestampMs: 1n,
      recordCount: 1,
      recordBytes: Buffer.alloc(20, 0x7f),
    })
    const { part, rows } = decode([segment(10n, [first, claims]), next], { onError: 'skip' })
    expect(part.skips).toMatchObject([{ range: [13n, 19n] }])
    expect(rows.map(({ offset }) => offset)).toEqual([10n, 11n, 12n, 19n, 20n])
  })
})

describe('where the whole segment is unreadable', () => {
  const broken = { ref: whole.ref, bytes: Uint8Array.from(whole.bytes) }
  broken.bytes[50] ^= 1

  test('stop: nothing is decided', () => {
    const { rows, part } = decode([broken, next])
    expect(rows).toEqual([])
    expect(part).toMatchObject({
      ranges: [],
      last: null,
      ended: { kind: 'fault', fault: { kind: 'crc', offset: 10n, position: whole.bytes.length - 16 } },
    })
  })

  test('skip: all its offsets are skipped, up to the next segment', () => {
    const { part } = decode([broken, next], { onError: 'skip' })
    expect(part).toMatchObject({ ranges: [[10n, 21n]], skips: [{ range: [10n, 19n], fault: { kind: 'crc' } }], ended: null })
  })

  test('skip: the segment after the part tells the end as well', () => {
    const { part } = decode([broken], { onError: 'skip', part: { nextBaseOffset: 40n } })
    expect(part).toMatchObject({ ranges: [[10n, 40n]], skips: [{ range: [10n, 40n] }], ended: null })
  })

  test('skip: without a later segment and without a footer nothing tells the end, so the part ends and says so', () => {
    const cut = { ref: whole.ref, bytes: whole.bytes.subarray(0, whole.bytes.length - 20) }
    const { part } = decode([cut], { onError: 'skip' })
    expect(part).toMatchObject({ ranges: [], last: null, skips: [] })
    expect(part.ended).toMatchObject({
      kind: 'fault',
      fault: { kind: 'length', message: expect.stringMatching(/what to skip is known only when a later segment exists$/) },
    })
  })

  test.each([
    ['an empty object', new Uint8Array(0), 'length'],
    ['an object of other bytes', new Uint8Array(500).fill(7), 'magic'],
    ['a header of another base offset', segment(11n, [batch(11n, 2)]).bytes, 'malformed'],
  ])('%s stops the part at the base offset of its key', (_what, bytes, kind) => {
    const { part } = decode([{ ref: whole.ref, bytes }, next])
    expect(part).toMatchObject({ ranges: [], last: null, ended: { kind: 'fault', fault: { kind, offset: 10n } } })
  })
})

describe('records that the columns can not hold', () => {
  const notText = Buffer.of(0xc3, 0x28)
  const records = [
    record('a'),
    record('b', { key: notText }),
    record(notText),
    record('d', { headers: [{ key: 'h', value: notText }] }),
    record('e'),
  ]
  const made = segment(10n, [batch(10n, records)])

  test('binary columns hold any bytes', () => {
    expect(decode([made]).rows.map(({ value, key }) => [key, value])).toEqual([
      [null, 'a'],
      ['Ã(', 'b'],
      [null, 'Ã('],
      [null, 'd'],
      [null, 'e'],
    ])
  })

  test('stop: a value that is not UTF-8 ends the part at its record', () => {
    const { rows, part } = decode([made], { value: 'string' })
    expect(rows.map(({ value }) => value)).toEqual(['a', 'b'])
    expect(part.ranges).toEqual([[10n, 12n]])
    expect(part.ended).toMatchObject({
      kind: 'fault',
      fault: { kind: 'malformed', offset: 12n, message: 'the value is not UTF-8, and the table keeps values as string' },
    })
  })

  test('skip: the records alone are skipped, each with its offset', () => {
    const { rows, part } = decode([made], { value: 'string', key: 'string', onError: 'skip' })
    expect(rows.map(({ offset }) => offset)).toEqual([10n, 13n, 14n])
    expect(part).toMatchObject({ ranges: [[10n, 15n]], counts: { rows: 3, skipped: 2 }, ended: null })
    expect(part.skips).toMatchObject([
      {
        range: [11n, 12n],
        fault: { kind: 'malformed', offset: 11n, message: 'the key is not UTF-8, and the document says key.format: string' },
      },
      { range: [12n, 13n], fault: { kind: 'malformed', offset: 12n } },
    ])
  })

  test('skip: a batch of which every record is bad is decided whole', () => {
    const { rows, part } = decode([segment(0n, [batch(0n, [record(notText), record(notText)])])], { value: 'string', onError: 'skip' })
    expect(rows).toEqual([])
    expect(part).toMatchObject({ ranges: [[0n, 2n]], counts: { rows: 0, skipped: 2 }, ended: null })
  })

  test('a header key that is not UTF-8 is bad under every format, and named by its place', () => {
    const headers = [
      { key: 'good', value: null },
      { key: 'QQ', value: null },
    ]
    const bytes = batch(10n, [record('x', { headers })])
    const at = Buffer.from(bytes).indexOf('QQ')
    bytes.set(notText, at)
    new DataView(bytes.buffer).setUint32(17, crc32c(bytes.subarray(21)))
    expect(decode([segment(10n, [bytes])]).part.ended).toMatchObject({
      fault: { kind: 'malformed', offset: 10n, message: 'the key of header 1 is not UTF-8, as Kafka requires it' },
    })
  })

  test('null and empty keys and values are text as well', () => {
    const empties = segment(0n, [batch(0n, [record(null), record('', { key: Buffer.alloc(0) })])])
    expect(decode([empties], { key: 'string', value: 'string' }).rows).toMatchObject([
      { key: null, value: null },
      { key: '', value: '' },
    ])
  })
})

test('a compressed batch that inflates past the limit is a fault of its partition', () => {
  const bomb = batch(10n, [record(Buffer.alloc(100_000))], { codec: 'zstd' })
  const { part } = decode([segment(10n, [bomb])], { maxBatchBytes: 1000 })
  expect(part.ended).toMatchObject({ kind: 'fault', fault: { kind: 'malformed', offset: 10n } })
})
