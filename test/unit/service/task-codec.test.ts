import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TableChanged } from '../../../src/service/feed/commit-loop.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import type { FeedPayload, TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { taskCodec } from '../../../src/service/tasks/task-codec.ts'
import { WorkError } from '../../../src/model/failure.ts'
import { NewerVersion } from '../../../src/seams/task-queue.ts'
import { dataFile, payload, rewritePayload, translatedPart } from '../pipeline/wire/values.ts'

/** As a queue keeps it. */
function stored(value: object): unknown {
  return JSON.parse(JSON.stringify(value))
}

const samples: { payload: object; result: object } = JSON.parse(
  readFileSync(new URL('wire/version-1.json', import.meta.url), 'utf8'),
) as never

describe('what goes through the queue comes out as it was', () => {
  test('a task with its table', () => {
    fc.assert(
      fc.property(payload, (sent) => {
        expect(taskCodec.decodePayload(stored(taskCodec.encodePayload(sent)))).toEqual(sent)
      }),
    )
  })

  test('a rewrite with its deletes, each of which is sent once, in a version that older programs refuse', () => {
    fc.assert(
      fc.property(rewritePayload, (sent) => {
        const encoded = stored(taskCodec.encodePayload(sent))
        expect(encoded).toMatchObject({ v: 3 })
        expect(taskCodec.decodePayload(encoded)).toEqual(sent)
      }),
    )
  })

  test('a result: bounds as bytes, maps, offsets beyond 2^53', () => {
    const rewritten = fc.record({ rowsRead: fc.bigInt(), rowsDeleted: fc.bigInt() })
    const outcome = fc.record(
      { files: fc.array(dataFile), parts: fc.array(translatedPart), startedAtMs: fc.nat(), rewritten },
      { requiredKeys: ['files', 'parts', 'startedAtMs'] },
    )
    fc.assert(
      fc.property(outcome, payload, (made, of) => {
        const result: TaskResult = { ...made, task: of.task }
        expect(taskCodec.decodeResult(stored(taskCodec.encodeResult(result, samples.payload)), of)).toEqual(result)
      }),
    )
  })

  test.each([new WorkError('the store is away', { retry: 'later' }), new TableChanged('its schema', { retry: 'now' })])('%s', (error) => {
    const read = taskCodec.decodeFailure(stored(taskCodec.encodeFailure(error, samples.payload)!))
    expect(read).toBeInstanceOf(error.constructor)
    expect([read.message, read.retry]).toEqual([error.message, error.retry])
  })
})

test('an error that nobody expected is no answer', () => {
  expect(taskCodec.encodeFailure(new TypeError('a bug'), samples.payload)).toBeNull()
})

describe('versions', () => {
  test('what version 1 wrote is read, for good', () => {
    const read = taskCodec.decodePayload(samples.payload)
    expect(read.task.parts[0]).toMatchObject({ follows: null, startOffset: 0n, nextBaseOffset: 9_007_199_254_740_993n })
    expect(read.task.parts[0].segments[0]).toMatchObject({ baseOffset: 0n, settled: true })
    const result = taskCodec.decodeResult(samples.result, read)
    expect(result.task).toBe(read.task)
    expect(result.files[0].lowerBounds?.get(2)).toEqual(new Uint8Array([0, 255]))
    expect(result.parts[0].ended).toMatchObject({ kind: 'fault', fault: { offset: 7n } })
    expect(stored(taskCodec.encodePayload(read))).toEqual(samples.payload)
    expect(stored(taskCodec.encodeResult(result, samples.payload))).toEqual(samples.result)
  })

  test.each([
    ['a task', 4, () => taskCodec.decodePayload({ ...samples.payload, v: 5 })],
    ['a result', 1, () => taskCodec.decodeResult({ ...samples.result, v: 2 }, {} as TablePayload)],
    ['a failure', 1, () => taskCodec.decodeFailure({ v: 2 })],
  ])('%s of a newer version is refused, whatever it holds', (_, newest, read) => {
    expect(read).toThrow(NewerVersion)
    const sentence = ` has version ${newest + 1}, and this program reads versions up to ${newest}; run the newer program here too`
    expect(read).toThrow(sentence)
  })

  test('only a task for a table with partitions is of version 2, which a program that knows none refuses', () => {
    const { task, table, target } = taskCodec.decodePayload(samples.payload) as FeedPayload
    const partition = [{ transform: 'day', type: 'timestamptz', path: [3] }] as const
    expect(taskCodec.encodePayload({ task, table, target })).toMatchObject({ v: 1 })
    expect(taskCodec.encodePayload({ task, table, target: { ...target, partition } })).toMatchObject({ v: 2 })
  })

  test('a task that converts old messages is of version 4, since an older program would stop at them', () => {
    const { task, table, target } = taskCodec.decodePayload(samples.payload) as FeedPayload
    const asked = { task, table, target: { ...target, oldMessageFormats: 'convert' as const } }
    const encoded = stored(taskCodec.encodePayload(asked))
    expect(encoded).toMatchObject({ v: 4 })
    expect(taskCodec.decodePayload(encoded)).toEqual(asked)
  })

  test('a task for a table that is sorted', () => {
    const { task, table, target } = taskCodec.decodePayload(samples.payload) as FeedPayload
    const field = { 'source-id': 3, transform: 'bucket[4]', direction: 'desc', 'null-order': 'nulls-last' } as const
    const asked = { task, table, target: { ...target, sortOrder: { 'order-id': 7, fields: [field] } } }
    expect(taskCodec.decodePayload(stored(taskCodec.encodePayload(asked)))).toEqual(asked)
  })
})

test.each([
  [{}, 'task.v: expected a number, found nothing'],
  [{ ...samples.payload, table: 7 }, 'task.table: expected a string, found number'],
  [
    { ...samples.payload, task: { id: 'a', bytes: 1, parts: [{ at: ['t', 0], follows: 0 }] } },
    'task.task.parts[0].follows: expected the digits of a whole number, found number',
  ],
])('a field that is not as expected is named: %#', (sent, message) => {
  expect(() => taskCodec.decodePayload(sent)).toThrow(message)
})
