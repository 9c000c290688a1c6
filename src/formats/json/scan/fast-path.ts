import type { BytesBuilder } from '../../arrow/builders/bytes.ts'
import { isUtf8 } from '../../bytes/utf8.ts'
import type { Column } from '../column.ts'
import { appendScalar } from '../exact/append-scalar.ts'
import { scalarOf, type ScalarShape } from '../exact/scalars.ts'
import type { RescueCounts } from '../rescue-counts.ts'
import type { RecordShape, Shape } from '../shape.ts'
import { type Generated, generateScan, type HardValue } from './generate.ts'
import { rootLevel } from './levels.ts'
import type { MemberTable, RescuedPath } from './member-table.ts'
import { RescueWriter } from './rescue-writer.ts'
import { giveUp, Source } from './source.ts'

/** Takes the documents that are written as a schema expects them, in one pass from bytes to columns. */
export class FastPath {
  readonly #source = new Source()
  readonly #rescue: RescueWriter
  readonly #counts: RescueCounts
  readonly #generated: Generated
  /** Where values of the record that is being scanned were rescued from. */
  readonly #rescued: RescuedPath[] = []
  #rescuedCount = 0
  /** Readable bytes behind a document: words are read where fewer bytes are meant, and keys are compared whole. */
  readonly #slack: number
  /** Holds a document that stands at the very end of its buffer. */
  #padded = new Uint8Array(4096)

  constructor(shape: RecordShape, columns: readonly Column[], rescue: BytesBuilder, counts: RescueCounts) {
    this.#counts = counts
    this.#rescue = new RescueWriter(rescue, this.#source)
    this.#slack = 16 + longestKey(shape)
    this.#generated = generateScan(
      rootLevel(shape, columns),
      this.#source,
      this.#rescue,
      {
        skipUnknown: (table, unknown, visit, p) => this.#skipUnknown(table, unknown, visit, p),
        readHard: (value, p) => this.#readHard(value, p),
      },
      (members) => this.#count(members),
    )
  }

  /** Whether the document `bytes[start, end)` was appended; if not, columns are longer by parts of a row and must be cut back. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    const source = this.#source
    if (end + this.#slack > bytes.length) {
      const length = end - start
      if (length + this.#slack > this.#padded.length) this.#padded = new Uint8Array((length + this.#slack) * 2)
      this.#padded.set(bytes.subarray(start, end))
      this.#padded.fill(0, length, length + this.#slack)
      bytes = this.#padded
      start = 0
      end = length
    }
    if (source.bytes !== bytes) {
      source.bytes = bytes as Uint8Array<ArrayBuffer>
      source.view = new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length)
    }
    source.end = end
    source.high = 0
    this.#rescuedCount = 0
    this.#rescue.begin()
    const isTaken = this.#scan(start) === end && ((source.high & 0x80808080) === 0 || isUtf8(bytes, start, end))
    if (isTaken) {
      this.#rescue.close()
      if (this.#rescuedCount === 0) return true
      this.#counts.addRecords(1)
      for (let i = 0; i < this.#rescuedCount; i++) this.#rescued[i].count++
    }
    // Keys of documents that the exact path takes are remembered too.
    for (const table of this.#generated.tables) if (table.isFull) table.forget()
    return isTaken
  }

  #scan(start: number): number {
    try {
      return this.#generated.scan(start)
    } catch (error) {
      // What ends too early is read on into whatever follows, if need be to the end of the buffer.
      if (error instanceof RangeError) return giveUp
      throw error
    }
  }

  /** Hands over what was counted of unknown members. */
  flushCounts(): void {
    for (const table of this.#generated.tables) this.#count(table.unknown)
    this.#count(this.#generated.misfits)
  }

  #skipUnknown(table: MemberTable, unknown: number, visit: number, p: number): number {
    const source = this.#source
    const member = table.unknown[unknown]
    // The second of two equal keys counts, and only the exact path can take the first one back.
    if (member.visit === visit) return giveUp
    member.visit = visit
    const after = source.skip(p, 0)
    if (after < 0 || after > source.end) return giveUp
    this.#rescueText(member, p, after)
    return after
  }

  #readHard({ column, rescued }: HardValue, p: number): number {
    const { bytes, end } = this.#source
    const after = this.#source.skip(p, 0)
    if (after < 0 || after > end || !isUtf8(bytes, p, after)) return giveUp
    const fit = scalarOf(column.shape as ScalarShape, bytes, p, after)
    if (fit?.isExact !== true) {
      if (rescued === null) return giveUp
      this.#rescueText(rescued, p, after)
    }
    if (fit === null) column.builder.appendNull()
    else appendScalar(column, fit.value)
    return after
  }

  #rescueText(from: RescuedPath, start: number, end: number): void {
    this.#rescue.addText(from.path, start, end)
    this.#rescued[this.#rescuedCount++] = from
  }

  #count(members: readonly RescuedPath[]): void {
    for (const member of members) {
      if (member.count > 0) this.#counts.addPath(member.pattern, member.count)
      member.count = 0
    }
  }
}

/** In bytes; with its quotes and colon, of any level. */
function longestKey({ columns }: RecordShape): number {
  const lengths = columns.flatMap(({ path, shape }) => [...path.map(lengthOf), longestIn(shape)])
  return Math.max(0, ...lengths) + 3
}

function longestIn(shape: Shape): number {
  if (shape.kind === 'struct') return Math.max(0, ...shape.fields.map((field) => Math.max(lengthOf(field.key), longestIn(field.shape))))
  if (shape.kind === 'list') return longestIn(shape.element)
  return shape.kind === 'map' ? longestIn(shape.value) : 0
}

function lengthOf(key: string): number {
  return key.length * 3
}
