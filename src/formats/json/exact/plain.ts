import type { Fit } from './fit.ts'

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The 16 bytes of a UUID (RFC 9562 section 4); null where the text is none. Exact where its letters are small ones. */
export function uuidOf(text: string): Fit<Uint8Array> | null {
  if (!uuidText.test(text)) return null
  return { value: Buffer.from(text.replaceAll('-', ''), 'hex'), isExact: text === text.toLowerCase() }
}

/** The bytes of a text in base64 (RFC 4648 section 4), padded and without stray bits; null where it is none. */
export function binaryOf(text: string): Fit<Uint8Array> | null {
  const value = Buffer.from(text, 'base64')
  return value.toString('base64') === text ? { value, isExact: true } : null
}
