import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  readThriftStruct,
  thrift,
  type ThriftStruct,
  type ThriftValue,
  writeThriftStruct,
} from '../../../../src/formats/parquet/thrift-compact.ts'

const bits = { i8: 7n, i16: 15n, i32: 31n, i64: 63n }
const integer = fc
  .constantFrom('i8', 'i16', 'i32', 'i64')
  .chain((type) => fc.bigInt({ min: -(2n ** bits[type]), max: 2n ** bits[type] - 1n }).map((value): ThriftValue => ({ type, value })))
const leaf = fc.oneof(
  integer,
  fc.boolean().map((value): ThriftValue => ({ type: 'bool', value })),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value): ThriftValue => ({ type: 'double', value })),
  fc.uint8Array({ maxLength: 200 }).map((value): ThriftValue => ({ type: 'binary', value })),
)
const { struct } = fc.letrec<{ struct: ThriftStruct; value: ThriftValue }>((tie) => ({
  struct: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 300 }), tie('value')), { maxLength: 5, selector: ([id]) => id })
    .map((fields): ThriftStruct => ({ type: 'struct', fields: new Map(fields.sort((a, b) => a[0] - b[0])) })),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('struct'),
    fc
      .array(fc.bigInt({ min: -100n, max: 100n }), { maxLength: 20 })
      .map((list): ThriftValue => ({ type: 'list', elementType: 6, value: list.map((value) => ({ type: 'i64', value })) })),
    fc.array(tie('struct'), { maxLength: 3 }).map((value): ThriftValue => ({ type: 'set', elementType: 12, value })),
  ),
}))

test('every struct comes back as it was', () => {
  fc.assert(
    fc.property(struct, (value) => {
      expect(readThriftStruct(writeThriftStruct(value))).toEqual(value)
    }),
  )
})

test('the bytes are those of the compact protocol', () => {
  const value = thrift.struct([
    [1, thrift.i32(-1)],
    [3, { type: 'bool', value: true }],
    [20, thrift.text('ab')],
  ])
  expect([...writeThriftStruct(value)]).toEqual([0x15, 0x01, 0x21, 0x08, 0x28, 0x02, 0x61, 0x62, 0x00])
})

describe('hostile bytes', () => {
  test('end in a RangeError or in a struct, and never in anything else', () => {
    const near = struct
      .map((value) => writeThriftStruct(value))
      .chain((bytes) => fc.tuple(fc.constant(bytes), fc.nat(Math.max(0, bytes.length - 1)), fc.nat(255)))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          near.map(([bytes, at, byte]) => bytes.with(at, byte)),
        ),
        (bytes) => {
          try {
            expect(readThriftStruct(bytes).type).toBe('struct')
          } catch (error) {
            expect((error as Error).name).toBe('RangeError')
            expect((error as Error).message).toMatch(/^thrift: /)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['nothing', [], 'thrift: the bytes end at 0'],
    ['a struct that does not end', [0x15, 0x02], 'thrift: the bytes end at 2'],
    ['more bytes than there are', [0x18, 0x7f, 0x00], 'thrift: 127 bytes announced at 2, fewer are there'],
    ['a longer list than its bytes', [0x19, 0xfc, 0xff, 0xff, 0x03, 0x00], 'thrift: a list of 65535 at 5 is longer than its bytes'],
    ['a map', [0x1b, 0x00, 0x00], 'thrift: type 11 at 1 does not occur in Parquet footers'],
    ['a varint without end', [0x15, ...Array<number>(12).fill(0xff)], 'thrift: a varint is longer than 10 bytes at 11'],
    ['structs in structs in structs', Array<number>(100).fill(0x1c), 'thrift: nested deeper than 32 at 34'],
    ['lists in lists in lists', Array<number>(100_000).fill(0x19), 'thrift: nested deeper than 32 at 34'],
  ])('%s', (_what, bytes, message) => {
    expect(() => readThriftStruct(Uint8Array.from(bytes))).toThrow(new RangeError(message))
  })
})
