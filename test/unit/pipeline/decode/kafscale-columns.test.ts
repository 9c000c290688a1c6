import { describe, expect, test } from 'vitest'
import { currentSchema } from '../../../../src/formats/iceberg/table-metadata.ts'
import { at, batch, record } from '../../service/segments.ts'
import type { Plain } from '../../spec/documents.ts'
import { world, type World } from '../../service/world.ts'

const columns = [
  { name: 'id', type: 'long' },
  { name: 'note', type: 'string' },
]
const asGo =
  (settings: Plain = {}) =>
  (document: Plain) => {
    document.spec.mappings = [{ topic: '*', compat: 'kafscale', ...settings }]
  }

async function rowsFrom(records: Parameters<typeof batch>[1], settings?: Plain): Promise<[Record<string, unknown>[], World]> {
  const own = world()
  await own.write(at, 7n, [batch(7n, records)])
  await own.clock.run(() => own.clock.sleep(60_000))
  expect(await own.runOnce(asGo(settings))).toBe(true)
  return [
    (await own.plainRows(at.topic)).map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)]))),
    own,
  ]
}

describe("a table in the layout of KafScale's Go processor", () => {
  test('has its columns, in its order, with its nullability', async () => {
    const [, own] = await rowsFrom([record('x')], { value: { columns } })
    const { fields } = currentSchema(await own.table(at.topic))
    expect(fields.map(({ name, type, required }) => `${name} ${type as string}${required ? ' required' : ''}`)).toEqual([
      'record_id string required',
      'topic string required',
      'partition int required',
      'offset long required',
      'timestamp_ms long required',
      'key binary',
      'value binary',
      'headers string',
      'id long',
      'note string',
    ])
  })

  test('has a record as it is, and what its value gives beside it', async () => {
    const value = '{"id": 9007199254740993, "note": "n", "more": 1}'
    const headers = [
      { key: 'a<b', value: Buffer.from('"1"') },
      { key: 'none', value: null },
    ]
    const [rows] = await rowsFrom([record(value, { key: Buffer.from('k'), headers, timestampMs: 5n })], { value: { columns } })
    expect(rows).toEqual([
      {
        record_id: 'orders:0:7',
        topic: 'orders',
        partition: 0,
        offset: 7n,
        timestamp_ms: 5n,
        key: 'k',
        value,
        headers: '[{"key":"a\\u003cb","value":"\\"1\\""},{"key":"none","value":""}]',
        id: 9007199254740993n,
        note: 'n',
      },
    ])
  })

  test('has a value that is no JSON as a row whose columns are null, and tombstones and strange times as they are', async () => {
    const [rows] = await rowsFrom([record('not json', { timestampMs: -1n }), record(null, { timestampMs: 1n << 60n })], {
      value: { columns },
    })
    expect(rows).toMatchObject([
      { offset: 7n, timestamp_ms: -1n, value: 'not json', headers: '', id: null, note: null, key: null },
      { offset: 8n, timestamp_ms: 1n << 60n, value: null, id: null },
    ])
  })

  test('is continued by a document that declares no columns', async () => {
    const [, own] = await rowsFrom([record('x')])
    await own.write(at, 8n, [batch(8n, [record('y')])])
    expect(await own.runOnce(asGo())).toBe(true)
    expect(new Set((await own.plainRows(at.topic)).map(({ offset }) => offset))).toEqual(new Set([7n, 8n]))
  })
})

function text(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value
}
