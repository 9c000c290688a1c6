import { isPlainKey } from './member-table.ts'

const encoder = new TextEncoder()

/** `if (words equal) { p += length; break found }` for the bytes of `"key":`; nothing for a key that documents write with escapes. */
export function matchCode(key: string): string {
  if (!isPlainKey(key)) return ''
  const bytes = encoder.encode(`"${key}":`)
  const { length } = bytes
  if (length < 4) return `if (B[p] === 0x22 && B[p + 1] === 0x22 && B[p + 2] === 0x3a) { p += 3; break found }`
  const view = new DataView(bytes.buffer)
  const places = Array.from({ length: length >> 2 }, (_, i) => i * 4)
  // The last word overlaps the one before it where the length is no multiple of four.
  if (length % 4 !== 0) places.push(length - 4)
  const tests = places.map((at) => `V.getInt32(p${at === 0 ? '' : ` + ${at}`}, true) === ${view.getInt32(at, true)}`)
  return `if (${tests.join(' && ')}) { p += ${length}; break found }`
}
