/** The validity bitmap of a column that grows: slots are present unless they are marked. */
export class Validity {
  #bits = new Uint8Array(128).fill(0xff)
  nulls = 0

  markNull(i: number): void {
    const byte = i >> 3
    if (byte >= this.#bits.length) this.#grow(byte + 1)
    this.#bits[byte] &= ~(1 << (i & 7))
    this.nulls++
  }

  /** Forgets the marks of the slots `[from, to)`. */
  truncate(from: number, to: number): void {
    for (let i = from; i < to && this.nulls > 0; i++) {
      const byte = i >> 3
      if (byte >= this.#bits.length) return
      if ((this.#bits[byte] & (1 << (i & 7))) === 0) {
        this.#bits[byte] |= 1 << (i & 7)
        this.nulls--
      }
    }
  }

  /** The bitmap of `length` slots, shared; null where every one is present. */
  snapshot(length: number): Uint8Array | null {
    if (this.nulls === 0) return null
    const bytes = (length + 7) >> 3
    if (bytes > this.#bits.length) this.#grow(bytes)
    return this.#bits.subarray(0, bytes)
  }

  clear(): void {
    if (this.nulls > 0) this.#bits.fill(0xff)
    this.nulls = 0
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, this.#bits.length * 2)).fill(0xff)
    larger.set(this.#bits)
    this.#bits = larger
  }
}
