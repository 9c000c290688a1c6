/** Chance comes in by this door, so that a run can be replayed from its seed. */
export interface Entropy {
  /** A random UUID, version 4. */
  uuid(): string
  /** A time-ordered UUID, version 7 (RFC 9562), as idempotency keys want it. */
  uuidV7(): string
  /** A random positive int64, for snapshot ids. */
  int63(): bigint
}
