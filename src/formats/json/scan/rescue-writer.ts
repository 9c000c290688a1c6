import type { BytesBuilder } from '../../arrow/builders/bytes.ts'
import type { Source } from './source.ts'
import { bytesBefore, specialIn } from './words.ts'

const colonQuote = new TextEncoder().encode(`":"`)
const nullEntry = new TextEncoder().encode(`":"null"`)

/**
 * Writes a record's rescue text into its column while the record is scanned: `{"path":"text",…}`. Paths are given as bytes that are
 * escaped for JSON already. Inside lists the path is what leads to each list, with the element's index behind it.
 */
export class RescueWriter {
  readonly #column: BytesBuilder
  readonly #source: Source
  /** Where the text ends that this record has so far; 0 where it has none. */
  #end = 0
  #isOpen = false
  /** What leads to the lists that are being read, outermost first, and the index of the element in each. */
  readonly #lists: Uint8Array[] = []
  readonly #indexes: number[] = []
  #depth = 0

  constructor(column: BytesBuilder, source: Source) {
    this.#column = column
    this.#source = source
  }

  begin(): void {
    this.#isOpen = false
    this.#depth = 0
  }

  /** Ends the record: its text, or null, is the column's next slot. */
  close(): void {
    if (!this.#isOpen) this.#column.appendNull()
    else {
      this.#column.data[this.#end++] = 0x7d
      this.#column.push(this.#end)
    }
  }

  enterList(path: Uint8Array): void {
    this.#lists[this.#depth] = path
    this.#indexes[this.#depth++] = 0
  }

  nextElement(): void {
    this.#indexes[this.#depth - 1]++
  }

  leaveList(): void {
    this.#depth--
  }

  /** A member that is known, and null. */
  addNull(path: Uint8Array): void {
    this.#path(path, 0)
    this.#put(nullEntry)
  }

  /** A value that has no column: the document's bytes `[start, end)`. */
  addText(path: Uint8Array, start: number, end: number): void {
    this.#path(path, (end - start) * 2)
    this.#put(colonQuote)
    const { bytes, view } = this.#source
    const { data, view: out } = this.#column
    let to = this.#end
    while (start < end) {
      const word = view.getInt32(start, true)
      out.setInt32(to, word, true)
      const special = specialIn(word)
      const plain = special === 0 ? 4 : bytesBefore(special)
      if (plain >= end - start) {
        to += end - start
        break
      }
      start += plain
      to += plain
      if (special === 0) continue
      const byte = bytes[start++]
      data[to] = 0x5c
      // White space and quotes are all that a valid value can hold here.
      data[to + 1] = byte === 0x0a ? 0x6e : byte === 0x0d ? 0x72 : byte === 0x09 ? 0x74 : byte
      to += 2
    }
    data[to++] = 0x22
    this.#end = to
  }

  /** Begins an entry: what separates it, a quote, the path. Makes room for it and `bytes` more. */
  #path(path: Uint8Array, bytes: number): void {
    const column = this.#column
    const from = column.offsets[column.length]
    const written = this.#isOpen ? this.#end - from : 0
    let room = written + path.length + bytes + 24
    for (let i = 0; i < this.#depth; i++) room += this.#lists[i].length + 16
    column.reserve(room)
    if (!this.#isOpen) this.#end = from
    column.data[this.#end++] = this.#isOpen ? 0x2c : 0x7b
    this.#isOpen = true
    column.data[this.#end++] = 0x22
    column.data[this.#end++] = 0x24
    for (let i = 0; i < this.#depth; i++) {
      this.#put(this.#lists[i])
      const index = `[${this.#indexes[i]}]`
      for (let k = 0; k < index.length; k++) column.data[this.#end++] = index.charCodeAt(k)
    }
    this.#put(path)
  }

  #put(bytes: Uint8Array): void {
    const { data } = this.#column
    let to = this.#end
    for (let i = 0; i < bytes.length; i++) data[to++] = bytes[i]
    this.#end = to
  }
}
