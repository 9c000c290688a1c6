/*
 * Small compressors, so that tests can make streams of their own: greedy, with a table of the last place of each four bytes.
 */

interface Sequence {
  readonly literals: Uint8Array
  /** 0: no match follows, this is the end. */
  readonly distance: number
  readonly length: number
}

function sequences(bytes: Uint8Array, maxDistance: number): Sequence[] {
  const found: Sequence[] = []
  const last = new Map<number, number>()
  let literalStart = 0
  let i = 0
  while (i + 4 <= bytes.length) {
    const word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
    const candidate = last.get(word)
    last.set(word, i)
    if (candidate === undefined || i - candidate > maxDistance) {
      i++
      continue
    }
    let length = 4
    while (i + length < bytes.length && bytes[candidate + length] === bytes[i + length]) length++
    found.push({ literals: bytes.subarray(literalStart, i), distance: i - candidate, length })
    i += length
    literalStart = i
  }
  found.push({ literals: bytes.subarray(literalStart), distance: 0, length: 0 })
  return found
}

/** One LZ4 block. */
export function lz4Block(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  const more = (length: number): void => {
    for (let rest = length - 15; rest >= 0; rest -= 255) out.push(Math.min(rest, 255))
  }
  for (const { literals, distance, length } of sequences(bytes, 65535)) {
    const match = distance === 0 ? 0 : length - 4
    out.push((Math.min(literals.length, 15) << 4) | Math.min(match, 15))
    more(literals.length)
    for (const byte of literals) out.push(byte)
    if (distance === 0) continue
    out.push(distance & 0xff, distance >>> 8)
    more(match)
  }
  return Uint8Array.from(out)
}

/** An LZ4 frame of independent compressed blocks of 64 KiB at most, without checksums and content size. */
export function lz4Frame(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82)]
  for (let start = 0; start < bytes.length; start += 65536) {
    const block = lz4Block(bytes.subarray(start, start + 65536))
    parts.push(uint32(block.length, 'little'), block)
  }
  return Buffer.concat([...parts, uint32(0, 'little')])
}

/** Raw snappy, with copies of one, two and four bytes of offset. */
export function snappyRaw(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  let rest = bytes.length
  for (; rest >= 0x80; rest >>>= 7) out.push((rest & 0x7f) | 0x80)
  out.push(rest)
  for (const { literals, distance, length } of sequences(bytes, 200_000)) {
    if (literals.length > 0) {
      const n = literals.length - 1
      if (n < 60) out.push(n << 2)
      else if (n < 256) out.push(60 << 2, n)
      else out.push(62 << 2, n & 0xff, (n >>> 8) & 0xff, n >>> 16)
      for (const byte of literals) out.push(byte)
    }
    for (let left = length; left > 0;) {
      const n = Math.min(left, 64)
      if (n >= 4 && n <= 11 && distance < 2048) out.push(1 | ((n - 4) << 2) | ((distance >>> 8) << 5), distance & 0xff)
      else if (distance < 65536) out.push(2 | ((n - 1) << 2), distance & 0xff, distance >>> 8)
      else out.push(3 | ((n - 1) << 2), distance & 0xff, (distance >>> 8) & 0xff, distance >>> 16, 0)
      left -= n
    }
  }
  return Uint8Array.from(out)
}

export const xerialHeader = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)

/** Snappy in snappy-java's framing, in chunks of 32 KiB of input. */
export function snappyXerial(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [xerialHeader]
  for (let start = 0; start < bytes.length; start += 32768) {
    const raw = snappyRaw(bytes.subarray(start, start + 32768))
    parts.push(uint32(raw.length, 'big'), raw)
  }
  return Buffer.concat(parts)
}

export function uint32(value: number, order: 'big' | 'little'): Uint8Array {
  const bytes = Buffer.alloc(4)
  if (order === 'big') bytes.writeUInt32BE(value)
  else bytes.writeUInt32LE(value)
  return bytes
}
