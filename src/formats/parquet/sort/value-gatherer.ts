import type { FixedVector } from '../../arrow/vector.ts'
import type { Picked, StoredVector } from '../encode/value-store.ts'

type Numbers = FixedVector['values']
type NumbersClass = new (length: number) => Numbers

const present = { nullCount: 0, validity: null } as const

/** Copies values of many vectors into one, in the order in which they come. */
export class ValueGatherer {
  #layout: StoredVector['layout'] | null = null
  #length = 0
  #numbers: Numbers = new Int32Array(0)
  /** Of byte strings, or of one boolean each. */
  #bytes = new Uint8Array(0)
  #byteCount = 0
  #ends = new Int32Array(0)
  #width = 0

  /** Values so far. */
  get length(): number {
    return this.#length
  }

  /** Memory that is taken. */
  get byteLength(): number {
    return this.#numbers.byteLength + this.#bytes.length + this.#ends.byteLength
  }

  /** @throws RangeError where byte strings come to 2 GiB. */
  add(vector: StoredVector, { slots, first }: Picked, count: number): void {
    if (count === 0) return
    this.#layout = vector.layout === 'plain-bytes' ? 'bytes' : vector.layout
    const slotAt = (i: number) => (slots === null ? first + i : slots[i])
    switch (vector.layout) {
      case 'fixed':
      case 'plain-decimals':
        this.#addNumbers(vector.values, slots, first, count)
        break
      case 'decimal':
        this.#addPairs(vector.values, slotAt, count)
        break
      case 'boolean':
        this.#reserve(this.#length + count)
        for (let i = 0; i < count; i++) this.#bytes[this.#length + i] = (vector.values[slotAt(i) >> 3] >> (slotAt(i) & 7)) & 1
        break
      case 'fixed-bytes': {
        const { width, data } = vector
        this.#width = width
        this.#reserve(this.#byteCount + count * width)
        if (slots === null) this.#append(data, first * width, (first + count) * width)
        else for (let i = 0; i < count; i++) this.#append(data, slots[i] * width, (slots[i] + 1) * width)
        break
      }
      case 'bytes':
      case 'plain-bytes': {
        const { offsets, data } = vector
        const gap = vector.layout === 'bytes' ? 0 : 4
        let bytes = 0
        for (let i = 0; i < count; i++) bytes += offsets[slotAt(i) + 1] - gap - offsets[slotAt(i)]
        this.#reserve(this.#byteCount + bytes)
        this.#reserveEnds(this.#length + count)
        for (let i = 0; i < count; i++) {
          const slot = slotAt(i)
          this.#append(data, offsets[slot], offsets[slot + 1] - gap)
          this.#ends[this.#length + i] = this.#byteCount
        }
        break
      }
      case 'list':
      case 'map':
      case 'struct':
        throw new TypeError(`values of layout ${vector.layout} are none of a leaf`)
    }
    this.#length += count
  }

  /** Null where there was none. The gatherer is of no use afterwards. */
  finish(): StoredVector | null {
    const length = this.#length
    switch (this.#layout) {
      case null:
      case 'list':
      case 'map':
      case 'struct':
      case 'plain-bytes':
        return null
      case 'fixed':
        return { layout: 'fixed', length, ...present, values: this.#numbers }
      case 'plain-decimals':
        return { layout: 'plain-decimals', length, ...present, values: this.#numbers as Int32Array | BigInt64Array }
      case 'decimal':
        return { layout: 'decimal', length, ...present, values: (this.#numbers as BigInt64Array).subarray(0, 2 * length) }
      case 'fixed-bytes':
        return { layout: 'fixed-bytes', length, ...present, width: this.#width, data: this.#bytes }
      case 'bytes': {
        const offsets = new Int32Array(length + 1)
        offsets.set(this.#ends.subarray(0, length), 1)
        return { layout: 'bytes', length, ...present, offsets, data: this.#bytes }
      }
      case 'boolean': {
        const values = new Uint8Array((length + 7) >> 3)
        for (let i = 0; i < length; i++) values[i >> 3] |= this.#bytes[i] << (i & 7)
        return { layout: 'boolean', length, ...present, values }
      }
    }
  }

  #addNumbers(values: Numbers, slots: Int32Array | null, first: number, count: number): void {
    const at = this.#length
    this.#reserveNumbers(values, at, at + count)
    if (slots === null) this.#numbers.set(values.subarray(first, first + count) as never, at)
    else for (let i = 0; i < count; i++) this.#numbers[at + i] = values[slots[i]]
  }

  #addPairs(values: BigInt64Array, slotAt: (i: number) => number, count: number): void {
    const at = 2 * this.#length
    this.#reserveNumbers(values, at, at + 2 * count)
    for (let i = 0; i < count; i++) {
      const slot = slotAt(i)
      this.#numbers[at + 2 * i] = values[2 * slot]
      this.#numbers[at + 2 * i + 1] = values[2 * slot + 1]
    }
  }

  /** Room for `needed` numbers of the class of `values`, of which the first `used` are kept. */
  #reserveNumbers(values: Numbers, used: number, needed: number): void {
    if (used > 0 && needed <= this.#numbers.length) return
    const larger = new (values.constructor as NumbersClass)(grown(needed, used))
    if (used > 0) larger.set(this.#numbers.subarray(0, used) as never)
    this.#numbers = larger
  }

  #append(data: Uint8Array, start: number, end: number): void {
    const bytes = this.#bytes
    // For short strings a call takes longer than their bytes.
    if (end - start <= 24) for (let i = start, at = this.#byteCount; i < end; i++, at++) bytes[at] = data[i]
    else bytes.set(data.subarray(start, end), this.#byteCount)
    this.#byteCount += end - start
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return
    if (bytes >= 2 ** 31) throw new RangeError('the values of a column that are to be sorted at once come to 2 GiB')
    const larger = new Uint8Array(Math.min(2 ** 31 - 1, grown(bytes, this.#bytes.length)))
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  #reserveEnds(ends: number): void {
    if (ends <= this.#ends.length) return
    const larger = new Int32Array(grown(ends, this.#ends.length))
    larger.set(this.#ends)
    this.#ends = larger
  }
}

/** Half as much again as there was: what is never used is memory all the same. What is gathered at once gets no more than it needs. */
function grown(needed: number, used: number): number {
  return Math.max(needed, Math.ceil(used * 1.5))
}
