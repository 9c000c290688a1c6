import { isUtf8 } from '../../bytes/utf8.ts'
import type { Column } from '../column.ts'
import type { BadField, RecordShape } from '../shape.ts'
import { Fill } from './fill.ts'
import { type Group, groupsOf } from './groups.ts'
import { mark } from './marks.ts'
import { badFieldIn, badFieldOfNull } from './required.ts'
import { type Kept, rescuedBytes, rescuedWhole } from './rescue.ts'
import { utf8Text } from './strings.ts'
import { isJson, spaceEnd } from './syntax.ts'
import { membersOf } from './walk.ts'

/**
 * Puts JSON documents into columns, one at a time, and what the columns do not say into a rescue text: the two together give the
 * document back. It makes objects as it goes and is in no hurry.
 *
 * Invariant: between documents all columns are of equal length; a document adds one slot to each, or none to any.
 */
export class ExactPath {
  readonly #shape: RecordShape
  readonly #columns: readonly Column[]
  readonly #root: Group

  /** `columns[i]` is a column of `shape.columns[i].shape`. */
  constructor(shape: RecordShape, columns: readonly Column[]) {
    this.#shape = shape
    this.#columns = columns
    this.#root = groupsOf(shape)
  }

  /** Appends the document `bytes[start, end)` as one slot to each column, or nothing where a required column would be null. */
  append(bytes: Uint8Array, start: number, end: number): Kept | { readonly bad: BadField } {
    if (!isUtf8(bytes, start, end)) return this.#appendWhole('is not UTF-8', () => rescuedBytes(bytes.subarray(start, end)))
    const at = spaceEnd(bytes, start, end)
    const asText = (): Kept => rescuedWhole(utf8Text(bytes, start, end))
    if (at === end || bytes[at] !== mark.openBrace || !isJson(bytes, at, end)) return this.#appendWhole('is no JSON object', asText)
    const members = membersOf(bytes, at)
    if (members.size === 0) return this.#appendWhole('is an object without members', asText)
    const length = this.#columns.at(0)?.builder.length ?? 0
    const fill = new Fill(bytes, this.#columns)
    try {
      fill.group(this.#root, members)
    } catch (error) {
      this.#truncate(length)
      throw error
    }
    const bad = badFieldIn(this.#shape, fill.lacks)
    if (bad === null) return fill.rescue.kept()
    this.#truncate(length)
    return { bad }
  }

  /** Appends a record without a value: a null slot to each column, or nothing where one is required. */
  appendNull(): BadField | null {
    return this.#appendNulls('has no value')
  }

  /** A document that no column holds anything of. `why`: what it is, after "the record". */
  #appendWhole(why: string, keep: () => Kept): Kept | { readonly bad: BadField } {
    const bad = this.#appendNulls(why)
    return bad === null ? keep() : { bad }
  }

  #appendNulls(why: string): BadField | null {
    const bad = badFieldOfNull(this.#shape, why)
    if (bad === null) for (const { builder } of this.#columns) builder.appendNull()
    return bad
  }

  #truncate(length: number): void {
    for (const { builder } of this.#columns) builder.truncate(length)
  }
}
