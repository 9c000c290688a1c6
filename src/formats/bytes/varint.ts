/** Where a reader stands after a varint that was cut off or too long: past the end of any input, so that no check can pass. */
const failed = 0x7fffffff

/**
 * Reads zigzag varints as Kafka's record format has them (Protocol Buffers encoding, groups of 7 bits, lowest first).
 *
 * There are no exceptions on this path. A varint that `end` cuts off, or that says more than its type holds, reads as 0 and
 * leaves `position` beyond every end; whoever compares `position` with an end, as the grammar asks anyway, finds out.
 */
export class VarintReader {
  readonly bytes: Uint8Array
  position: number
  /** Reading stops here, exclusive; at most `bytes.length`. */
  end: number
  /** The low 32 bits of the last `readLong`, signed. */
  low = 0
  /** The high 32 bits of the last `readLong`, signed. */
  high = 0

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  /** An int32 in at most 5 bytes. */
  readInt(): number {
    const position = this.position
    if (position < this.end) {
      const byte = this.bytes[position]
      if (byte < 0x80) {
        this.position = position + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
    }
    return this.#readLongInt()
  }

  /** An int64 in at most 10 bytes, into `low` and `high`. */
  readLong(): void {
    let low = 0
    let position = this.position
    for (let shift = 0; shift < 28; shift += 7) {
      if (position >= this.end) return this.#fail()
      const byte = this.bytes[position++]
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.position = position
        const sign = -(low & 1)
        this.low = (low >>> 1) ^ sign
        this.high = sign
        return
      }
    }
    this.#readHighHalf(low, position)
  }

  #readLongInt(): number {
    let value = 0
    let position = this.position
    for (let shift = 0; shift < 35; shift += 7) {
      if (position >= this.end) break
      const byte = this.bytes[position++]
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break
        this.position = position
        return (value >>> 1) ^ -(value & 1)
      }
    }
    this.#fail()
    return 0
  }

  /** Goes on after four groups: 28 bits are in `low`; the fifth group lies across the two halves. */
  #readHighHalf(low: number, position: number): void {
    let high = 0
    for (let shift = 28; shift < 70; shift += 7) {
      if (position >= this.end) break
      const byte = this.bytes[position++]
      if (shift === 28) {
        low |= (byte & 0x0f) << 28
        high = (byte & 0x7f) >>> 4
      } else high |= (byte & 0x7f) << (shift - 32)
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break
        this.position = position
        const sign = -(low & 1)
        this.low = ((low >>> 1) | (high << 31)) ^ sign
        this.high = (high >>> 1) ^ sign
        return
      }
    }
    this.#fail()
  }

  #fail(): void {
    this.position = failed
    this.low = 0
    this.high = 0
  }
}

/** Appends `value` as a zigzag varint to `out`: at most 5 bytes of an int32, 10 of an int64. */
export function pushVarint(out: number[], value: number | bigint): void {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  out.push(Number(rest))
}
