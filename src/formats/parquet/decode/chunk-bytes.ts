import { discard } from '../../bytes/release.ts'

/** A file that is read in parts. */
export interface RandomAccess {
  readonly byteLength: number
  /** The bytes `[start, end)`. */
  slice(start: number, end: number): Promise<Uint8Array>
  /** Whether those that `slice` gave are of no use to anyone else, so that their memory can be given back. */
  readonly givesOwn: boolean
}

/** The bytes of a column chunk from front to back, read in windows so that a large one takes no more memory than a small one. */
export class ChunkBytes {
  readonly #file: RandomAccess
  readonly #windowBytes: number
  readonly #end: number
  readonly #isDiscarded: boolean
  #window: Uint8Array = new Uint8Array(0)
  /** Where the window begins in the file, and the reader stands in it. */
  #start: number
  #at = 0

  /** `isDiscarded`: nobody reads bytes of a window behind the next call of `peek`. */
  constructor(file: RandomAccess, start: number, end: number, windowBytes: number, isDiscarded: boolean) {
    this.#file = file
    this.#isDiscarded = isDiscarded
    this.#start = start
    this.#end = end
    this.#windowBytes = windowBytes
  }

  /** Bytes not yet passed over. */
  get left(): number {
    return this.#end - this.#start - this.#at
  }

  /** Gives the memory of the window back, where it may be. */
  discard(): void {
    if (this.#file.givesOwn && this.#isDiscarded) discard(this.#window)
  }

  /** `length` bytes or more from here on; fewer where the chunk ends. They stay as they are until the reader goes on. */
  async peek(length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, this.left)
    if (this.#window.length - this.#at < wanted) {
      const from = this.#start + this.#at
      const to = Math.min(this.#end, from + Math.max(wanted, this.#windowBytes))
      const window = await this.#file.slice(from, to)
      if (window.length < wanted) throw new RangeError(`parquet: the file ends within a column chunk, at byte ${from + window.length}`)
      this.discard()
      this.#window = window
      this.#start = from
      this.#at = 0
    }
    return this.#at === 0 ? this.#window : this.#window.subarray(this.#at)
  }

  skip(length: number): void {
    this.#at += length
  }
}
