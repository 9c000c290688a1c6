/**
 * Thrift's compact protocol (thrift-compact-protocol.md), as generic values: enough to read a Parquet footer, change some of its
 * fields and write all others back as they were, those that this program has never heard of included.
 */
export type ThriftValue =
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'i8' | 'i16' | 'i32' | 'i64'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: Uint8Array }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'list' | 'set'; readonly elementType: number; readonly value: readonly ThriftValue[] }
  | ThriftStruct

/** Fields by id; a Map keeps them in the order they were read or set. */
export interface ThriftStruct {
  readonly type: 'struct'
  readonly fields: ReadonlyMap<number, ThriftValue>
}

const codes = { true: 1, false: 2, i8: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8, list: 9, set: 10, struct: 12 } as const
const maxDepth = 32

/** Reads one struct from the start of `bytes`. Throws a RangeError where they end too early or are no compact struct. */
export function readThriftStruct(bytes: Uint8Array): ThriftStruct {
  const cursor = { bytes, at: 0 }
  return readStruct(cursor, 0)
}

/** The bytes of a struct. Fields are written in ascending id order, as the short form of field headers wants it. */
export function writeThriftStruct(struct: ThriftStruct): Uint8Array {
  const out: number[] = []
  writeStruct(out, struct)
  return Uint8Array.from(out)
}

export const thrift = {
  i32: (value: number): ThriftValue => ({ type: 'i32', value: BigInt(value) }),
  i64: (value: bigint): ThriftValue => ({ type: 'i64', value }),
  text: (value: string): ThriftValue => ({ type: 'binary', value: new TextEncoder().encode(value) }),
  structs: (value: readonly ThriftStruct[]): ThriftValue => ({ type: 'list', elementType: codes.struct, value }),
  struct: (fields: Iterable<readonly [number, ThriftValue]>): ThriftStruct => ({ type: 'struct', fields: new Map(fields) }),
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function readByte(cursor: Cursor): number {
  if (cursor.at >= cursor.bytes.length) throw new RangeError(`thrift: the bytes end at ${cursor.at}`)
  return cursor.bytes[cursor.at++]
}

function readVarint(cursor: Cursor): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = readByte(cursor)
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  throw new RangeError(`thrift: a varint is longer than 10 bytes at ${cursor.at}`)
}

function readZigzag(cursor: Cursor): bigint {
  const raw = readVarint(cursor)
  return (raw >> 1n) ^ -(raw & 1n)
}

function readBytes(cursor: Cursor, length: number): Uint8Array {
  if (length > cursor.bytes.length - cursor.at) throw new RangeError(`thrift: ${length} bytes announced at ${cursor.at}, fewer are there`)
  return cursor.bytes.subarray(cursor.at, (cursor.at += length))
}

function readStruct(cursor: Cursor, depth: number): ThriftStruct {
  const fields = new Map<number, ThriftValue>()
  for (let id = 0; ;) {
    const header = readByte(cursor)
    if (header === 0) return { type: 'struct', fields }
    const delta = header >> 4
    id = delta === 0 ? Number(readZigzag(cursor)) : id + delta
    const code = header & 0x0f
    if (code === codes.true || code === codes.false) fields.set(id, { type: 'bool', value: code === codes.true })
    else fields.set(id, readValue(cursor, code, depth))
  }
}

function readValue(cursor: Cursor, code: number, depth: number): ThriftValue {
  if (depth > maxDepth) throw new RangeError(`thrift: nested deeper than ${maxDepth} at ${cursor.at}`)
  switch (code) {
    case codes.true:
    case codes.false:
      return { type: 'bool', value: readByte(cursor) === codes.true }
    case codes.i8:
      return { type: 'i8', value: BigInt.asIntN(8, BigInt(readByte(cursor))) }
    case codes.i16:
      return { type: 'i16', value: readZigzag(cursor) }
    case codes.i32:
      return { type: 'i32', value: readZigzag(cursor) }
    case codes.i64:
      return { type: 'i64', value: readZigzag(cursor) }
    case codes.double:
      return { type: 'double', value: readBytes(cursor, 8) }
    case codes.binary:
      return { type: 'binary', value: readBytes(cursor, Number(readVarint(cursor))) }
    case codes.list:
    case codes.set: {
      const header = readByte(cursor)
      const size = header >> 4 === 15 ? Number(readVarint(cursor)) : header >> 4
      if (size > cursor.bytes.length - cursor.at) throw new RangeError(`thrift: a list of ${size} at ${cursor.at} is longer than its bytes`)
      const elementType = header & 0x0f
      const value = Array.from({ length: size }, () => readValue(cursor, elementType, depth + 1))
      return { type: code === codes.list ? 'list' : 'set', elementType, value }
    }
    case codes.struct:
      return readStruct(cursor, depth + 1)
    default:
      throw new RangeError(`thrift: type ${code} at ${cursor.at} does not occur in Parquet footers`)
  }
}

function writeVarint(out: number[], value: bigint): void {
  let rest = BigInt.asUintN(64, value)
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
}

function writeZigzag(out: number[], value: bigint): void {
  writeVarint(out, (value << 1n) ^ (value >> 63n))
}

function writeStruct(out: number[], struct: ThriftStruct): void {
  let last = 0
  for (const [id, value] of [...struct.fields].sort((a, b) => a[0] - b[0])) {
    const code = value.type === 'bool' ? (value.value ? codes.true : codes.false) : codes[value.type]
    const delta = id - last
    if (delta > 0 && delta <= 15) out.push((delta << 4) | code)
    else {
      out.push(code)
      writeZigzag(out, BigInt(id))
    }
    if (value.type !== 'bool') writeValue(out, value)
    last = id
  }
  out.push(0)
}

function writeValue(out: number[], value: ThriftValue): void {
  switch (value.type) {
    case 'bool':
      out.push(value.value ? codes.true : codes.false)
      return
    case 'i8':
      out.push(Number(BigInt.asUintN(8, value.value)))
      return
    case 'i16':
    case 'i32':
    case 'i64':
      writeZigzag(out, value.value)
      return
    case 'double':
      for (const byte of value.value) out.push(byte)
      return
    case 'binary':
      writeVarint(out, BigInt(value.value.length))
      for (const byte of value.value) out.push(byte)
      return
    case 'list':
    case 'set':
      if (value.value.length < 15) out.push((value.value.length << 4) | value.elementType)
      else {
        out.push(0xf0 | value.elementType)
        writeVarint(out, BigInt(value.value.length))
      }
      for (const element of value.value) writeValue(out, element)
      return
    case 'struct':
      writeStruct(out, value)
  }
}
