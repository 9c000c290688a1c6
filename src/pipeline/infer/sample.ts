/** Some of a table's records, taken to see what their values are like. */
export interface Sample {
  /** The values, tombstones left out, in the order of topic-partitions and offsets. */
  readonly values: readonly Uint8Array[]
  /** Records looked at: the values and the tombstones. */
  readonly records: number
  /** Tombstones among them. */
  readonly nulls: number
  /** Segments read. */
  readonly segments: number
  /** Whether these are all the records that were ready: nothing was left out for being too many, or for having damaged bytes. */
  readonly exhausted: boolean
}
