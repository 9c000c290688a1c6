/** The fewest bytes that hold a two's-complement integer, big-endian: how decimals are hashed and how their bounds are written. */
export function minimalBigEndian(value: bigint): Uint8Array {
  const magnitude = value < 0n ? ~value : value
  // One bit more than the magnitude's, for the sign.
  return bigEndian(value, Math.floor(bitLength(magnitude) / 8) + 1)
}

/** A two's-complement integer in `size` bytes, big-endian. @throws RangeError where it needs more. */
export function bigEndian(value: bigint, size: number): Uint8Array {
  if (BigInt.asIntN(size * 8, value) !== value) throw new RangeError(`${value} does not fit ${size} bytes`)
  const bytes = new Uint8Array(size)
  let rest = value
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The integer of two's-complement big-endian bytes; no bytes are 0. */
export function fromBigEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(bytes.length * 8, value)
}

/** Bytes that hold every decimal of a precision: what Avro's and Parquet's fixed decimals take. */
export function decimalByteWidth(precision: number): number {
  return minimalBigEndian(10n ** BigInt(precision) - 1n).length
}

function bitLength(magnitude: bigint): number {
  return magnitude === 0n ? 0 : magnitude.toString(2).length
}
