import { BytesBuilder } from '../arrow/builders/bytes.ts'
import { type Column, columnOf } from './column.ts'
import { ExactPath } from './exact/exact-path.ts'
import { RescueCounts, type Rescued } from './rescue-counts.ts'
import { FastPath } from './scan/fast-path.ts'
import type { BadField, RecordShape } from './shape.ts'

/**
 * Turns JSON documents into columns and a rescue column, one row each. The fast path takes what it is sure of, straight from bytes to
 * columns; what it gives up is taken back and goes the exact path. Both say the same of the same document.
 *
 * Invariant: all columns and the rescue column have `length` slots between two appends.
 */
export class JsonRecords {
  readonly columns: readonly Column[]
  /** What the columns can not hold: a JSON object from normalized path (RFC 9535, section 2.7) to original text, or null. */
  readonly rescue = new BytesBuilder()
  readonly #counts = new RescueCounts()
  readonly #fast: FastPath
  readonly #exact: ExactPath
  /** Records that went the exact path. */
  exactRecords = 0

  constructor(shape: RecordShape) {
    this.columns = shape.columns.map((column) => columnOf(column.shape))
    this.#fast = new FastPath(shape, this.columns, this.rescue, this.#counts)
    this.#exact = new ExactPath(shape, this.columns)
  }

  get length(): number {
    return this.rescue.length
  }

  /** Appends the document `bytes[start, end)`; where it can not be a row, appends nothing and says why. */
  append(bytes: Uint8Array, start: number, end: number): BadField | null {
    if (this.#fast.append(bytes, start, end)) return null
    this.#truncate(this.length)
    this.exactRecords++
    const kept = this.#exact.append(bytes, start, end)
    if ('bad' in kept) return kept.bad
    if (kept.rescue === null) this.rescue.appendNull()
    else {
      this.rescue.append(kept.rescue, 0, kept.rescue.length)
      this.#counts.addRecord(kept.paths)
    }
    return null
  }

  /** Appends a tombstone: no value, and nothing rescued. Where a column is required, appends nothing and says so. */
  appendNull(): BadField | null {
    const bad = this.#exact.appendNull()
    if (bad === null) this.rescue.appendNull()
    return bad
  }

  /** What was rescued since this was last asked; nulls of known members are not counted. */
  takeRescued(): Rescued {
    this.#fast.flushCounts()
    return this.#counts.take()
  }

  clear(): void {
    for (const { builder } of this.columns) builder.clear()
    this.rescue.clear()
  }

  #truncate(length: number): void {
    for (const { builder } of this.columns) builder.truncate(length)
  }
}
