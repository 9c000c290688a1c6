import { dataViewOf } from '../bytes/data-view.ts'
import { AvroError } from './schema.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes being read in Avro's binary encoding (Avro specification 1.12, "Binary Encoding"). All errors name the position. */
export class ByteSource {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #name: string
  #at = 0

  /** `name` says in messages what the bytes are, such as `block 3 (at byte 1234)`; empty for the file itself. */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes
    this.#view = dataViewOf(bytes)
    this.#name = name
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  fail(message: string): never {
    throw new AvroError(`avro: ${this.#name}${this.#name === '' ? '' : ', '}byte ${this.#at}: ${message}`)
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) this.fail('the bytes end in the middle of a value')
    return this.#bytes[this.#at++]
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    if (length > this.remaining) this.fail(`expected ${length} bytes, ${this.remaining} are left`)
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  long(): bigint {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1))
    }
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (value >> 64n !== 0n) break
      return (value >> 1n) ^ -(value & 1n)
    }
    return this.fail('expected a 64-bit integer, found a longer one')
  }

  int(): number {
    const value = this.long()
    if (BigInt.asIntN(32, value) !== value) this.fail(`expected a 32-bit integer, found ${value}`)
    return Number(value)
  }

  float(): number {
    this.raw(4)
    return this.#view.getFloat32(this.#at - 4, true)
  }

  double(): number {
    this.raw(8)
    return this.#view.getFloat64(this.#at - 8, true)
  }

  /** A length or count of things that take at least a byte each: never more than the bytes that are left. */
  length(): number {
    const value = this.long()
    if (value < 0n || value > BigInt(this.remaining))
      this.fail(`expected a length of at most the ${this.remaining} bytes left, found ${value}`)
    return Number(value)
  }

  /** The number of items in the next block of an array or map, 0 at its end. A negative count is followed by the block's size, which is not needed. */
  blockCount(): number {
    const count = this.long()
    if (count < 0n) this.length()
    const items = count < 0n ? -count : count
    if (items > BigInt(this.remaining)) this.fail(`expected at most ${this.remaining} items in the bytes left, found ${items}`)
    return Number(items)
  }

  bytes(): Uint8Array {
    return this.raw(this.length())
  }

  string(): string {
    const bytes = this.bytes()
    try {
      return utf8.decode(bytes)
    } catch {
      return this.fail('expected UTF-8 text, found other bytes')
    }
  }
}
