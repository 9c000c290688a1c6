import type { Vector } from '../vector.ts'

/**
 * A growable column in the Arrow layout. A builder is filled, snapshotted into a `Vector` that shares its buffers, and cleared:
 * the vector is valid until the next append. `truncate` takes back the last slots, so that a record can be appended whole or not
 * at all.
 */
export interface Builder {
  /** Slots so far. */
  readonly length: number
  /** Bytes held by the slots so far. */
  readonly byteLength: number
  appendNull(): void
  truncate(length: number): void
  snapshot(): Vector
  clear(): void
}
