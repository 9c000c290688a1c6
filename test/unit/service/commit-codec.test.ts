import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TableChanged } from '../../../src/service/feed/commit-loop.ts'
import { commitCodec } from '../../../src/service/feed/commit-codec.ts'
import { WorkError } from '../../../src/model/failure.ts'

const definitions = { 'table-uuid': 'u', 'current-schema-id': 3, 'default-spec-id': 0 }
const at = { topic: 'orders', partition: 7 }
const overWire = (value: object): unknown => JSON.parse(JSON.stringify(value))

const samples = JSON.parse(readFileSync(new URL('wire/commits.json', import.meta.url), 'utf8')) as Record<
  'tail' | 'history' | 'keepAlive' | 'answer' | 'failure',
  object
>

describe('what stood in queues once is read, for good', () => {
  it.each(['tail', 'history', 'keepAlive'] as const)('a commit: %s', (kind) => {
    const read = commitCodec.decodePayload(samples[kind])
    expect(overWire(commitCodec.encodePayload(read))).toEqual(samples[kind])
    const { 'table-uuid': uuid, ...others } = read.definitions
    expect([uuid.length, others]).toEqual([36, { 'current-schema-id': 3, 'default-spec-id': 0, sourceId: 's3://bucket/prod/' }])
    expect(read.keepAlive).toBe(kind === 'keepAlive')
    expect(read.results.flatMap(({ parts }) => parts.map(({ history = false }) => history))).toEqual(
      { tail: [false], history: [true], keepAlive: [] }[kind],
    )
  })

  it('its files, its offsets, and where topic-partitions begin', () => {
    const { results, marks } = commitCodec.decodePayload(samples.tail)
    expect(results[0].files[0]).toMatchObject({ recordCount: 5n, lowerBounds: new Map([[2, new Uint8Array([0, 255])]]) })
    expect(results[0].parts[0]).toMatchObject({
      ranges: [
        [0n, 2n],
        [4n, 7n],
      ],
    })
    expect(marks).toEqual([
      {
        at: { topic: 'orders', partition: 4 },
        ranges: [[7n, 7n]],
        frontier: { baseOffset: 5n, size: 120, etag: 'abc', lastModifiedMs: 1_700_000_000_000, maxTimestampMs: null },
      },
      { at: { topic: 'orders', partition: 5 }, ranges: [[9_007_199_254_740_993n, 9_007_199_254_740_993n]] },
    ])
  })

  it('an answer, and a failure', () => {
    const asked = commitCodec.decodePayload(samples.tail)
    const answer = commitCodec.decodeResult(samples.answer, asked)
    expect(answer).toMatchObject({ committed: [0, 2], held: [3], gaps: [{ at: { partition: 3 }, range: [5n, 9_007_199_254_740_993n] }] })
    expect(overWire(commitCodec.encodeResult(answer, samples.tail))).toEqual(samples.answer)
    expect(commitCodec.decodeFailure(samples.failure)).toBeInstanceOf(TableChanged)
  })
})

describe('requests to commit and their answers', () => {
  it('come out of JSON as they went in', () => {
    const payload = {
      table: 'orders',
      definitions,
      results: [],
      marks: [{ at, ranges: [[9_007_199_254_740_993n, 9_007_199_254_740_993n]] }],
      keepAlive: true,
    } as const
    expect(commitCodec.decodePayload(overWire(commitCodec.encodePayload(payload)))).toEqual(payload)
    const answer = {
      committed: [0, 2],
      refused: [{ result: 1, reason: 'orders/7 [0, 5) is decided already' }],
      held: [3],
      gaps: [{ at, range: [5n, 9_007_199_254_740_993n] }],
    } as const
    expect(commitCodec.decodeResult(overWire(commitCodec.encodeResult(answer, { v: 1 })), payload)).toEqual(answer)
  })

  it('of a newer version are refused before anything is done', () => {
    expect(() => commitCodec.decodePayload({ v: 4, table: 'x' })).toThrow(
      'a commit in the queue has version 4, and this program reads versions up to 3; run the newer program here too',
    )
  })

  it('name the field that is not as expected', () => {
    const sent = overWire(commitCodec.encodePayload({ table: 't', definitions, results: [], marks: [], keepAlive: false })) as object
    expect(() => commitCodec.decodePayload({ ...sent, keepAlive: 'no' })).toThrow('commit.keepAlive: expected true or false, found string')
  })

  it('fail as they would here', () => {
    const failure = commitCodec.encodeFailure(new WorkError('the catalog refused', { retry: 'later' }), { v: 1 })!
    expect(commitCodec.decodeFailure(overWire(failure))).toMatchObject({ message: 'the catalog refused', retry: 'later' })
    expect(commitCodec.encodeFailure(new TypeError('a bug'), { v: 1 })).toBeNull()
  })
})
