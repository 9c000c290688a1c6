import type { ListBuilder, MapBuilder, StructBuilder } from '../../arrow/builders/nested.ts'
import type { Column } from '../column.ts'
import type { MapShape, StructShape } from '../shape.ts'
import { appendScalar } from './append-scalar.ts'
import type { Group } from './groups.ts'
import { keyOf } from './map-keys.ts'
import { mark } from './marks.ts'
import { kindOfValue, type Lack } from './required.ts'
import { Rescue, type Step } from './rescue.ts'
import { scalarOf } from './scalars.ts'
import { utf8Text } from './strings.ts'
import { elementsOf, membersOf, type Span } from './walk.ts'

/** Fills columns with one document, a slot each; what they do not say goes to `rescue`. */
export class Fill {
  readonly rescue = new Rescue()
  /** Why each column's slot is null; null where it holds a value. */
  readonly lacks: (Lack | null)[] = []
  readonly #bytes: Uint8Array
  readonly #columns: readonly Column[]
  /** What leads to the value at hand. */
  readonly #steps: Step[] = []

  /** `bytes` holds the document, which is valid JSON. */
  constructor(bytes: Uint8Array, columns: readonly Column[]) {
    this.#bytes = bytes
    this.#columns = columns
  }

  /** Takes the members of an object that is no column itself: the root, or one that is on the way to a column. */
  group(group: Group, members: Map<string, Span>): void {
    for (const [name, known] of group) {
      const span = take(members, name)
      this.#steps.push(name)
      if (typeof known === 'number') this.lacks[known] = this.#member(this.#columns[known], span)
      else this.group(known, this.#membersOfGroup(span))
      this.#steps.pop()
    }
    this.#unknown(members)
  }

  /** No members where the group is not there, or is null, or is no object with members: then it is rescued itself. */
  #membersOfGroup(span: Span | undefined): Map<string, Span> {
    if (span === undefined) return new Map()
    if (this.#isNull(span)) {
      this.rescue.addNull(this.#steps, span.start)
      return new Map()
    }
    const members = this.#bytes[span.start] === mark.openBrace ? membersOf(this.#bytes, span.start) : new Map<string, Span>()
    if (members.size === 0) this.#keep(span)
    return members
  }

  /** A member that a column or a struct's field is for. Returns why the slot is null; null where it is not. */
  #member(column: Column, span: Span | undefined): Lack | null {
    if (span === undefined) {
      column.builder.appendNull()
      return 'nothing'
    }
    if (this.#isNull(span)) {
      column.builder.appendNull()
      this.rescue.addNull(this.#steps, span.start)
      return 'null'
    }
    return this.#value(column, span) ? null : kindOfValue(this.#bytes[span.start])
  }

  /** An element of a list or the value of a map's entry: nothing but a null makes its slot null without a trace. */
  #element(column: Column, span: Span): void {
    if (this.#isNull(span)) column.builder.appendNull()
    else this.#value(column, span)
  }

  /** A value other than null. False where it does not fit: then the slot is null. */
  #value(column: Column, span: Span): boolean {
    const { shape } = column
    const first = this.#bytes[span.start]
    if (shape.kind === 'struct' && first === mark.openBrace) this.#struct(column, shape, span)
    else if (shape.kind === 'map' && first === mark.openBrace) this.#map(column, shape, span)
    else if (shape.kind === 'list' && first === mark.openBracket) this.#list(column, span)
    else {
      const isScalar = shape.kind !== 'struct' && shape.kind !== 'map' && shape.kind !== 'list'
      const fit = isScalar ? scalarOf(shape, this.#bytes, span.start, span.end) : null
      if (fit === null) column.builder.appendNull()
      else appendScalar(column, fit.value)
      if (fit === null || !fit.isExact) this.#keep(span)
      return fit !== null
    }
    return true
  }

  #struct(column: Column, { fields }: StructShape, span: Span): void {
    const members = membersOf(this.#bytes, span.start)
    fields.forEach(({ key }, i) => {
      const member = take(members, key)
      this.#steps.push(key)
      this.#member(column.children[i], member)
      this.#steps.pop()
    })
    this.#unknown(members)
    ;(column.builder as StructBuilder).close()
  }

  #list(column: Column, span: Span): void {
    let index = 0
    for (const element of elementsOf(this.#bytes, span.start)) {
      this.#steps.push(index++)
      this.#element(column.children[0], element)
      this.#steps.pop()
    }
    ;(column.builder as ListBuilder).close()
  }

  #map(column: Column, shape: MapShape, span: Span): void {
    const [keys, values] = column.children
    for (const [mapKey, value] of membersOf(this.#bytes, span.start)) {
      const key = keyOf(shape.key, mapKey)
      this.#steps.push({ mapKey })
      if (key === null) this.#keep(value)
      else {
        appendScalar(keys, key)
        this.#element(values, value)
      }
      this.#steps.pop()
    }
    ;(column.builder as MapBuilder).close()
  }

  #unknown(members: Map<string, Span>): void {
    for (const [name, span] of members) {
      this.#steps.push(name)
      this.#keep(span)
      this.#steps.pop()
    }
  }

  #keep({ start, end }: Span): void {
    this.rescue.add(this.#steps, start, utf8Text(this.#bytes, start, end))
  }

  #isNull({ start }: Span): boolean {
    return this.#bytes[start] === mark.n
  }
}

/** The member of this name, which is then no longer among the members. */
function take(members: Map<string, Span>, name: string): Span | undefined {
  const span = members.get(name)
  if (span !== undefined) members.delete(name)
  return span
}
