import type { Range } from './value-store.ts'

/** Gathers the range of the byte strings of a column. */
export interface RangeOfBytes {
  /** XORed to the first four bytes, big-endian, so that they compare as signed numbers. */
  readonly flip: number
  /** The first four bytes of the ends so far, flipped: a value strictly between them need not be observed. */
  readonly lowerPrefix: number
  readonly upperPrefix: number
  /** `data[start, end)`, of which `view` is one; `prefix` is its first four bytes, flipped, zeros past its end. */
  observe(data: Uint8Array, view: DataView, start: number, end: number, prefix: number): void
  range(): Range | undefined
  clear(): void
}

/** Byte strings in the order of their unsigned bytes; decimals, which are of one length, by their sign first. */
export class BytesRange implements RangeOfBytes {
  readonly flip: number
  lowerPrefix = 0x7fffffff
  upperPrefix = -0x80000000
  /** The four bytes after those. */
  #lowerNext = 0
  #upperNext = 0
  #lower = new Uint8Array(64)
  #upper = new Uint8Array(64)
  #lowerLength = -1
  #upperLength = -1

  constructor(signed: boolean) {
    this.flip = signed ? 0 : -0x80000000
  }

  observe(data: Uint8Array, view: DataView, start: number, end: number, prefix: number): void {
    const next = prefixOf(view, start + 4, end - start - 4, -0x80000000)
    const none = this.#lowerLength < 0
    if (none || prefix < this.lowerPrefix || (prefix === this.lowerPrefix && next <= this.#lowerNext)) {
      if (none || prefix < this.lowerPrefix || isLess(data, start, end, this.#lower, 0, this.#lowerLength)) {
        this.#lower = stored(this.#lower, data, start, end)
        this.#lowerLength = end - start
        this.lowerPrefix = prefix
        this.#lowerNext = next
      }
    }
    if (none || prefix > this.upperPrefix || (prefix === this.upperPrefix && next >= this.#upperNext)) {
      if (none || prefix > this.upperPrefix || isLess(this.#upper, 0, this.#upperLength, data, start, end)) {
        this.#upper = stored(this.#upper, data, start, end)
        this.#upperLength = end - start
        this.upperPrefix = prefix
        this.#upperNext = next
      }
    }
  }

  range(): Range | undefined {
    if (this.#lowerLength < 0) return undefined
    return { lower: this.#lower.slice(0, this.#lowerLength), upper: this.#upper.slice(0, this.#upperLength) }
  }

  clear(): void {
    this.lowerPrefix = 0x7fffffff
    this.upperPrefix = -0x80000000
    this.#lowerLength = -1
    this.#upperLength = -1
  }
}

/** The first four bytes of `data[start, start + length)`, big-endian and flipped, zeros past its end. */
export function prefixOf(view: DataView, start: number, length: number, flip: number): number {
  if (length >= 4) return view.getInt32(start) ^ flip
  let prefix = 0
  for (let i = 0; i < length; i++) prefix |= view.getUint8(start + i) << (24 - i * 8)
  return prefix ^ flip
}

/** Whether `a[aStart, aEnd)` sorts before `b[bStart, bEnd)` as unsigned bytes. */
function isLess(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  const length = Math.min(aEnd - aStart, bEnd - bStart)
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i] - b[bStart + i]
    if (difference !== 0) return difference < 0
  }
  return aEnd - aStart < bEnd - bStart
}

/** `data[start, end)` in `into`, or in a larger array where it does not fit. */
function stored(into: Uint8Array<ArrayBuffer>, data: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const target = end - start <= into.length ? into : new Uint8Array((end - start) * 2)
  target.set(data.subarray(start, end))
  return target
}
