import { describe, expect, it } from 'vitest'
import { commitCodec } from '../../../src/service/tasks/commit-codec.ts'
import { WorkError } from '../../../src/model/failure.ts'

const definitions = { 'table-uuid': 'u', 'current-schema-id': 3, 'default-spec-id': 0 }
const at = { topic: 'orders', partition: 7 }
const overWire = (value: object): unknown => JSON.parse(JSON.stringify(value))

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
