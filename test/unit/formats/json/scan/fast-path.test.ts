import { expect, test } from 'vitest'
import { BytesBuilder } from '../../../../../src/formats/arrow/builders/bytes.ts'
import { columnOf } from '../../../../../src/formats/json/column.ts'
import { JsonRecords } from '../../../../../src/formats/json/json-records.ts'
import { RescueCounts } from '../../../../../src/formats/json/rescue-counts.ts'
import { FastPath } from '../../../../../src/formats/json/scan/fast-path.ts'
import type { RecordShape } from '../../../../../src/formats/json/shape.ts'

const encoder = new TextEncoder()
const longs: RecordShape = { columns: [{ path: ['a'], shape: { kind: 'long' }, required: false }] }

test('bytes behind a document that look like white space, as five headers of a record do, do not send it the exact path', () => {
  for (const follows of ['\n', ' ', '\t\r\n ', '\n{"a":2}']) {
    for (const document of ['{"a":1}', ' {"a":1} ']) {
      const records = new JsonRecords(longs)
      const bytes = encoder.encode(document + follows + 'x'.repeat(64))

      expect(records.append(bytes, 0, document.length)).toBeNull()
      expect(records.exactRecords).toBe(0)
      expect(records.length).toBe(1)
    }
  }
})

test('a document that is cut off is none, whatever follows it', () => {
  const whole = '{"a":1,"b":{"c":"x"}}'
  for (let length = 0; length < whole.length; length++) {
    for (const follows of ['', '}'.repeat(64), ' '.repeat(64), whole.slice(length) + ' '.repeat(64)]) {
      const records = new JsonRecords(longs)
      records.append(encoder.encode(whole + follows).fill(0x7d, length, whole.length), 0, length)
      expect(new TextDecoder().decode(records.rescue.data.subarray(0, records.rescue.offsets[1]))).toBe(
        JSON.stringify({ $: whole.slice(0, length) }),
      )
    }
  }
})

test('columns of strings make room for their strings, not each of them for the rest of a large document', () => {
  const names = Array.from({ length: 20 }, (_, i) => `name${i}`)
  const records = new JsonRecords({ columns: names.map((name) => ({ path: [name], shape: { kind: 'string' }, required: false })) })
  const members = names.map((name) => [name, `text of ${name} \u00e9\n`])
  const document = encoder.encode(JSON.stringify(Object.fromEntries([...members, ['rest', 'x'.repeat(2_000_000)]])))
  records.append(document, 0, document.length)

  expect(records.exactRecords).toBe(0)
  const builders = records.columns.map(({ builder }) => builder as BytesBuilder)
  expect(builders.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThan(1_000_000)
  expect(builders.map(({ data, offsets }) => new TextDecoder().decode(data.subarray(0, offsets[1])))).toEqual(
    members.map(([, text]) => text),
  )
})

test('keys of documents that are given up do not pile up', () => {
  const counts = new RescueCounts()
  const path = new FastPath(longs, [columnOf({ kind: 'long' })], new BytesBuilder(), counts)
  const append = (text: string) => path.append(encoder.encode(text), 0, text.length)
  expect(append('{"once":1}')).toBe(true)
  expect(counts.take().paths.size).toBe(0)

  for (let i = 0; i < 3000; i++) expect(append(String.raw`{"user${i}":1,"\u0061":2}`)).toBe(false)

  // Counts are handed over when the keys that they belong to are forgotten.
  expect([...counts.take().paths]).toEqual([["$['once']", 1]])
})
