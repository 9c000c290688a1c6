/** The text of a UUID version 4 (RFC 9562, 5.4) made of 16 random bytes, which are altered. */
export function uuidV4Of(random: Uint8Array): string {
  return stamp(random, 4)
}

/** The text of a UUID version 7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then what is left of 16 random bytes, which are altered. */
export function uuidV7Of(unixMs: number, random: Uint8Array): string {
  const view = new DataView(random.buffer, random.byteOffset, 16)
  view.setUint16(0, Math.floor(unixMs / 2 ** 32))
  view.setUint32(2, unixMs % 2 ** 32)
  return stamp(random, 7)
}

/** Sets version and variant and writes the 16 bytes as 8-4-4-4-12 hexadecimal digits. */
function stamp(bytes: Uint8Array, version: number): string {
  bytes[6] = (bytes[6] & 0x0f) | (version << 4)
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** The low 63 bits of 8 bytes as a positive int64: never 0, which many readers take for "no snapshot". */
export function positiveInt64Of(random: Uint8Array): bigint {
  const value = new DataView(random.buffer, random.byteOffset, 8).getBigUint64(0) & 0x7fff_ffff_ffff_ffffn
  return value === 0n ? 1n : value
}
