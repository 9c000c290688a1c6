import type { ListVector, MapVector, StructVector } from '../vector.ts'
import type { Builder } from './builder.ts'
import { grown } from './grown.ts'
import { Validity } from './validity.ts'

/** struct columns: append a slot to each child, then `close`. */
export class StructBuilder implements Builder {
  readonly children: readonly Builder[]
  readonly #validity = new Validity()
  length = 0

  constructor(children: readonly Builder[]) {
    this.children = children
  }

  get byteLength(): number {
    return this.children.reduce((sum, child) => sum + child.byteLength, 0)
  }

  /** Ends a slot that is present. */
  close(): void {
    this.length++
  }

  /** A null slot, and one in each child. */
  appendNull(): void {
    this.#validity.markNull(this.length++)
    for (const child of this.children) child.appendNull()
  }

  truncate(length: number): void {
    this.#validity.truncate(length, this.length)
    this.length = length
    for (const child of this.children) child.truncate(length)
  }

  snapshot(): StructVector {
    const validity = this.#validity.snapshot(this.length)
    const children = this.children.map((child) => child.snapshot())
    return { layout: 'struct', length: this.length, nullCount: this.#validity.nulls, validity, children }
  }

  clear(): void {
    for (const child of this.children) child.clear()
    this.#validity.clear()
    this.length = 0
  }
}

/** Where each slot of a list or map column ends among its elements. */
class Spans {
  #offsets = new Int32Array(1024)
  readonly #validity = new Validity()
  length = 0

  push(end: number): void {
    if (++this.length >= this.#offsets.length) this.#offsets = grown(this.#offsets, Int32Array, this.length + 1)
    this.#offsets[this.length] = end
  }

  pushNull(): void {
    this.#validity.markNull(this.length)
    this.push(this.#offsets[this.length])
  }

  /** Cuts back, and returns how many elements are left. */
  truncate(length: number): number {
    this.#validity.truncate(length, this.length)
    this.length = length
    return this.#offsets[length]
  }

  snapshot() {
    const validity = this.#validity.snapshot(this.length)
    return { length: this.length, nullCount: this.#validity.nulls, validity, offsets: this.#offsets.subarray(0, this.length + 1) }
  }

  clear(): void {
    this.#validity.clear()
    this.length = 0
  }
}

/** list columns: append the elements' slots, then `close`. */
export class ListBuilder<E extends Builder = Builder> implements Builder {
  readonly element: E
  readonly #spans = new Spans()

  constructor(element: E) {
    this.element = element
  }

  get length(): number {
    return this.#spans.length
  }

  get byteLength(): number {
    return this.element.byteLength + this.length * 4
  }

  /** Ends the list begun by the elements appended since the last one; none appended is an empty list. */
  close(): void {
    this.#spans.push(this.element.length)
  }

  appendNull(): void {
    this.#spans.pushNull()
  }

  truncate(length: number): void {
    this.element.truncate(this.#spans.truncate(length))
  }

  snapshot(): ListVector {
    return { layout: 'list', ...this.#spans.snapshot(), element: this.element.snapshot() }
  }

  clear(): void {
    this.element.clear()
    this.#spans.clear()
  }
}

/** map columns: append as many slots to the keys as to the values, then `close`. Keys are never null. */
export class MapBuilder implements Builder {
  readonly keys: Builder
  readonly values: Builder
  readonly #spans = new Spans()

  constructor(keys: Builder, values: Builder) {
    this.keys = keys
    this.values = values
  }

  get length(): number {
    return this.#spans.length
  }

  get byteLength(): number {
    return this.keys.byteLength + this.values.byteLength + this.length * 4
  }

  /** Ends the map begun by the entries appended since the last one. */
  close(): void {
    this.#spans.push(this.keys.length)
  }

  appendNull(): void {
    this.#spans.pushNull()
  }

  truncate(length: number): void {
    const entries = this.#spans.truncate(length)
    this.keys.truncate(entries)
    this.values.truncate(entries)
  }

  snapshot(): MapVector {
    return { layout: 'map', ...this.#spans.snapshot(), keys: this.keys.snapshot(), values: this.values.snapshot() }
  }

  clear(): void {
    this.keys.clear()
    this.values.clear()
    this.#spans.clear()
  }
}
