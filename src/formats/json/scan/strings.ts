import type { BytesBuilder } from '../../arrow/builders/bytes.ts'
import { giveUp, type Source } from './source.ts'
import { bytesBefore, specialIn } from './words.ts'

/** What stands for the character after a backslash; 0 where JSON knows no such escape. */
const escapes = new Uint8Array(256)
for (const [letter, meaning] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'])
  escapes[letter.charCodeAt(0)] = meaning.charCodeAt(0)

/** Room for the rest of a document of this size is made at once. In a longer one each string is measured first: it may be one of many columns'. */
const longRest = 16_384

/** Reads a string into the next slot of a column. `p`: at the value. Gives up where it is no string, or holds a lone surrogate. */
export function readString(source: Source, column: BytesBuilder, p: number): number {
  const { bytes, view, end } = source
  if (bytes[p++] !== 0x22) return giveUp
  const after = end - p > longRest ? source.skipString(p) : end
  if (after < 0) return giveUp
  let to = column.reserve(after - p)
  const { data, view: out } = column
  let high = 0
  while (p < end) {
    const word = view.getInt32(p, true)
    out.setInt32(to, word, true)
    high |= word
    const special = specialIn(word)
    if (special === 0) {
      p += 4
      to += 4
      continue
    }
    const plain = bytesBefore(special)
    p += plain
    to += plain
    const byte = bytes[p]
    if (byte === 0x22) {
      source.high |= high
      column.push(to)
      return p + 1
    }
    if (byte !== 0x5c) return giveUp
    const letter = bytes[p + 1]
    const meaning = escapes[letter]
    if (meaning !== 0) {
      data[to++] = meaning
      p += 2
    } else if (letter === 0x75) {
      let code = source.hex(p + 2)
      if (code < 0) return giveUp
      p += 6
      if (code >= 0xd800 && code <= 0xdfff) {
        const low = bytes[p] === 0x5c && bytes[p + 1] === 0x75 ? source.hex(p + 2) : giveUp
        if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) return giveUp
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        p += 6
      }
      to = encode(data, to, code)
    } else return giveUp
  }
  return giveUp
}

/** Writes a code point in UTF-8 and returns where it ends. */
function encode(data: Uint8Array, to: number, code: number): number {
  if (code < 0x80) {
    data[to] = code
    return to + 1
  }
  if (code < 0x800) {
    data[to] = 0xc0 | (code >> 6)
    data[to + 1] = 0x80 | (code & 0x3f)
    return to + 2
  }
  if (code < 0x10000) {
    data[to] = 0xe0 | (code >> 12)
    data[to + 1] = 0x80 | ((code >> 6) & 0x3f)
    data[to + 2] = 0x80 | (code & 0x3f)
    return to + 3
  }
  data[to] = 0xf0 | (code >> 18)
  data[to + 1] = 0x80 | ((code >> 12) & 0x3f)
  data[to + 2] = 0x80 | ((code >> 6) & 0x3f)
  data[to + 3] = 0x80 | (code & 0x3f)
  return to + 4
}
