import { bitWidth, encodeRun, hybridBound } from './hybrid.ts'
import { encodeLevels, maxLevel } from './level-hybrid.ts'

/** The repetition or the definition levels of one page. While all are the usual one they are only counted. */
export class LevelBuffer {
  readonly #width: number
  readonly #max: number
  readonly #usual: number
  /** A byte each, in words of four. */
  #words = new Int32Array(0)
  #bytes = new Uint8Array(this.#words.buffer)
  /** Whether `#words` holds the levels; else all are `#usual`. */
  #listed = false
  #count = 0

  /**
   * `max`: the largest level; 0 for levels that are not written at all. `usual`: that of columns without nulls and lists.
   * @throws RangeError where there is no room for `max`.
   */
  constructor(max: number, usual: number) {
    if (max > maxLevel) throw new RangeError(`columns nested ${max} levels deep are not written: at most ${maxLevel}`)
    this.#max = max
    this.#usual = usual
    this.#width = bitWidth(max)
  }

  /** No fewer bytes than the levels take when `more` have come; `listed`: whether those may differ from one another. */
  bound(more: number, listed: boolean): number {
    if (this.#max === 0) return 0
    return 4 + hybridBound(listed || this.#listed ? this.#count + more : 0, this.#width)
  }

  /** `count` levels that are the usual one. */
  appendUsual(count: number): void {
    if (this.#max === 0) return
    if (this.#listed) {
      this.#list(count)
      this.#bytes.fill(this.#usual, this.#count, this.#count + count)
    }
    this.#count += count
  }

  /** `levels[from, to)`; `live` stands for the largest level. */
  append(levels: Uint8Array, from: number, to: number): void {
    if (this.#max === 0) return
    this.#list(to - from)
    this.#bytes.set(levels.subarray(from, to), this.#count)
    this.#count += to - from
  }

  /** Writes the levels as data page v1 wants them, their length first, and forgets them. Returns where they end. */
  encode(out: DataView, at: number): number {
    if (this.#max === 0) return at
    const end = this.#listed
      ? encodeLevels(this.#words, this.#count, this.#max, out, at + 4)
      : encodeRun(this.#usual, this.#count, this.#width, out, at + 4)
    out.setUint32(at, end - at - 4, true)
    this.#count = 0
    this.#listed = false
    return end
  }

  /** Makes sure that the levels are listed, with room for `more`, in whole groups of eight as the encoder wants them. */
  #list(more: number): void {
    const needed = this.#count + more + 7
    if (needed > this.#bytes.length) {
      const larger = new Int32Array(Math.max((needed >> 2) + 2, this.#words.length * 2, 4096))
      if (this.#listed) larger.set(this.#words)
      this.#words = larger
      this.#bytes = new Uint8Array(larger.buffer)
    }
    if (!this.#listed) this.#bytes.fill(this.#usual, 0, this.#count)
    this.#listed = true
  }
}
