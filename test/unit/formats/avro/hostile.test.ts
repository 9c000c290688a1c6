import { deflateRawSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readContainer } from '../../../../src/formats/avro/container-reader.ts'
import { writeContainer } from '../../../../src/formats/avro/container-writer.ts'
import { AvroError } from '../../../../src/formats/avro/schema.ts'
import type { AvroRecord } from '../../../../src/formats/avro/schema.ts'

const syncMarker = new Uint8Array(16).fill(7)
const schema: AvroRecord = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'path', type: { type: 'string' } },
    { name: 'sizes', type: { type: 'array', items: { type: 'long' } } },
    { name: 'key', type: { type: 'union', branches: [{ type: 'null' }, { type: 'bytes' }] } },
  ],
}
const sound = writeContainer({
  schema,
  metadata: {},
  records: Array.from({ length: 20 }, (_, i) => [`s3://bucket/${i}`, [1n, 2n ** 60n], i % 2 ? null : Uint8Array.of(i)]),
  syncMarker,
})

/** A file whose one block holds `data`, announced as `count` records. */
function file(json: string, count: readonly number[], data: Uint8Array): Uint8Array {
  const stored = deflateRawSync(data)
  const text = (value: string): number[] => [...varint(Buffer.byteLength(value)), ...Buffer.from(value)]
  const header = [
    0x4f,
    0x62,
    0x6a,
    1,
    4,
    ...text('avro.schema'),
    ...text(json),
    ...text('avro.codec'),
    ...text('deflate'),
    0,
    ...syncMarker,
  ]
  return Buffer.concat([Uint8Array.from([...header, ...count, ...varint(stored.length)]), stored, syncMarker])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value * 2; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}

/** What `action` throws, undefined where it throws nothing. */
function failureOf(action: () => unknown): unknown {
  try {
    action()
    return undefined
  } catch (error) {
    return error
  }
}

test('a file that is cut off anywhere but between blocks is an error that names a place', () => {
  const headerLength = sound.findIndex((_, i) => sound.subarray(i, i + 16).every((byte) => byte === 7)) + 16
  expect(readContainer(sound.subarray(0, headerLength)).records).toEqual([])
  for (let length = 0; length < sound.length; length++) {
    if (length === headerLength) continue
    const failure = failureOf(() => readContainer(sound.subarray(0, length)))
    expect(failure).toBeInstanceOf(AvroError)
    expect((failure as Error).message).toMatch(/byte \d+/)
  }
})

test('changed bytes are read or refused, never a crash', () => {
  const change = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  const failures: unknown[] = []
  fc.assert(
    fc.property(change, (changes) => {
      const bytes = sound.slice()
      for (const [at, value] of changes) bytes[at] = value
      failures.push(failureOf(() => readContainer(bytes, 1 << 20)))
    }),
    { numRuns: 500 },
  )
  const refused = failures.filter((failure) => failure !== undefined)
  expect(refused.length).toBeGreaterThan(100)
  expect(refused.filter((failure) => !(failure instanceof AvroError))).toEqual([])
})

test('random bytes inside a block are read or refused, never a crash', () => {
  const any = JSON.stringify({ ...schema, fields: [{ name: 'a', type: ['null', { type: 'array', items: 'string' }, 'double'] }] })
  const failures: unknown[] = []
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(20), (data, count) => {
      failures.push(failureOf(() => readContainer(file(any, varint(count), data))))
    }),
  )
  const refused = failures.filter((failure) => failure !== undefined)
  expect(refused.length).toBeGreaterThan(50)
  expect(refused.filter((failure) => !(failure instanceof AvroError))).toEqual([])
})

test('bytes that are no container are refused at byte 0', () => {
  expect(() => readContainer(new Uint8Array())).toThrow(/byte 0: expected an object container file/)
  expect(() => readContainer(Buffer.from('PAR1 and more'))).toThrow(/byte 0: expected an object container file/)
})

test('a block that inflates past the bound is refused', () => {
  const bomb = file('"bytes"', [2], new Uint8Array(4 << 20))
  expect(bomb.length).toBeLessThan(10_000)
  expect(() => readContainer(bomb, 1 << 20)).toThrow(/block 0 \(at byte \d+\): can not be decompressed within 1048576 bytes/)
})

test('a count of records beyond the bytes is refused before any is read', () => {
  expect(() => readContainer(file('"null"', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Uint8Array.of(0)))).toThrow(
    /at most 1 records/,
  )
  expect(() => readContainer(file('"long"', [1], Uint8Array.of(0)))).toThrow(/found -1/)
})

test('an array of values that take no bytes can not be endless', () => {
  const data = Uint8Array.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0x1f, 0])
  expect(() => readContainer(file('{"type":"array","items":"null"}', [2], data))).toThrow(/at most \d+ items/)
})

test('a schema that multiplies values out of nothing is refused', () => {
  let type: unknown = { type: 'record', name: 'r0', fields: Array.from({ length: 50 }, (_, i) => ({ name: `f${i}`, type: 'null' })) }
  for (let depth = 1; depth < 8; depth++) {
    const copies = Array.from({ length: 49 }, (_, i) => ({ name: `b${i}`, type: `r${depth - 1}` }))
    type = { type: 'record', name: `r${depth}`, fields: [{ name: 'a', type }, ...copies] }
  }
  expect(() => readContainer(file(JSON.stringify(type), [2], Uint8Array.of(0)))).toThrow(/far more values than there are bytes/)
})

test('a schema that contains itself ends at a depth', () => {
  const itself = { type: 'record', name: 'a', fields: [{ name: 'a', type: 'a' }] }
  expect(() => readContainer(file(JSON.stringify(itself), [2], Uint8Array.of(0)))).toThrow(/nested deeper/)
})

test('a codec that is not known is named', () => {
  const bytes = Buffer.from(sound)
  bytes.write('snappyx', bytes.indexOf('deflate'))
  expect(() => readContainer(bytes)).toThrow(/codec "snappyx" is not one of null, deflate, zstandard/)
})

test('a wrong sync marker after a block is refused', () => {
  const bytes = sound.slice()
  bytes[bytes.length - 1] ^= 1
  expect(() => readContainer(bytes)).toThrow(/block 0 does not end in the file's sync marker/)
})

test('a varint beyond 64 bits is refused', () => {
  const tooLong = Uint8Array.from([...Array.from({ length: 9 }, () => 0xff), 0x02])
  expect(() => readContainer(file('"long"', [2], tooLong))).toThrow(/block 0 .* byte 10: expected a 64-bit integer/)
  const largest = Uint8Array.from([0xfe, ...Array.from({ length: 8 }, () => 0xff), 0x01])
  expect(readContainer(file('"long"', [2], largest)).records).toEqual([2n ** 63n - 1n])
})

test('text that is not UTF-8 is refused', () => {
  expect(() => readContainer(file('"string"', [2], Uint8Array.of(2, 0xff)))).toThrow(/expected UTF-8 text/)
})
