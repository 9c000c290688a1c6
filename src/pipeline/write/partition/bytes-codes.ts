import { murmur3 } from '../../../formats/iceberg/murmur3.ts'

interface Entry {
  readonly bytes: Uint8Array
  readonly code: number
}

/** Codes of texts and byte strings that lie in a column: no value is copied before it is met for the first time. */
export class BytesCodes {
  readonly #isText: boolean
  readonly #add: (value: string | Uint8Array) => number
  readonly #byHash = new Map<number, Entry[]>()
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  #last: Entry | null = null

  /** `add` is told each value once, and answers with its code. */
  constructor(isText: boolean, add: (value: string | Uint8Array) => number) {
    this.#isText = isText
    this.#add = add
  }

  /** The code of `data[start, end)`, cut to `width` code points of a text, or bytes. */
  codeOf(data: Uint8Array, start: number, end: number, width: number): number {
    const to = end - start <= width ? end : this.#isText ? endOfCodePoints(data, start, end, width) : start + width
    if (this.#last !== null && isSame(this.#last.bytes, data, start, to)) return this.#last.code
    const hash = murmur3(data, start, to)
    const known = this.#byHash.get(hash)
    let entry = known?.find(({ bytes }) => isSame(bytes, data, start, to))
    if (entry === undefined) {
      const bytes = data.slice(start, to)
      entry = { bytes, code: this.#add(this.#isText ? this.#utf8.decode(bytes) : bytes) }
      if (known === undefined) this.#byHash.set(hash, [entry])
      else known.push(entry)
    }
    this.#last = entry
    return entry.code
  }
}

function isSame(bytes: Uint8Array, data: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== data[start + i]) return false
  return true
}

/** Where the first `count` code points of a UTF-8 text end. */
function endOfCodePoints(data: Uint8Array, start: number, end: number, count: number): number {
  let seen = 0
  for (let i = start; i < end; i++) if ((data[i] & 0xc0) !== 0x80 && seen++ === count) return i
  return end
}
