import { isUtf8 } from '../../formats/bytes/utf8.ts'
import { isJson as isJsonText, spaceEnd } from '../../formats/json/exact/syntax.ts'

const openBrace = 0x7b

/** Where the object of a value begins that is one JSON object (RFC 8259, in UTF-8, without a byte order mark); −1 of any other value. */
export function objectStart(value: Uint8Array): number {
  const start = spaceEnd(value, 0, value.length)
  const isObject = value[start] === openBrace && isUtf8(value, 0, value.length) && isJsonText(value, 0, value.length)
  return isObject ? start : -1
}

/** Whether at least nine in ten of the values are JSON objects; none at all: no. Tombstones are no values, and do not belong here. */
export function isJson(values: Iterable<Uint8Array>): boolean {
  let count = 0
  let objects = 0
  for (const value of values) {
    count++
    if (objectStart(value) >= 0) objects++
  }
  return count > 0 && objects * 10 >= count * 9
}
