import { mark } from './marks.ts'

/** Up to here it takes longer to call the decoder than to put the text together. */
const shortText = 16

/** The text of `bytes[start, end)`, which is UTF-8. */
export function utf8Text(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > shortText) return decode(bytes, start, end)
  let text = ''
  for (let i = start; i < end; i++) {
    if (bytes[i] >= 0x80) return decode(bytes, start, end)
    text += String.fromCharCode(bytes[i])
  }
  return text
}

/** What the JSON string `bytes[start, end)` says, its quotes included in the span. It may have lone surrogates, which JSON allows escaped. */
export function textOfString(bytes: Uint8Array, start: number, end: number): string {
  if (!hasEscape(bytes, start, end)) return utf8Text(bytes, start + 1, end - 1)
  return JSON.parse(utf8Text(bytes, start, end)) as string
}

/** What a JSON string says, in UTF-8; null where a lone surrogate stands in it. Shares `bytes` where it can. */
export function bytesOfString(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  if (!hasEscape(bytes, start, end)) return bytes.subarray(start + 1, end - 1)
  const text = textOfString(bytes, start, end)
  return text.isWellFormed() ? Buffer.from(text) : null
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}

function hasEscape(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === mark.backslash) return true
  return false
}
