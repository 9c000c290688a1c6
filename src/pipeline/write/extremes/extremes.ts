import type { Vector } from '../../../formats/arrow/vector.ts'

/** The smallest and the largest value of a column, single-value serialized (table specification, appendix D), a string as its UTF-8. */
export interface Bounds {
  readonly lower: Uint8Array
  readonly upper: Uint8Array
}

/**
 * Gathers the smallest and the largest value of one column over row groups. Nothing is kept of a vector that was added.
 * Classes are narrower than this in the vectors that they take: those of the layout that their type has.
 */
export interface Extremes {
  /** NaNs so far; null for types that have none. */
  readonly nanCount: bigint | null
  /** `present`: a validity bitmap over the vector's own, its parents' included; null where every slot is present. */
  add(column: Vector, present: Uint8Array | null): void
  /** Of the values that are present and no NaN; undefined where there are none so far. */
  bounds(): Bounds | undefined
}
