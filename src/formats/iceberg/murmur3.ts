/** MurmurHash3, x86 variant, 32 bits, seed 0 (table specification, appendix B), of `bytes[start, end)`. The result is a signed 32-bit integer. */
export function murmur3(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start
  const whole = start + (length & ~3)
  let hash = 0
  for (let i = start; i < whole; i += 4) {
    hash ^= scramble(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24))
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe654_6b64) | 0
  }
  let tail = 0
  for (let i = end - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]
  hash ^= scramble(tail)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e_2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b87_3593)
}
