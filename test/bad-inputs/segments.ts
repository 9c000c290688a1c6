import { parseIndex } from '../../src/formats/kfs/index.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { sealBatch } from '../../src/formats/kafka/write.ts'
import { at, batch, damaged, framed, record, segment } from '../unit/service/segments.ts'
import { world } from '../unit/service/world.ts'
import type { Plain } from '../unit/spec/documents.ts'
import { type BadInput, cases } from './case.ts'

const sound = segment(0n, [batch(0n, 3), batch(3n, 2)])
const secondAt = 32 + batch(0n, 3).length

/** What the log says when a bucket with this segment is read once. */
function stopped(bytes: Uint8Array, change?: (document: Plain) => void) {
  return async () => {
    const w = world()
    for (const extension of ['index', 'kfs'] as const) await w.source.put(segmentKey('p/', at, 0n, extension), [bytes])
    if (await w.runOnce(change)) throw new Error('expected a stopped partition')
    return String(w.linesOf('error')[0].fields.reason)
  }
}

const set = (change: (view: DataView) => void) => stopped(damaged(sound, change).bytes)
const raw = (position: number, byte: number) => stopped(sound.bytes.with(position, byte))

const malformed = (recordBytes: Uint8Array, recordCount: number) =>
  stopped(
    framed(0n, [
      sealBatch({ baseOffset: 0n, codec: 'none', lastOffsetDelta: 9, baseTimestampMs: 1n, maxTimestampMs: 1n, recordCount, recordBytes }),
    ]).segment,
  )

const mapped = (mapping: object) => (document: Plain) =>
  (document.spec.mappings = [{ topic: '*', value: { format: 'binary' }, ...mapping }])

const brokenZstd = () => {
  const bytes = sealBatch({
    baseOffset: 0n,
    codec: 'none',
    attributes: 4,
    lastOffsetDelta: 0,
    baseTimestampMs: 1n,
    maxTimestampMs: 1n,
    recordCount: 1,
    recordBytes: Buffer.from('no frame of zstd'),
  })
  return stopped(framed(0n, [bytes]).segment)()
}

/** What the log says where nothing tells what a new table must be like. */
async function withoutSample(): Promise<string> {
  const w = world()
  for (const extension of ['index', 'kfs'] as const) await w.source.put(segmentKey('p/', at, 0n, extension), [Buffer.alloc(100, 7)])
  if (await w.runOnce((document) => (document.spec.mappings = []))) throw new Error('expected a table that is not made')
  return (w.linesOf('error')[0].fields.error as Error).message
}

const stops = 'Its partition stops there, with one line in the log; `--once` ends with exit code 1. Other partitions go on.'
const goesOn = 'A warning; everything else goes on.'

/** The first warning of a run over these segments. */
function warned(write: (w: ReturnType<typeof world>) => Promise<unknown>, change?: (document: Plain) => void) {
  return async () => {
    const w = world()
    await write(w)
    await w.clock.advanceBy(60_000)
    if (!(await w.runOnce(change))) throw new Error('expected nothing to be stopped')
    return w.linesOf('warn')[0].message
  }
}

export const segmentCases: BadInput[] = [
  ...cases('segments', stops, [
    ['an object of other bytes', stopped(Buffer.alloc(100, 7))],
    ['an empty object', stopped(new Uint8Array(0))],
    ['a segment that was cut off', stopped(sound.bytes.subarray(0, sound.bytes.length - 20))],
    ['another version', raw(5, 9)],
    ['a base offset that is not the one in the key', raw(15, 7)],
    ['a wrong body CRC', raw(60, 1)],
    ['a wrong batch CRC', set((view) => view.setUint8(secondAt + 70, 0x55))],
    ['a batch of an old format', set((view) => view.setInt8(secondAt + 16, 0))],
    ['a batch longer than the segment', set((view) => view.setInt32(secondAt + 8, 100_000))],
    ['an unknown compression', stopped(framed(0n, [batch(0n, 1, { attributes: 7 })]).segment)],
    ['a compressed batch that can not be inflated', brokenZstd],
    ['more records than fit', malformed(Buffer.alloc(20), 10)],
    ['a record that does not fit its batch', malformed(Buffer.alloc(20, 0x7e), 2)],
    [
      'a value that is not UTF-8, kept as string',
      stopped(segment(0n, [batch(0n, [record(Buffer.of(0xff))])]).bytes, mapped({ value: { format: 'string' } })),
    ],
    [
      'a key that is not UTF-8, kept as string',
      stopped(segment(0n, [batch(0n, [record('x', { key: Buffer.of(0xff) })])]).bytes, mapped({ key: { format: 'string' } })),
    ],
    [
      'a required column, and a value without it',
      stopped(
        segment(0n, [batch(0n, [record('{"id":7}'), record('{"id":null}')])]).bytes,
        mapped({ value: { format: 'json', columns: [{ name: 'id', type: 'long', required: true }] } }),
      ),
    ],
    [
      'a required column, and a tombstone',
      stopped(
        segment(0n, [batch(0n, [record('{"id":7}'), record(null)])]).bytes,
        mapped({ value: { format: 'json', columns: [{ name: 'id', type: 'long', required: true }] } }),
      ),
    ],
    [
      '`onError: skip`, and no later segment that tells how far',
      stopped(sound.bytes.subarray(0, sound.bytes.length - 20), mapped({ onError: 'skip' })),
    ],
  ]),
  ...cases('segments', 'No table is made, and the sample is tried again; `--once` ends with exit code 1. Other tables go on.', [
    ['no record that can be read, and nothing else says what the values are', withoutSample],
  ]),
  ...cases('segments', goesOn, [
    ['offsets that the source lacks', warned(async (w) => [await w.write(at, 0n, [batch(0n, 2)]), await w.write(at, 5n, [batch(5n, 2)])])],
    ['segments that overlap', warned(async (w) => [await w.write(at, 0n, [batch(0n, 4)]), await w.write(at, 2n, [batch(2n, 4)])])],
    ['offsets that repeat inside a segment', warned((w) => w.write(at, 0n, [batch(0n, 4), batch(0n, 4)]))],
    [
      'a segment without its index, before later ones',
      warned(async (w) => [await w.write(at, 0n, [batch(0n, 2)], ['kfs']), await w.write(at, 2n, [batch(2n, 2)])]),
    ],
    [
      'a bad segment under `onError: skip`',
      warned(
        async (w) => [
          await w.source.put(segmentKey('p/', at, 0n, 'kfs'), [Buffer.alloc(9)]),
          await w.source.put(segmentKey('p/', at, 0n, 'index'), []),
          await w.write(at, 2n, [batch(2n, 2)]),
        ],
        mapped({ onError: 'skip' }),
      ),
    ],
  ]),
]

const { index } = writeSegment({ baseOffset: 0n, batches: [batch(0n, 3)], createdMs: 0 })
const looked = (bytes: Uint8Array) => () => parseIndex(bytes).fault!.message

export const indexCases: BadInput[] = cases(
  'indexes',
  '`inspect` says it; reading segments needs no index to be right, only to be there.',
  [
    ['an object of other bytes', looked(Buffer.alloc(40, 7))],
    ['an index that was cut off', looked(index.subarray(0, 10))],
    ['another version', looked(index.with(5, 9))],
    ['another number of entries than it says', looked(index.with(9, 9))],
    ['an entry that points before the first batch', looked(index.with(27, 0))],
  ],
)
