/** Room in front of a page's values for its levels, so that they need not be moved. A multiple of eight. */
const headroom = 16 * 1024
/** Bytes past the end that may be overwritten: whole words are stored where fewer bytes are meant. */
const slack = 8

/** The PLAIN values of a page in the making. */
export class PageBuffer {
  bytes = new Uint8Array(headroom + 64 * 1024)
  /** Of `bytes`, likewise. */
  words = new Int32Array(this.bytes.buffer)
  view = new DataView(this.bytes.buffer)
  /** Where the next value goes; values of four and eight bytes stand at multiples of four. */
  end = headroom

  get byteLength(): number {
    return this.end - headroom
  }

  /** Makes room for `bytes` more. Then `bytes`, `words` and `view` are other ones, perhaps. */
  reserve(bytes: number): void {
    const needed = this.end + bytes + slack
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array((Math.max(needed, this.bytes.length * 2) + 7) & ~7)
    larger.set(this.bytes.subarray(0, this.end))
    this.bytes = larger
    this.words = new Int32Array(larger.buffer)
    this.view = new DataView(larger.buffer)
  }

  /** The page: `front` and the values behind it. Valid until the next value. */
  behind(front: Uint8Array): Uint8Array {
    if (front.length > headroom) {
      const page = new Uint8Array(front.length + this.byteLength)
      page.set(front)
      page.set(this.bytes.subarray(headroom, this.end), front.length)
      return page
    }
    this.bytes.set(front, headroom - front.length)
    return this.bytes.subarray(headroom - front.length, this.end)
  }

  clear(): void {
    this.end = headroom
  }
}
