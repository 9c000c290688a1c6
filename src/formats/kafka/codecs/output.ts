import { CodecError } from './codec-error.ts'

/** The bytes that a codec has produced so far. It grows by doubling and never past `maxBytes`. */
export class Output {
  readonly maxBytes: number
  bytes: Uint8Array
  /** How many of `bytes` are filled. */
  length = 0

  constructor(maxBytes: number, expectedBytes: number) {
    this.maxBytes = maxBytes
    this.bytes = Buffer.allocUnsafeSlow(Math.min(maxBytes, expectedBytes))
  }

  /** Makes room for `more` bytes, as far as the bound allows, and returns where to stop writing. */
  reserve(more: number): number {
    const limit = Math.min(this.length + more, this.maxBytes)
    if (limit > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.maxBytes, Math.max(limit, this.bytes.length * 2)))
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    return limit
  }

  /** Appends bytes as they are. Throws a CodecError past the bound. */
  append(source: Uint8Array): void {
    if (source.length > this.maxBytes - this.length) throw tooLarge(this.maxBytes)
    this.reserve(source.length)
    this.bytes.set(source, this.length)
    this.length += source.length
  }

  /** What was produced. */
  filled(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

export function tooLarge(maxBytes: number): CodecError {
  return new CodecError(`it inflates to more than ${maxBytes} bytes, the bound for one batch`)
}
