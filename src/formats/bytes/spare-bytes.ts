/** Below this, new memory costs little. */
const worthwhileBytes = 1024 * 1024
/** Memory that nobody asked for in this time is given back. */
const idleMs = 5_000

/**
 * Memory for objects that are read one after another. What the kernel hands out anew is cleared page by page at the first touch, which
 * costs more than to read into it; and V8 looks through its heap each time that so much memory was asked for.
 *
 * What is in use and what is spare take together no more than was once in use at a time.
 */
export class SpareBytes {
  #spare: ArrayBuffer[] = []
  readonly #timer = setTimeout(() => this.#drop(Infinity), idleMs).unref()

  /** So many bytes of any content; nobody else has their buffer, which may be longer. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (length < worthwhileBytes) return new Uint8Array(unused(length))
    const at = this.#spare.findIndex(({ byteLength }) => byteLength >= length && byteLength < 2 * length)
    if (at >= 0) return new Uint8Array(this.#spare.splice(at, 1)[0], 0, length)
    this.#drop(length)
    return new Uint8Array(unused(roomFor(length)), 0, length)
  }

  /** Takes bytes back whose buffer nobody reads or writes any more. */
  giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength < worthwhileBytes) return
    this.#spare.push(buffer)
    this.#timer.refresh()
  }

  #drop(bytes: number): void {
    for (let left = bytes; left > 0 && this.#spare.length > 0;) {
      const buffer = this.#spare.shift()!
      left -= buffer.byteLength
      // The garbage collector would come for it much later.
      buffer.transfer(0)
    }
  }
}

function unused(length: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(length).buffer
}

/** Objects of one kind differ a little in size: up to an eighth more. */
function roomFor(length: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(length)) - 3)
  return Math.ceil(length / step) * step
}
